"""Layers between streamlines and latents."""
