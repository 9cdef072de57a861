"""Commands that simulate a phantom or a cohort."""
