"""Streamlines as arrays: files, geometry, phantom. NumPy, SciPy and DIPY only."""
