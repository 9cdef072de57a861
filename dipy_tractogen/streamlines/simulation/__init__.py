"""Simulated streamlines: phantom, cohort, invalid ones; and those that DIPY ships."""
