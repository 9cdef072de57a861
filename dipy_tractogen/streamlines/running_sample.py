"""A sample of streamlines that come some at a time."""

from __future__ import annotations

import numpy as np

from .array_sequence import concatenate_streamlines
from .dataset import BundleSet
from .reference import Reference

# Streamlines are dropped once there are so many times those that are kept in the end.
_SLACK = 1.25


class RunningSample:
    """A sample without replacement of streamlines that come in several sets.

    It depends on the streamlines and their order, not on how many come at a time, and
    memory is that of the sample and of one set.

    Parameters
    ----------
    most : int
        Number of the sample; fewer streamlines are all in it.
    seed : int
        Seed of the draw.

    Attributes
    ----------
    nb_streamlines : int
        Number of streamlines that came so far.
    """

    def __init__(self, most: int, seed: int):
        self._most = most
        self._rng = np.random.default_rng(seed)
        self._parts: list[BundleSet] = []
        # Each streamline has a random number; those of the smallest ones are kept.
        self._numbers: list[np.ndarray] = []
        self._largest = 1.0
        self._report = None
        self.nb_streamlines = 0

    def add(self, bundles: BundleSet) -> None:
        """Add streamlines, of which some may be kept."""
        numbers = self._rng.random(len(bundles))
        self.nb_streamlines += len(bundles)
        report = bundles.report
        self._report = report if self._report is None else self._report + report
        self._parts.append(self._kept(bundles, numbers))
        self._numbers.append(numbers[numbers <= self._largest])
        if sum(map(len, self._numbers)) > _SLACK * self._most:
            self._drop()

    def result(self, reference: Reference | None = None) -> BundleSet:
        """Return the sample, in the order of the streamlines.

        The grid of several sets is `reference`, by default one that covers the sample.
        """
        self._drop()
        if len(self._parts) == 1:
            return self._parts[0]
        streamlines = concatenate_streamlines(
            [part.streamlines for part in self._parts]
        )
        grid = Reference.covering(streamlines) if reference is None else reference
        return BundleSet.joined(self._parts, streamlines, grid, self._report)

    def _drop(self) -> None:
        """Drop streamlines that are not in the sample."""
        numbers = np.concatenate(self._numbers)
        if len(numbers) <= self._most:
            return
        self._largest = np.partition(numbers, self._most - 1)[self._most - 1]
        for index, own in enumerate(self._numbers):
            self._parts[index] = self._kept(self._parts[index], own)
            self._numbers[index] = own[own <= self._largest]

    def _kept(self, bundles: BundleSet, numbers: np.ndarray) -> BundleSet:
        keep = numbers <= self._largest
        return bundles if keep.all() else bundles.select(keep)
