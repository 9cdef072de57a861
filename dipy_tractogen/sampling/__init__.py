"""Densities of the latents and the drawing of streamlines from them."""
