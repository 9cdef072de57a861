"""Distributions of the attributes of streamlines, as histograms."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from .attribute_distances import UNITS
from .samples import StreamlineSet

_NB_BINS = 40
# Few streamlines are far longer or more wound than all others.
_PERCENTILES = (1, 99)


def distributions(
    generated: StreamlineSet, real: StreamlineSet, names: Mapping[int, str]
) -> dict[str, dict]:
    """Count the generated and the held-out streamlines by their attributes.

    Parameters
    ----------
    generated, real : StreamlineSet
        Generated and held-out real streamlines.
    names : mapping of int to str
        Label and name of the bundles.

    Returns
    -------
    dict of str to dict
        For length, curvature, tortuosity and winding the ``unit``; the ``edges`` of
        forty equal bins, the first and the last of which also count what is beyond;
        and ``overall`` and in ``bundles`` by name the shares of the bins, of
        ``generated`` and of ``real`` streamlines.
    """
    return {
        name: _distribution(name, unit, generated, real, names)
        for name, unit in UNITS.items()
    }


def _distribution(
    name: str,
    unit: str,
    generated: StreamlineSet,
    real: StreamlineSet,
    names: Mapping[int, str],
) -> dict:
    sets = {"generated": generated, "real": real}
    values = {kind: each.attributes[name] for kind, each in sets.items()}
    both = np.concatenate(list(values.values()))
    low, high = np.percentile(both, _PERCENTILES)
    # Equal values still need a bin that is seen.
    margin = 0.0 if high > low else max(abs(low), 1.0) / 100
    edges = np.linspace(low - margin, high + margin, _NB_BINS + 1)
    shares = {kind: _shares(each, edges) for kind, each in values.items()}
    bundles = {
        bundle: {
            kind: _shares(values[kind][each.labels == label], edges)
            for kind, each in sets.items()
        }
        for label, bundle in names.items()
    }
    return {
        "unit": unit,
        "edges": edges.tolist(),
        "overall": shares,
        "bundles": bundles,
    }


def _shares(values: np.ndarray, edges: np.ndarray) -> list[float]:
    bins = np.searchsorted(edges[1:-1], values, side="right")
    return (np.bincount(bins, minlength=len(edges) - 1) / len(values)).tolist()
