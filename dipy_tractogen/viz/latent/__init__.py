"""Figures of a latent space."""

from .plots import plot_correlations, plot_projection, plot_units

__all__ = ["plot_correlations", "plot_projection", "plot_units"]
