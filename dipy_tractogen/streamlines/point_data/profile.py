"""What a model knows of the values along its streamlines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
import logging
import re

import numpy as np

from dipy_tractogen.utils.messages import briefly, listed
from dipy_tractogen.utils.schema import number, record, text

from .columns import fill_missing

logger = logging.getLogger("dipy_tractogen")

MOST_PROFILES = 16
"""Values along a streamline that a model may have."""

SHARE_OF_DEVIATION = 0.25
"""Accepted error of a value by default, as a share of its deviation."""

_LARGEST = 1e30
_SMALLEST = 1e-30
# Values that differ by less, as a share of their mean, do not vary.
_CONSTANT = 1e-5
_NAME = re.compile(r"[\w.+-]{1,40}")

_NUMBER = number(-_LARGEST, _LARGEST)
_POSITIVE = number(_SMALLEST, _LARGEST)
PLAIN_PROFILE = record(
    {
        "name": text(40, least=1),
        "mean": _NUMBER,
        "deviation": _POSITIVE,
        "low": _NUMBER,
        "high": _NUMBER,
        "sigma": _POSITIVE,
        "scale": _POSITIVE,
    },
    others=False,
)
"""What `Profiles.to_plain` gives of a value."""


@dataclass(frozen=True)
class Profile:
    """A value along streamlines, such as FA, over the points of a training.

    Attributes
    ----------
    name : str
        Name of the value in ``data_per_point``.
    mean, deviation : float
        Over all training points, in the unit of the value.
    low, high : float
        Smallest and largest value in the training.
    sigma : float
        Error that is accepted, in the unit of the value.
    scale : float
        Millimetres of the network's channel for one unit of the value: as many as make
        the accepted error that of a point.
    """

    name: str
    mean: float
    deviation: float
    low: float
    high: float
    sigma: float
    scale: float

    def describe(self) -> str:
        """Return name, range and accepted error in a line."""
        return (
            f"{self.name}: {self.low:.4g} to {self.high:.4g}, accepted error "
            f"{self.sigma:.3g}"
        )


class Profiles(Sequence):
    """The values along streamlines that a model learns, as channels of its network.

    Columns (..., 3 + v) are coordinates in mm and v values as they are, NaN where they
    are missing; channels (..., 3 + v) are what the network reads: a value less its
    mean, times its `Profile.scale`, so that errors of all channels are in mm.
    """

    def __init__(self, profiles: Sequence[Profile] = ()):
        self._profiles = tuple(profiles)
        self._means = np.array([one.mean for one in profiles], dtype=np.float64)
        self.scales = np.array([one.scale for one in profiles], dtype=np.float64)
        self._lows, self._highs = (
            np.array([getattr(one, end) for one in profiles], dtype=np.float32)
            for end in ("low", "high")
        )

    def __len__(self) -> int:
        return len(self._profiles)

    def __getitem__(self, index: int) -> Profile:
        return self._profiles[index]

    def __iter__(self) -> Iterator[Profile]:
        return iter(self._profiles)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the values, in the order of the channels."""
        return tuple(one.name for one in self)

    def to_plain(self) -> list[dict]:
        """Return plain values, for a model's file."""
        return [asdict(one) for one in self]

    @classmethod
    def from_plain(cls, plain: Sequence[Mapping]) -> Profiles:
        """Return the profiles of plain values, those of `to_plain`."""
        return cls([Profile(**one) for one in plain])

    def channels(self, columns: np.ndarray) -> np.ndarray:
        """Return the channels (n, p, 3 + v), float32, of columns (n, p, 3 + v).

        Missing values are interpolated along the streamline; where it has none, the
        mean of the training takes their place.
        """
        if not len(self):
            return columns
        made = np.array(columns, dtype=np.float32)
        flat = made[..., 3:].reshape(-1, len(self))
        flat = fill_missing(flat, np.full(len(made), made.shape[1]))
        made[..., 3:] = np.nan_to_num(self.scaled(flat)).reshape(made[..., 3:].shape)
        return made

    def scaled(self, values: np.ndarray) -> np.ndarray:
        """Return the channels (..., v), float32, of values (..., v)."""
        return ((values - self._means) * self.scales).astype(np.float32)

    def values_of(self, channels: np.ndarray) -> np.ndarray:
        """Return the values (..., v), float32, of channels (..., 3 + v)."""
        values = np.empty((*channels.shape[:-1], len(self)), dtype=np.float32)
        for at in range(len(self)):
            values[..., at] = self._values_of(channels, at)
        return values

    def values_within_limits(self, channels: np.ndarray) -> dict[str, np.ndarray]:
        """Return values (...) of channels (..., 3 + v) by name, within the limits.

        They are reflected at the limits of the training: what is beyond a limit comes
        to lie as far within it, so that a limit such as an FA of zero is not met by
        many points at once.
        """
        found = {}
        for at, name in enumerate(self.names):
            low, high = self._lows[at], self._highs[at]
            values = self._values_of(channels, at)
            # Of a value within the limits, what it is reflected to is beyond it.
            np.maximum(values, 2 * low - values, out=values)
            np.minimum(values, 2 * high - values, out=values)
            found[name] = np.clip(values, low, high, out=values)
        return found

    def _values_of(self, channels: np.ndarray, at: int) -> np.ndarray:
        """Return one value (...), float32: loops over a few values are slow."""
        values = channels[..., 3 + at].astype(np.float64)
        values /= self.scales[at]
        values += self._means[at]
        return values.astype(np.float32)

    def by_name(self, values: np.ndarray) -> dict[str, np.ndarray]:
        """Return values (..., v) as arrays (...) by their names."""
        return {name: values[..., at] for at, name in enumerate(self.names)}


class ProfileSummary:
    """Sums over values (..., v), block by block, for the `Profiles` of a training."""

    def __init__(self, names: Sequence[str]):
        self._names = tuple(names)
        width = len(self._names)
        self._counts, self._all = np.zeros(width), 0
        self._sums, self._squares = np.zeros(width), np.zeros(width)
        self._lows, self._highs = np.full(width, np.inf), np.full(width, -np.inf)

    def add(self, values: np.ndarray) -> None:
        """Add values (..., v), of which NaN and infinite ones are missing."""
        values = values.reshape(-1, len(self._names)).astype(np.float64)
        known = np.isfinite(values)
        self._all += len(values)
        self._counts += known.sum(axis=0)
        self._sums += values.sum(axis=0, where=known)
        self._squares += np.square(values).sum(axis=0, where=known)
        lows = values.min(axis=0, where=known, initial=np.inf)
        highs = values.max(axis=0, where=known, initial=-np.inf)
        self._lows = np.minimum(self._lows, lows)
        self._highs = np.maximum(self._highs, highs)

    def profiles(self, sigmas: Sequence[float] | None, sigma_mm: float) -> Profiles:
        """Return the profiles; `sigmas` are their accepted errors, if they are given.

        Raises ValueError where a value is missing everywhere, or does not vary.
        """
        made = []
        for at, name in enumerate(self._names):
            if not self._counts[at]:
                raise ValueError(
                    f"{name} is missing at all training points: leave it out, or give "
                    "streamlines with it."
                )
            mean = self._sums[at] / self._counts[at]
            variance = self._squares[at] / self._counts[at] - mean**2
            deviation = float(np.sqrt(max(variance, 0.0)))
            if deviation <= _CONSTANT * abs(mean) or deviation <= _SMALLEST:
                raise ValueError(
                    f"{name} is {mean:.4g} at all training points: there is nothing "
                    "to learn of it; leave it out."
                )
            sigma = SHARE_OF_DEVIATION * deviation if sigmas is None else sigmas[at]
            limits = float(self._lows[at]), float(self._highs[at])
            made.append(
                Profile(name, float(mean), deviation, *limits, sigma, sigma_mm / sigma)
            )
        self._tell_of_missing()
        return Profiles(made)

    def _tell_of_missing(self) -> None:
        shares = 1 - self._counts / self._all
        told = [
            f"{name} of {100 * share:.2g} %"
            for name, share in zip(self._names, shares)
            if share
        ]
        if told:
            logger.warning(
                "%s of the training points is missing: it has no part in the loss",
                listed(told),
            )


def check_profile_names(names: Sequence[str]) -> tuple[str, ...]:
    """Return names of values; ValueError if one is impossible, twice, or too many."""
    names = tuple(map(str, names))
    if len(names) > MOST_PROFILES:
        raise ValueError(
            f"{len(names)} values along the streamlines are named: give up to "
            f"{MOST_PROFILES}."
        )
    for name in names:
        if not _NAME.fullmatch(name):
            raise ValueError(
                f"{briefly(name)} cannot be learnt along streamlines under this name: "
                "give letters, digits, and any of _ . + -, up to 40."
            )
        if names.count(name) > 1:
            raise ValueError(f"{name} is given twice: give each value once.")
    return names
