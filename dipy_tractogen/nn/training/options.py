"""Options of a training."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import sqrt

from dipy_tractogen.parameters.training import FitParameters
from dipy_tractogen.utils.constructors import documented

DEFAULT_STEPS = 6000
"""Steps of a training without a limit; a batch is not so large that fewer are made."""

# More passes over the data do not make the batch larger.
_MOST_PASSES = 20


@documented(FitParameters)
@dataclass
class TrainingOptions(FitParameters):
    """Options of a training.

    Attributes
    ----------
    {parameters}
    """

    def for_backbone(self, backbone, nb_streamlines: int) -> TrainingOptions:
        """Return the options with a batch size and a learning rate.

        Those that are not given depend on the backbone, the other options and the
        number of streamlines, not on the machine. The batch is the backbone's own,
        doubled as long as `DEFAULT_STEPS` are left to the training: to twenty passes
        over the data or to `epochs` where those are fewer, and to the passes of two
        cores in `max_minutes`. The learning rate grows with the square root of the
        batch, up to that of the largest. Without `nb_streamlines`, 0, both are the
        backbone's.
        """
        smallest, largest = backbone.batch_size, backbone.largest_batch_size
        batch_size = self.batch_size or self._batch_size(backbone, nb_streamlines)
        # A batch has no more streamlines than there are.
        counted = min(max(min(batch_size, nb_streamlines), smallest), largest)
        rate = self.learning_rate or backbone.learning_rate * sqrt(counted / smallest)
        return replace(self, batch_size=batch_size, learning_rate=rate)

    def _batch_size(self, backbone, nb_streamlines: int) -> int:
        seen = min(self.epochs or _MOST_PASSES, _MOST_PASSES) * nb_streamlines
        if self.max_minutes is not None:
            seen = min(seen, 60 * self.max_minutes * backbone.streamlines_per_s)
        size = backbone.batch_size
        while size < backbone.largest_batch_size and seen >= 2 * size * DEFAULT_STEPS:
            size *= 2
        return size
