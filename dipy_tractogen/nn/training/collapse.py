"""Coverage of real streamlines by generated ones, measured during a training."""

from __future__ import annotations

import logging

import keras
import numpy as np

from dipy_tractogen.sampling.condition_request import ConditionRequest
from dipy_tractogen.sampling.density import ConditionalDensity
from dipy_tractogen.sampling.latents import LatentPosteriors
from dipy_tractogen.sampling.stratified import allocate

from ..layers import seed_generator

logger = logging.getLogger("dipy_tractogen")

_NB_COMPARED = 512
_NB_FITTED = 4096
_NB_NEIGHBOURS = 5
LOWEST_COVERAGE = 0.5
"""Share of the coverage of real streamlines below which a model counts as collapsed."""

# Share of a training before which the coverage is low in any case.
_EARLY = 0.3


def coverage(real: np.ndarray, others: np.ndarray, k: int = _NB_NEIGHBOURS) -> float:
    """Return the share of real features that others cover :footcite:p:`Naeem2020`.

    Both have the shape (n, ...). A real one is covered where another is no farther than
    its k-th real neighbour.

    References
    ----------
    .. footbibliography::
    """
    from scipy.spatial.distance import cdist

    real, others = (part.reshape(len(part), -1) for part in (real, others))
    # The nearest real neighbour of each is itself.
    radius = np.partition(cdist(real, real), k, axis=1)[:, k]
    return float(np.mean(cdist(real, others).min(axis=1) <= radius))


class CollapseWatch(keras.callbacks.Callback):
    """Measure the share of real streamlines that generated ones cover, as a validation.

    ``coverage`` is that of draws from a Gaussian fitted to the latents of each bundle,
    about as the trained model will generate; ``prior_coverage`` that of draws from
    the prior. Both are over the coverage that other real streamlines reach. The seed of
    the `model` is that of the choice of streamlines and of the draws.
    """

    def __init__(self, model, budget, inputs: dict[str, np.ndarray]):
        super().__init__()
        self.budget = budget
        self._watched = model
        self.conditions = model.conditions
        self.seed = model.seed
        order = np.random.default_rng(self.seed).permutation(len(inputs["features"]))
        half = min(_NB_COMPARED, len(order) // 2)
        self._is_possible = half > _NB_NEIGHBOURS
        self._real = inputs["features"][order[:half]]
        self._others = {
            name: each[order[half : half + _NB_FITTED]] for name, each in inputs.items()
        }
        self._nb_drawn = half
        self._ceiling = 1.0
        if self._is_possible:
            others = self._others["features"][:half]
            self._ceiling = max(coverage(self._real, others), 1 / half)
        self._has_warned = False

    def on_epoch_end(self, epoch, logs=None):
        """Add the coverages to the history; warn once where that of all is low."""
        # The held-out loss has no adversarial term.
        for name in self._watched.adversary.measures:
            logs.pop(f"val_{name}", None)
        if not self._is_possible:
            return
        logs["coverage"] = self._covered(*self._from_density())
        logs["prior_coverage"] = self._covered(*self._from_prior())
        late = self.budget.spent >= _EARLY
        if logs["coverage"] < LOWEST_COVERAGE and late and not self._has_warned:
            self._has_warned = True
            logger.warning(
                "After %d steps, generated streamlines cover only %.0f %% of what real "
                "ones cover: the model may be collapsing. Give a smaller "
                "adversarial_weight if the reconstruction is poor, another "
                "adversarial_loss, more latent dimensions, or a longer training",
                self.budget.steps,
                100 * logs["coverage"],
            )

    def _covered(self, z: np.ndarray, matrix: np.ndarray) -> float:
        """Return the coverage of decoded latents, over that of real streamlines."""
        channels = self._watched.coder.decode_channels(z, matrix)
        drawn = self._watched.backbone.analyse(channels)
        return coverage(self._real, drawn) / self._ceiling

    def _from_prior(self) -> tuple[np.ndarray, np.ndarray]:
        """Draw from the prior, for the conditions of real streamlines."""
        matrix = self._others["conditions"][: self._nb_drawn]
        seeds = seed_generator(self.seed)
        drawn = self._watched.adversary.sample_prior(matrix, seeds)
        return keras.ops.convert_to_numpy(drawn), matrix

    def _from_density(self) -> tuple[np.ndarray, np.ndarray]:
        """Draw from a Gaussian fitted to latents and numbers of each bundle."""
        # Here, because most trainings do without scikit-learn.
        from dipy_tractogen.sampling.samplers.gmm import MixtureSampler

        z_mean, deviation = self._watched.coder.posterior(self._others)
        rng = np.random.default_rng(self.seed)
        z = z_mean + deviation * rng.standard_normal(z_mean.shape)
        codes, numbers = self.conditions.decoded(self._others["conditions"])
        posteriors = LatentPosteriors.of(z, np.zeros_like(z), codes, numbers)
        sampler = MixtureSampler(max_components=1)
        density = ConditionalDensity(self.conditions, posteriors, sampler)
        request = ConditionRequest(self.conditions)
        counts = allocate(self._nb_drawn, density.weights(request))
        parts = [
            (
                density.strata[[stratum]].repeat(count, 0),
                density.sample(count, stratum, request, rng),
            )
            for stratum, count in enumerate(counts)
        ]
        codes = np.concatenate([part for part, _ in parts])
        numbers, z = (
            np.concatenate(each) for each in zip(*[part for _, part in parts])
        )
        return z, self.conditions.matrix(codes, numbers)
