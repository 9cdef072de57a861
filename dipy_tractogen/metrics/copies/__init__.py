"""Whether a generator returns what it was trained on."""
