"""Measures of generated streamlines against real ones. NumPy, SciPy and DIPY only."""
