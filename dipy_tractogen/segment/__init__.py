"""Latents of real tractograms: filter and label streamlines."""
