"""What a model reads of streamlines: features and conditions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import keras
import numpy as np

from dipy_tractogen.streamlines.conditions import Conditions, computed_values
from dipy_tractogen.streamlines.geometry import own_lengths, resample
from dipy_tractogen.streamlines.messages import briefly, listed
from dipy_tractogen.streamlines.ragged import as_streamlines, to_sequence

from .backbones import make_backbone
from .checks import LARGEST_SEED, MOST_LATENTS, MOST_POINTS, check_whole


class StreamlineReader(keras.Model):
    """Base of the models: what they are made with, and what they read.

    Inputs of `call` are points in mm, or a dictionary with ``"points"`` or
    ``"features"``, what the backbone's analysis layer makes of them, so that a training
    need not hold all the points; and with ``"conditions"``, where the model reads some.

    Parameters
    ----------
    nb_points : int
        Points of a streamline that the model reads and gives.
    latent_dim : int
        Dimensions of the latent space.
    backbone : str
        Name of the backbone: ``"spectral"`` or ``"conv"``.
    backbone_options : dict, optional
        Further arguments of `SpectralBackbone` or `ConvBackbone`.
    conditions : Conditions, sequence of dict or None
        What the model knows of its streamlines beside their points; found by the
        training without it.
    seed : int
        Seed of the weights and of the model's random layers.
    **kwargs
        Arguments of ``keras.Model``; the ``dtype`` is float32 in any case.

    Attributes
    ----------
    conditions_in_encoder, conditions_in_decoder : bool
        Whether the encoder, and the decoder, are told the conditions.
    """

    conditions_in_encoder = False
    conditions_in_decoder = False

    def __init__(
        self,
        nb_points: int,
        latent_dim: int,
        *,
        conditions: Conditions | Sequence[dict] | None,
        backbone: str,
        backbone_options: dict | None,
        seed: int,
        **kwargs,
    ):
        # Whatever the user's policy is, or was where the file was written.
        super().__init__(**{**kwargs, "dtype": "float32"})
        check_whole("nb_points", nb_points, 2, MOST_POINTS)
        check_whole("latent_dim", latent_dim, 1, MOST_LATENTS)
        check_whole("seed", seed, 0, LARGEST_SEED)
        self.nb_points = nb_points
        self.latent_dim = latent_dim
        self.seed = seed
        self.backbone = make_backbone(backbone, nb_points, backbone_options)
        self.conditions = None if conditions is None else Conditions(conditions)

    def get_config(self) -> dict:
        """Parameters of the model, as plain values."""
        return {
            **super().get_config(),
            "nb_points": self.nb_points,
            "latent_dim": self.latent_dim,
            "backbone": self.backbone.name,
            "backbone_options": self.backbone.get_config(),
            "conditions": self.conditions and self.conditions.to_plain(),
            "seed": self.seed,
        }

    @property
    def reads_conditions(self) -> bool:
        """Whether the layers, or the terms of the loss, read conditions."""
        return self.conditions_in_networks

    @property
    def needed_conditions(self) -> tuple[str, ...]:
        """Names of conditions that the model cannot do without, beside the bundle."""
        return ()

    def condition_on(self, conditions: Conditions) -> None:
        """Settle what the model knows of streamlines, and make layers that need it.

        Parameters
        ----------
        conditions : Conditions
            What is known of the training streamlines.

        Raises
        ------
        ValueError
            If the model was made for others.
        """
        if self.conditions is None:
            self.check_conditions(conditions)
            self.conditions = conditions
            self.make_layers()
            return
        known, given = (
            {one.name: one.categories for one in each}
            for each in (self.conditions, conditions)
        )
        if known != given:
            made_for = listed(
                (briefly(one.describe()) for one in self.conditions), "; "
            )
            raise ValueError(
                f"The model was made for {made_for}: train it on the same conditions "
                "and categories, or make another one."
            )

    def condition_matrix(
        self, points: np.ndarray, values: Mapping[str, np.ndarray] | None
    ) -> np.ndarray | None:
        """Return what the networks read of the conditions of streamlines.

        Parameters
        ----------
        points : ndarray of shape (n, nb_points, 3)
            Streamlines in mm.
        values : mapping of str to ndarray of shape (n,), optional
            Text or numbers by the name of the condition. What can be computed from
            the points may be left out.

        Returns
        -------
        ndarray of shape (n, conditions.width), float32, or None
            The conditions; None if the networks read none.

        Raises
        ------
        ValueError
            If a condition is missing or a category unknown, or the model does not know
            yet which conditions it reads.
        """
        self.check_layers()
        if not self.conditions_in_networks:
            return None
        computed = computed_values(points, self.conditions.names)
        given = {
            name: each for name, each in (values or {}).items() if each is not None
        }
        return self.encoded_values({**computed, **given}, len(points))

    def encoded_values(
        self, values: Mapping[str, np.ndarray], nb_streamlines: int
    ) -> np.ndarray:
        """Return what the networks read of the values of streamlines.

        Parameters
        ----------
        values : mapping of str to ndarray of shape (n,)
            Text or numbers by the name of the condition.
        nb_streamlines : int
            Number of streamlines.

        Returns
        -------
        ndarray of shape (n, conditions.width), float32
            The conditions.

        Raises
        ------
        ValueError
            If a condition is missing, a category unknown, or the number of values is
            not that of the streamlines.
        """
        matrix = self.conditions.encode(values)
        if len(matrix) != nb_streamlines:
            raise ValueError(
                f"There are values of {len(matrix)} streamlines, for {nb_streamlines}: "
                "give one for each."
            )
        return matrix

    def check_layers(self) -> None:
        """Refuse to go on where the layers wait for the conditions of a training.

        Raises
        ------
        ValueError
            If there are none yet.
        """
        if self.reads_conditions and self.conditions is None:
            raise ValueError(
                "The model is not trained, and does not know the conditions that it "
                "reads: call fit before."
            )

    @property
    def conditions_in_networks(self) -> bool:
        """Whether a streamline can only be encoded or decoded with its conditions."""
        return self.conditions_in_encoder or self.conditions_in_decoder

    def features_of(self, inputs):
        """Return the features of what `call` was given.

        Parameters
        ----------
        inputs : tensor of shape (n, nb_points, 3), or dict
            Points in mm, or a dictionary with ``"points"`` or ``"features"``.

        Returns
        -------
        tensor of shape ``(n, *backbone.feature_shape)``
            Features in mm.
        """
        if not isinstance(inputs, dict):
            return self.analysis(inputs)
        if "features" in inputs:
            return inputs["features"]
        return self.analysis(inputs["points"])

    def conditions_of(self, inputs):
        """Return the conditions that the networks read of what `call` was given.

        Parameters
        ----------
        inputs : tensor of shape (n, nb_points, 3), or dict
            What `call` was given.

        Returns
        -------
        tensor of shape (n, conditions.width), or None
            The conditions; None if the networks read none.
        """
        return inputs["conditions"] if self.conditions_in_networks else None

    def as_points(self, streamlines) -> np.ndarray:
        """Give streamlines the number of points that the model reads.

        Parameters
        ----------
        streamlines : ndarray of shape (n, p, 3) or ArraySequence
            Points in mm.

        Returns
        -------
        ndarray of shape (n, nb_points, 3), float32
            Points in mm; resampled where they were not `nb_points`.

        Raises
        ------
        ValueError
            If a point is not finite.
        """
        streamlines = as_streamlines(streamlines)
        given = isinstance(streamlines, np.ndarray) and streamlines.ndim == 3
        if given and streamlines.shape[1:] == (self.nb_points, 3):
            points = np.asarray(streamlines, dtype=np.float32)
            _check_finite(np.isfinite(points).all(axis=(1, 2)))
            return points
        # Resampling would make numbers of what is none.
        _check_finite(np.isfinite(own_lengths(to_sequence(streamlines))))
        return resample(streamlines, self.nb_points)


def _check_finite(finite: np.ndarray) -> None:
    """Refuse streamlines of which one is marked as not finite."""
    if not finite.all():
        raise ValueError(
            f"{np.sum(~finite)} of {len(finite)} streamlines have points that are NaN "
            "or infinite: leave them out, as load_bundles does."
        )
