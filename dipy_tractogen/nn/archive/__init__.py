"""Model files: reading, checking, the record that they hold, and what is shared."""
