"""Model files: reading, checking, and the record that they hold."""
