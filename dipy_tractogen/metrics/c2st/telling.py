"""The features by which classifiers tell two sets of streamlines, in words."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dipy_tractogen.streamlines.spectrum import BANDS

from .sample import Sample, area, area_within, areas_of, centred

_NB_TOLD = 3
_LEAST_WEIGHT = 0.01
# How far the AUC of one feature has to be from 0.5 to be called too little or too much.
_CLEAR = 0.05
_BENDS = "variation of bends"
_TELL = "tell generated from real streamlines by"


@dataclass(frozen=True)
class _Named:
    """A feature that can be named: its columns, its orders if any, and words for it."""

    columns: slice
    name: str
    words: tuple[str, str]
    orders: tuple[int, int] | None = None

    @classmethod
    def of_orders(cls, name: str, orders: tuple[int, int], columns: slice) -> _Named:
        return cls(columns, name, (f"too little {name}", f"too much {name}"), orders)


# In the order of `texture_features`.
_CURVED = (
    ("mean curvature", ("too straight", "too curved")),
    ("spread of the curvature", ("curvature too even", "curvature too uneven")),
    ("sharpest bend", ("sharpest bend too wide", "sharpest bend too sharp")),
    ("median curvature", ("too smooth", "too rough")),
)
NAMED = {
    "shape": [
        _Named.of_orders(name, (first, last), slice(3 * first, 3 * last + 3))
        for first, last, name in (
            (0, 0, "variation of the position"),
            (1, 1, "variation of the extent"),
            *((2, 3, _BENDS), (4, 7, _BENDS), (8, 15, _BENDS), (16, 23, _BENDS)),
        )
    ],
    "texture": [
        *(
            _Named.of_orders("energy", orders, slice(place, place + 1))
            for place, orders in enumerate(BANDS)
        ),
        *(
            _Named(slice(place, place + 1), *words)
            for place, words in enumerate(_CURVED, len(BANDS))
        ),
    ],
}


def told_by(
    sample: Sample, name: str, scores: dict[str, np.ndarray], length: float
) -> list[dict]:
    """Return what tells most, by the classifier that tells best; see `c2st`.

    `length` in mm is that of the streamlines whose waves are named. Neighbouring bands
    that deviate in the same way are joined. Nothing if the sets are not told.
    """
    value, interval, *_ = areas_of(scores, sample.ours).values()
    if name not in NAMED or interval[0] <= 0.5:
        return []
    areas = max(
        [area(each, sample.ours)[0] for each in found] for found in scores.values()
    )
    summaries = _summaries(sample, name)
    columns = {
        "alone": area_within(sample, summaries),
        "given_others": area_within(sample, _beyond_others(summaries)),
        "importance": value - np.array(areas[1:]),
    }
    told: list[dict] = []
    for place, feature in enumerate(NAMED[name]):
        found = {key: float(values[place]) for key, values in columns.items()}
        if _weight(found) >= _LEAST_WEIGHT:
            found |= {"form": _form(feature, found), "orders": feature.orders}
            _join(told, found)
    told = sorted(told, key=_weight, reverse=True)[:_NB_TOLD]
    return [
        {
            "set": name,
            "text": each["form"].format(waves=_waves(each["orders"], length)),
            **{key: each[key] for key in columns},
        }
        for each in told
    ]


def _weight(found: dict) -> float:
    """Return how much a feature tells: alone, or to classifiers that have the others.

    What several features tell is not missed if one of them is permuted.
    """
    return max(found["importance"], abs(found["alone"] - 0.5) - _CLEAR)


def _join(told: list[dict], found: dict) -> None:
    """Add a feature, or join it with the band before it that deviates the same way."""
    last = told[-1] if told else {"form": None, "orders": None}
    bands = last["orders"], found["orders"]
    is_same = last["form"] == found["form"] and None not in bands
    if is_same and bands[0][1] + 1 == bands[1][0]:
        orders = bands[0][0], bands[1][1]
        told[-1] = {**max(last, found, key=_weight), "orders": orders}
    else:
        told.append(found)


def _form(feature: _Named, found: dict) -> str:
    """Return what is wrong with a feature, with a place for its wavelengths."""
    for auc, ending in (
        (found["alone"], ""),
        (found["given_others"], " for what the other features are"),
    ):
        if abs(auc - 0.5) >= _CLEAR:
            return f"{feature.words[auc > 0.5]}{{waves}}{ending}"
    return f"{feature.name}{{waves}}, in the way it goes with other features"


def _waves(orders: tuple[int, int] | None, length: float) -> str:
    """Return the wavelengths of cosine coefficients of streamlines of a length (mm)."""
    if orders is None or orders[0] < 2:
        return ""
    shortest, longest = (2 * length / order for order in (orders[1] + 1, orders[0]))
    if orders[1] == BANDS[-1][1]:
        return f" below {longest:.2g} mm"
    return f" from {shortest:.2g} to {longest:.2g} mm"


def _summaries(sample: Sample, name: str) -> np.ndarray:
    """Return one number of each feature that can be named, (n, f), mean 0 by bundle.

    Of coefficients the logarithm of their distance from those of the mean streamline.
    """
    values = centred(sample.features[name], sample.labels)
    if name == "shape":
        distances = [
            np.linalg.norm(values[:, each.columns], axis=1) for each in NAMED[name]
        ]
        floor = np.finfo(np.float32).tiny
        values = np.log(np.maximum(np.stack(distances, axis=1), floor))
        values = centred(values, sample.labels)
    return values


def _beyond_others(values: np.ndarray) -> np.ndarray:
    """Return how far each column is from its linear prediction by the others."""
    scales = values.std(axis=0)
    values = values / np.where(scales > 0, scales, 1)
    # Residuals of all regressions at once are in the inverse of the covariance.
    precision = np.linalg.pinv(values.T @ values / len(values), hermitian=True)
    diagonal = np.diag(precision)
    return values @ (precision / np.where(diagonal > 0, diagonal, 1))


def verdict(generated: dict, real: dict | None) -> list[str]:
    """Return a sentence on the shape and one on the texture of generated streamlines.

    `generated` and `real` are from `c2st`, against the same held-out streamlines.
    """
    sentences = []
    for name in NAMED:
        areas = f"AUC {generated[name]['value']:.2f}"
        if real:
            areas += f", real {real[name]['value']:.2f}"
        if generated[name]["interval"][0] <= 0.5:
            sentences.append(f"Classifiers do not {_TELL} {name} ({areas}).")
            continue
        told = [each for each in generated["told_by"] if each["set"] == name]
        ending = f": {'; '.join(each['text'] for each in told)}." if told else "."
        if told and all(abs(each["alone"] - 0.5) < _CLEAR for each in told):
            ending = f", by no feature alone{ending}"
        sentences.append(f"Classifiers {_TELL} {name} ({areas}){ending}")
    return sentences
