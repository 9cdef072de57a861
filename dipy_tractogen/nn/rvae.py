"""Variational autoencoder that regresses an attribute."""

from __future__ import annotations

import keras
from keras import ops
import numpy as np

from dipy_tractogen.streamlines.conditions import LENGTH, Conditions

from .checks import check_number
from .layers import Reparameterisation, log_variance
from .losses import normal_kl
from .pipeline import in_batches
from .vae import VAE


@keras.saving.register_keras_serializable(package="dipy_tractogen")
class RVAE(VAE):
    r"""Regression variational autoencoder of streamlines :footcite:p:`Zhao2019`.

    The encoder also regresses an attribute :math:`r`, such as length or age, with
    :math:`q(r | x) = N(\mu_r, \sigma_r^2)`, and the prior of the latents depends on
    it: :math:`p(z | r) = N(u r, \sigma_p^2)` with a unit vector :math:`u` and a
    deviation :math:`\sigma_p` that are learnt and do not depend on :math:`r`. In place
    of the divergence of a `VAE` it has
    :math:`KL(q(z | x)\,\|\,p(z | r))` with :math:`r` drawn from :math:`q(r | x)`, and
    in addition :math:`(\mu_r - r)^2 / (2 \sigma_r^2) + \log \sigma_r`. All is in units
    of the standardised attribute. Neither encoder nor decoder is told the attribute.

    Parameters
    ----------
    *args
        As `VAE` takes them.
    attribute : str, optional
        Name of the continuous condition that is regressed.
    attribute_weight : float, optional
        Weight of the term of the attribute.
    **kwargs
        As `VAE` takes them.

    Raises
    ------
    ValueError
        If a number is out of its range, or the attribute is not a number.

    References
    ----------
    .. footbibliography::
    """

    def __init__(
        self,
        *args,
        attribute: str = LENGTH,
        attribute_weight: float = 10.0,
        **kwargs,
    ):
        # The layers are made before the base is done.
        check_number("attribute_weight", attribute_weight, above_zero=True)
        if kwargs.get("kl_variant", "squared") != "squared":
            raise ValueError(
                f"kl_variant={kwargs['kl_variant']!r}: the prior of an RVAE is not at "
                "zero; leave it out."
            )
        self._attribute = attribute, attribute_weight
        super().__init__(*args, **kwargs)

    @property
    def attribute(self) -> str:
        """Name of the attribute."""
        return self._attribute[0]

    @property
    def attribute_weight(self) -> float:
        """Weight of the term of the attribute."""
        return self._attribute[1]

    @property
    def reads_conditions(self) -> bool:
        """Whether the loss reads conditions: it reads the attribute."""
        return True

    @property
    def needed_conditions(self) -> tuple[str, ...]:
        """Names of conditions that the model cannot do without."""
        return (self.attribute, *super().needed_conditions)

    def check_conditions(self, conditions: Conditions) -> None:
        """Refuse a category; arguments as of `VAE.check_conditions`."""
        super().check_conditions(conditions)
        if conditions[self.attribute].is_categorical:
            raise ValueError(
                f"{self.attribute} is a category: the attribute of an RVAE is a number."
            )

    def make_heads(self) -> None:
        """Make those of the `VAE`, the regression, and the parameters of the prior."""
        super().make_heads()
        self.r_mean = keras.layers.Dense(1, name="r_mean")
        self.r_log_var = keras.layers.Dense(
            1, kernel_initializer="zeros", name="r_log_var"
        )
        self.draw_attribute = Reparameterisation(self.seed + 1, name="draw_attribute")
        self.direction = self.add_weight(
            shape=(self.latent_dim,), initializer="glorot_uniform", name="direction"
        )
        self.prior_log_var = self.add_weight(
            shape=(), initializer="zeros", name="prior_log_var"
        )
        self.attribute_tracker = keras.metrics.Mean(name="attribute_error")

    def regress(self, features, training: bool | None = None):
        """Return the distribution of the standardised attribute.

        Parameters
        ----------
        features : tensor of shape ``(n, *backbone.feature_shape)``
            Features in mm.
        training : bool, optional
            Whether the model is being trained.

        Returns
        -------
        r_mean, r_log_var : tensor of shape (n, 1)
            Mean and log-variance.
        """
        hidden = self.hidden(features, training=training)
        raw = self.r_log_var(hidden)
        return self.r_mean(hidden), log_variance(
            raw, self.deviation, self.log_var_limit
        )

    def call(self, inputs, training: bool | None = None) -> dict:
        """Encode, regress, draw and decode.

        Parameters
        ----------
        inputs : tensor of shape (n, nb_points, 3), or dict
            Points in mm, or a dictionary with their ``"features"``.
        training : bool, optional
            Draws latents and attribute when true, takes their means otherwise.

        Returns
        -------
        dict
            As of the `VAE`, with ``r_mean``, ``r_log_var`` and ``r``, as drawn.
        """
        r_mean, r_log_var = self.regress(self.features_of(inputs), training)
        return {
            **super().call(inputs, training),
            "r_mean": r_mean,
            "r_log_var": r_log_var,
            "r": self.draw_attribute((r_mean, r_log_var), training=training),
        }

    def divergence(self, inputs, outputs: dict):
        """Return the KL divergence of each dimension from the prior of the attribute.

        Parameters
        ----------
        inputs : dict
            What `call` was given.
        outputs : dict
            What it gave.

        Returns
        -------
        tensor of shape (n, latent_dim)
            In nats.
        """
        direction = self.direction / ops.norm(self.direction)
        return normal_kl(
            outputs["z_mean"],
            outputs["z_log_var"],
            outputs["r"] * direction,
            self.prior_log_var,
        )

    def draw_prior(self, codes, numbers, rng) -> np.ndarray:
        """Draw latents from the prior; see `StreamlineSource.draw_prior`."""
        names = [one.name for one in self.conditions.continuous]
        mean, deviation = self._prior(numbers[:, names.index(self.attribute)])
        return mean + deviation * super().draw_prior(codes, numbers, rng)

    def prior_of(self, streamlines) -> tuple[np.ndarray, float]:
        """Return that of the predicted attribute; see `StreamlineModel.prior_of`."""
        one = self.conditions[self.attribute]
        return self._prior(
            (self.predict_attribute(streamlines)[0] - one.mean) / one.deviation
        )

    def _prior(self, attribute: np.ndarray) -> tuple[np.ndarray, float]:
        """Mean and deviation of the prior for standardised attributes."""
        direction = np.asarray(self.direction / ops.norm(self.direction))
        return attribute[:, None] * direction, float(ops.exp(self.prior_log_var / 2))

    def compute_loss(
        self, x=None, y=None, y_pred=None, sample_weight=None, training=True
    ):
        """Loss of the `VAE` and term of the attribute, averaged over the batch."""
        place = self.conditions.columns(self.attribute)
        error = y_pred["r_mean"] - x["conditions"][:, place]
        log_var = y_pred["r_log_var"]
        self.attribute_tracker.update_state(ops.sqrt(ops.mean(ops.square(error))))
        term = ops.mean(ops.square(error) * ops.exp(-log_var) / 2 + log_var / 2)
        loss = super().compute_loss(x, y, y_pred, sample_weight, training)
        return loss + self.attribute_weight * term

    def predict_attribute(self, streamlines) -> tuple[np.ndarray, np.ndarray]:
        """Predict the attribute of streamlines.

        Parameters
        ----------
        streamlines : ndarray of shape (n, p, 3) or ArraySequence
            Points in RASMM mm, in either direction.

        Returns
        -------
        mean, deviation : ndarray of shape (n,), float64
            In the unit of the attribute, which may be a date in a large number.

        Raises
        ------
        ValueError
            If the model is not trained.
        """
        self.check_layers()
        one = self.conditions[self.attribute]

        def regress(points):
            chosen = self.better_direction(points)
            return chosen["r_mean"], chosen["r_log_var"]

        function = self._compiled("attribute", regress)
        mean, log_var = in_batches(function, self.as_points(streamlines))
        mean, log_var = (part[:, 0].astype(np.float64) for part in (mean, log_var))
        deviation = np.exp(log_var / 2) * one.deviation
        return mean * one.deviation + one.mean, deviation

    def get_config(self) -> dict:
        """Parameters of the model, as plain values."""
        return {
            **super().get_config(),
            "attribute": self.attribute,
            "attribute_weight": self.attribute_weight,
        }
