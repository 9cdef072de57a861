"""Commands that train a model, and the search over its options."""
