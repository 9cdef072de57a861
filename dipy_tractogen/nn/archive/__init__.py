"""Model files: reading, checking, and the record that they hold."""

from .load import load_model

__all__ = ["load_model"]
