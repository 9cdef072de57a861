"""Samplers by name."""

from __future__ import annotations

from dipy_tractogen.utils.messages import check_choice

from .base import LatentSampler
from .gmm import MixtureSampler
from .kde import KernelSampler
from .manifold import ManifoldSampler
from .prior import PriorSampler
from .rejection import RejectionSampler

SAMPLERS = {
    "manifold": ManifoldSampler,
    "gmm": MixtureSampler,
    "kde": KernelSampler,
    "rejection": RejectionSampler,
    "prior": PriorSampler,
}
"""Samplers by name; the first is the default."""

DEFAULT_SAMPLER = next(iter(SAMPLERS))
"""Name of the sampler that came nearest to real streamlines."""


def make_sampler(name: str, **parameters) -> LatentSampler:
    """Create a sampler by name.

    Parameters
    ----------
    name : str
        A key of `SAMPLERS`.
    **parameters
        Parameters of its class.

    Returns
    -------
    LatentSampler
        The sampler, not fitted.

    Raises
    ------
    ValueError
        If there is none of that name.
    """
    check_choice("sampler", name, SAMPLERS)
    return SAMPLERS[name](**parameters)
