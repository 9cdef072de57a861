"""Samplers of latents: densities fitted to those of training streamlines."""

from .registry import DEFAULT_SAMPLER, SAMPLERS, make_sampler

__all__ = ["DEFAULT_SAMPLER", "SAMPLERS", "make_sampler"]
