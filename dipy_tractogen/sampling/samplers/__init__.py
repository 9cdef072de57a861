"""Densities of the latents that samples are drawn from."""

from .registry import DEFAULT_SAMPLER, SAMPLERS, make_sampler

__all__ = ["DEFAULT_SAMPLER", "SAMPLERS", "make_sampler"]
