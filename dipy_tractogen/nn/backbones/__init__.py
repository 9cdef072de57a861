"""The networks between a streamline and its latents, by name.

A backbone is a plain description, shared by all models: it makes the layers of a model
and holds no weights. It also has the defaults of its training: ``learning_rate``,
``batch_size``, the ``largest_batch_size`` for large data, ``streamlines_per_s`` that
two cores train on, about, ``steps_per_call`` compiled into one call,
``steps_per_validation`` from one validation to the next, and from how many steps
compilation is worth its time, ``steps_worth_compiling``.
"""

from __future__ import annotations

from dipy_tractogen.utils.messages import check_choice

from .conv import ConvBackbone
from .spectral import SpectralBackbone

BACKBONES = {backbone.name: backbone for backbone in (SpectralBackbone, ConvBackbone)}
"""The backbones by name."""


def make_backbone(
    name: str, nb_points: int, options: dict | None = None, nb_channels: int = 3
):
    """Make a backbone by its name, a key of `BACKBONES`, with further arguments.

    Raises ValueError if the name or an option is unknown.
    """
    check_choice("backbone", name, BACKBONES)
    try:
        return BACKBONES[name](nb_points, nb_channels=nb_channels, **(options or {}))
    except TypeError as error:
        raise ValueError(f"Options of the {name} backbone: {error}.") from error
