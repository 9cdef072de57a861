"""Watching whether what a prior gives still covers the streamlines."""

from __future__ import annotations

import logging

import keras
import numpy as np

logger = logging.getLogger("dipy_tractogen")

_NB_COMPARED = 512
_NB_NEIGHBOURS = 5
# Of the coverage that real streamlines reach; and the share of the training before
# which little can be expected.
_LOWEST = 0.5
_EARLY = 0.3


def coverage(real: np.ndarray, others: np.ndarray, k: int = _NB_NEIGHBOURS) -> float:
    """Give the share of real features that others cover :footcite:p:`Naeem2020`.

    A real one is covered where another is no farther than its k-th real neighbour.

    Parameters
    ----------
    real : ndarray of shape (n, ...)
        Features of real streamlines, more than `k`.
    others : ndarray of shape (m, ...)
        Features of other streamlines.
    k : int, optional
        Number of neighbours.

    Returns
    -------
    float
        From 0 to 1.

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
    """Measure at each look at the held-out loss what draws from the prior cover.

    Parameters
    ----------
    budget : Budget
        Says how much of the training is behind.
    inputs : dict of str to ndarray
        What the model reads of the training streamlines.
    seed : int
        Seed of the choice of streamlines and of the draws.
    """

    def __init__(self, budget, inputs: dict[str, np.ndarray], seed: int):
        super().__init__()
        self.budget = budget
        self.seed = seed
        order = np.random.default_rng(seed).permutation(len(inputs["features"]))
        half = min(_NB_COMPARED, len(order) // 2)
        self._is_possible = half > _NB_NEIGHBOURS
        self._real = inputs["features"][order[:half]]
        self._others = inputs["features"][order[half : 2 * half]]
        self._conditions = inputs["conditions"][order[half : 2 * half]]
        self._ceiling = 1.0
        if self._is_possible:
            self._ceiling = max(coverage(self._real, self._others), 1 / half)
        self._has_warned = False

    def on_epoch_end(self, epoch, logs=None):
        """Add the coverage to the history; warn once where it is low."""
        share = self.measure() if self._is_possible else float("nan")
        logs["prior_coverage"] = share
        late = self.budget.spent >= _EARLY
        if share < _LOWEST and late and not self._has_warned:
            self._has_warned = True
            logger.warning(
                "After %d steps, streamlines drawn from the prior cover only %.0f %% "
                "of what real ones cover: the model may be collapsing. Give a larger "
                "adversarial_weight if the latents do not reach the prior, a smaller "
                "one if the reconstruction is poor, another adversarial_loss, more "
                "latent dimensions, or a longer training",
                self.budget.steps,
                100 * share,
            )

    def measure(self) -> float:
        """Give the coverage of draws from the prior, over that of real streamlines.

        Returns
        -------
        float
            About one at best.
        """
        model = self.model
        seeds = keras.random.SeedGenerator(self.seed)
        z = model.sample_prior(self._conditions, seeds)
        points = model.decode_matrix(np.asarray(z), self._conditions)
        drawn = model.backbone.analyse(points)
        return coverage(self._real, drawn) / self._ceiling
