"""Terms of a model's loss beside the reconstruction, one a file."""
