"""Densities of the latents that samples are drawn from."""
