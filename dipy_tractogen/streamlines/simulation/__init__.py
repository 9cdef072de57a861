"""Streamlines that are made: phantom, cohort, invalid ones; and those DIPY ships."""
