"""Spaces of streamlines: transforms from one to another, and registration."""
