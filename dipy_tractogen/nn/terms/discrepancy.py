"""Maximum mean discrepancy between latents and a prior."""

from __future__ import annotations

import keras
from keras import ops

from dipy_tractogen.parameters.terms import AdversaryParameters
from dipy_tractogen.streamlines.conditions import Conditions
from dipy_tractogen.utils.constructors import takes

from .priors import PriorTerm
from .schedules import WeightSchedule, geometric_weight, scheduled_variable

# Variances of the kernels, for each latent dimension.
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

    the estimate without bias of :footcite:t:`Gretton2012`. :math:`k` is a mean of
    Gaussian kernels of several widths. As the latents of a streamline are normal, and
    those of the prior are, too, or normal about a draw, the expectation of each
    :math:`k` has a closed form: for means :math:`\mu, \nu`, variances :math:`s, t` and
    the width :math:`w` it is :math:`\prod_d \sqrt{w / (w + s_d + t_d)}\,
    \exp(-(\mu_d - \nu_d)^2 / (2 (w + s_d + t_d)))`. This takes the place of draws,
    whose noise would hide where latents and prior differ a little.

    The Gaussian kernel :math:`\kappa` compares streamlines of one bundle and about the
    same length, so that the latents of each follow the prior, and not only those of
    all.

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
        self._widths = [latent_dim * width for width in _WIDTHS]
        self._near = len(list(conditions)) * _NEAR**2
        self.weight_now = scheduled_variable(self, self.weight_at(0.0), "weight_now")
        self.discrepancy_tracker = keras.metrics.Mean(name="discrepancy")

    def loss(self, inputs: dict, outputs: dict, training: bool):
        """Compute the weighted discrepancy; arguments as of `Term.loss`.

        Held-out streamlines have none, as with a discriminator.
        """
        if not training:
            return 0.0
        discrepancy = self.discrepancy(
            outputs["z_mean"], outputs["z_log_var"], inputs["conditions"]
        )
        self.discrepancy_tracker.update_state(discrepancy)
        return self.weight_now * discrepancy

    def discrepancy(self, z_mean, z_log_var, conditions):
        """Return the discrepancy of the posteriors of streamlines from the prior.

        Means and logarithms of the variances have the shape (n, latent_dim), the
        conditions (n, conditions.width).
        """
        means, chosen = self._prior.components(
            conditions[:, self._labels], self.seed_generator
        )
        latents = z_mean, ops.exp(z_log_var)
        prior = means, ops.full_like(means, self._prior.deviation**2)
        owners = ops.transpose(chosen)
        between = ops.matmul(self._kernel(latents, prior), owners)
        within = ops.matmul(chosen, ops.matmul(self._kernel(prior, prior), owners))
        difference = self._kernel(latents, latents) + within
        difference = difference - between - ops.transpose(between)
        squares = ops.sum(ops.square(conditions), axis=1)
        products = ops.matmul(conditions, ops.transpose(conditions))
        squared = squares[:, None] + squares[None] - 2 * products
        apart = 1.0 - ops.eye(ops.shape(z_mean)[0])
        weights = apart * ops.exp(-squared / self._near)
        return ops.sum(weights * difference) / ops.maximum(ops.sum(weights), _SMALLEST)

    def _kernel(self, one, other):
        """Return the expected kernel between normals (n, d) and (m, d): (n, m)."""
        (means, variances), (other_means, other_variances) = one, other
        squared = ops.square(means[:, None] - other_means[None])
        variance = variances[:, None] + other_variances[None]
        total = 0.0
        for width in self._widths:
            spread = width + variance
            exponent = squared / spread + ops.log(spread / width)
            total = total + ops.exp(-0.5 * ops.sum(exponent, axis=-1))
        return total / len(self._widths)

    def weight_at(self, spent: float) -> float:
        """Return the weight after a share of the training, from 0 to 1."""
        end = self.adversarial_weight
        return geometric_weight(spent, self.adversarial_start * end, end, _LENGTH)

    def callbacks(self, budget) -> list[keras.callbacks.Callback]:
        """Return the schedule; arguments as of `Term.callbacks`."""
        name = "adversarial_weight"
        return [WeightSchedule(budget, self.weight_now, self.weight_at, name)]
