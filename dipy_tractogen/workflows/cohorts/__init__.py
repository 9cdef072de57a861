"""Commands that work on all subjects of a cohort, by one process or by many."""
