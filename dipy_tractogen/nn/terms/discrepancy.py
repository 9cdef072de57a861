"""Maximum mean discrepancy between latents and a prior."""

from __future__ import annotations

import keras
from keras import ops

from dipy_tractogen.parameters.terms import AdversaryParameters
from dipy_tractogen.streamlines.conditions import Conditions
from dipy_tractogen.utils.constructors import takes

from .priors import PriorTerm
from .schedules import WeightSchedule, geometric_weight, scheduled_variable

# Squares of the widths of the kernels, over that of the distance of two normal draws.
_WIDTHS = (0.25, 0.5, 1.0, 2.0, 4.0)
# Distance within which latents are compared: a root mean square over the standardised
# conditions, so that streamlines of many conditions have neighbours as well.
_NEAR = 0.6
# Share of a training over which the weight falls.
_LENGTH = 0.7
_SMALLEST = 1e-12


@keras.saving.register_keras_serializable(package="dipy_tractogen")
@takes(AdversaryParameters)
class Discrepancy(PriorTerm):
    r"""Maximum mean discrepancy between latents and prior, given the conditions.

    It takes the place of a discriminator, as in the Wasserstein autoencoder
    :footcite:p:`Tolstikhin2018`. For latents :math:`z_i` and draws :math:`p_i` of the
    prior for the same conditions :math:`c_i` it is

    .. math::

        \frac{\sum_{i \neq j} \kappa(c_i, c_j) \left[k(z_i, z_j) + k(p_i, p_j)
        - k(z_i, p_j) - k(p_i, z_j)\right]}{\sum_{i \neq j} \kappa(c_i, c_j)},

    without bias for draws of a batch :footcite:p:`Gretton2012`. :math:`k` is the mean
    of inverse multiquadratic kernels :math:`1 / (1 + \|a - b\|^2 / w^2)` of several
    widths :math:`w`, and :math:`\kappa` a Gaussian kernel of the conditions:
    streamlines of one bundle and about the same length are compared, so that the
    latents of each follow the prior, and not only those of all.

    The weight falls in the course of the training, to `adversarial_weight`: latents
    first follow the prior, with large deviations, and then become as precise as they
    can without leaving it.

    Parameters
    ----------
    {parameters}

    Notes
    -----
    The history of a training has ``discrepancy``, and ``adversarial_weight``.

    References
    ----------
    .. footbibliography::
    """

    measures = ("discrepancy", "adversarial_weight")
    settled_after = _LENGTH

    def build_layers(self, conditions: Conditions, latent_dim: int, seed: int) -> None:
        """Make prior and weight; arguments as of `Term.build_layers`."""
        super().build_layers(conditions, latent_dim, seed)
        # Two normal draws have a squared distance of 2 latent_dim, on average.
        self._squared_widths = [2.0 * latent_dim * width for width in _WIDTHS]
        self._near = len(list(conditions)) * _NEAR**2
        self.weight_now = scheduled_variable(self, self.weight_at(0.0), "weight_now")
        self.discrepancy_tracker = keras.metrics.Mean(name="discrepancy")

    def loss(self, inputs: dict, outputs: dict, training: bool):
        """Compute the weighted discrepancy; arguments as of `Term.loss`.

        Held-out streamlines have none: it is one of draws, and they have means.
        """
        if not training:
            return 0.0
        discrepancy = self.discrepancy(outputs["z"], inputs["conditions"])
        self.discrepancy_tracker.update_state(discrepancy)
        return self.weight_now * discrepancy

    def discrepancy(self, z, conditions):
        """Return the discrepancy of latents (n, latent_dim) for conditions (n, w)."""
        drawn = self.sample_prior(conditions, self.seed_generator)
        of_both = self._kernel(z, drawn)
        alike = self._kernel(z, z) + self._kernel(drawn, drawn)
        difference = alike - of_both - ops.transpose(of_both)
        squared = _squared_distances(conditions, conditions)
        apart = 1.0 - ops.eye(ops.shape(z)[0])
        weights = apart * ops.exp(-squared / self._near)
        total = ops.maximum(ops.sum(weights), _SMALLEST)
        return ops.sum(weights * difference) / total

    def _kernel(self, one, other):
        squared = _squared_distances(one, other)
        kernels = [width / (width + squared) for width in self._squared_widths]
        return sum(kernels) / len(kernels)

    def weight_at(self, spent: float) -> float:
        """Return the weight after a share of the training, from 0 to 1."""
        end = self.adversarial_weight
        return geometric_weight(spent, self.adversarial_start * end, end, _LENGTH)

    def callbacks(self, budget) -> list[keras.callbacks.Callback]:
        """Return the schedule; arguments as of `Term.callbacks`."""
        name = "adversarial_weight"
        return [WeightSchedule(budget, self.weight_now, self.weight_at, name)]


def _squared_distances(one, other):
    """Return the squared distances of rows (n, d) and (m, d): (n, m)."""
    squares = [ops.sum(ops.square(rows), axis=1) for rows in (one, other)]
    products = ops.matmul(one, ops.transpose(other))
    return ops.maximum(squares[0][:, None] + squares[1][None] - 2 * products, 0.0)
