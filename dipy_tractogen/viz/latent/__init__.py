"""Figures of a latent space."""
