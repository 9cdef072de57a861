"""Profiles of values along bundles, and how generated ones compare with real ones."""

from .mean import bundle_profile, gaussian_weights, streamline_profiles

__all__ = ["bundle_profile", "gaussian_weights", "streamline_profiles"]
