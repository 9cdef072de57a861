"""Images of values (FA, MD) that are sampled at the points of tractograms."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
import glob
import logging
import os
from pathlib import Path
import re

from nibabel.streamlines import ArraySequence
import numpy as np

from dipy_tractogen.utils.messages import format_count, listed, normalized_name

from ..array_sequence import blocks
from ..participants import subject_of
from ..volume import Volume, load_map

logger = logging.getLogger("dipy_tractogen")

_Labels = tuple[str | None, str | None]
"""Subject and session of a file, such as "sub-01" and "ses-1"."""

_GLOB_CHARACTERS = frozenset("*?[")
_SESSION = re.compile(r"(?:^|_)(ses-[0-9A-Za-z+]+)(?=[_.]|$)")
# More of the points of a file outside of an image: they are of different spaces.
_MOST_OUTSIDE = 0.5


def parse_maps(texts: Iterable[str] | None) -> dict[str, str]:
    """Return files or patterns by name, from texts ``NAME=FILE``.

    Raises ValueError for a text of another form, or a name that is there twice.
    """
    maps: dict[str, str] = {}
    for text in texts or ():
        name, equals, file = text.partition("=")
        name = normalized_name(name.strip())
        if not (equals and name and file):
            raise ValueError(f"{text!r}: give NAME=FILE, such as FA=fa.nii.gz.")
        if name in maps:
            raise ValueError(f"{text!r}: {name} is given twice; give one image of it.")
        maps[name] = file
    return maps


def maps_of_images(names: Iterable[str]) -> str:
    """Return the argument that samples images of values, for messages."""
    files = {str(name): f"{name}.nii.gz" for name in names}
    return f"maps={files}"


class MapFiles:
    """Finds the image of each value that is that of a tractogram.

    Parameters
    ----------
    maps : mapping of str to str or Path
        Image of each value by name, or a glob. Of several images that a glob matches,
        a tractogram takes the one with its ``sub-`` and ``ses-`` labels.
    """

    def __init__(self, maps: Mapping[str, str | os.PathLike]):
        self._files = {str(name): map_files(name, each) for name, each in maps.items()}
        self._labels = {
            name: {path: _labels(path) for path in files}
            for name, files in self._files.items()
        }
        self._of_subject: dict[tuple, list[Path]] = {}
        for name, files in self._labels.items():
            for path, (subject, _) in files.items():
                self._of_subject.setdefault((name, subject), []).append(path)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the values."""
        return tuple(self._files)

    def find(self, name: str, tractogram: Path) -> Path:
        """Return the image of a tractogram; ValueError if it is not one."""
        files, labels, own = self._files[name], self._labels[name], _labels(tractogram)
        several = len(files) > 1
        near = self._of_subject.get((name, own[0]), []) if several else files
        fitting = [path for path in near if _fits(labels[path], own, several)]
        if len(fitting) == 1:
            return fitting[0]
        who = " ".join(filter(None, own)) or "neither a sub- nor a ses- label"
        if not fitting:
            raise ValueError(
                f"there is no image of {name} for {tractogram} ({who}) among "
                f"{listed(map(str, files))}: name images and tractograms by their "
                "subjects as in BIDS, or give one image for all"
            )
        raise ValueError(
            f"several images of {name} are those of {tractogram} ({who}): "
            f"{listed(map(str, fitting))}: give a glob that matches one of them"
        )


class MapSampler:
    """Samples images at the points of tractograms, each those of its subject.

    Parameters
    ----------
    maps : mapping of str to str or Path
        Image of each value by name, or a glob, as of `MapFiles`.
    """

    def __init__(self, maps: Mapping[str, str | os.PathLike]):
        self._files = MapFiles(maps)
        self._loaded: dict[str, tuple[Path, Volume]] = {}
        self._constant: dict[Path, float] = {}
        self._nb_points = 0
        self._outside = dict.fromkeys(self.names, 0)
        self._missing = dict.fromkeys(self.names, 0)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the values."""
        return self._files.names

    def sample(
        self, tractogram: Path, streamlines: ArraySequence
    ) -> Iterator[dict[str, np.ndarray]]:
        """Yield values (k, 1) by name at the points (RASMM, mm), block by block.

        They are trilinear, float32, and NaN outside of the image or where it is NaN.
        Raises ValueError if the tractogram has no image, or most points are outside.
        """
        images = {name: self._image(name, tractogram) for name in self.names}
        outside, nb_points = dict.fromkeys(images, 0), 0
        for _, points, _ in blocks(streamlines):
            sampled = {}
            for name, image in images.items():
                values, inside = image.interpolate(points)
                outside[name] += len(points) - int(inside.sum())
                self._missing[name] += int((np.isnan(values) & inside).sum())
                sampled[name] = values[:, None]
            nb_points += len(points)
            yield sampled
        for name, number in outside.items():
            if number > _MOST_OUTSIDE * nb_points:
                raise ValueError(
                    f"{self._loaded[name][0]} is not of the space of {tractogram}: "
                    f"{number} of its {nb_points} points are outside of the image of "
                    f"{name}, {images[name].describe_box()}: give the image that the "
                    "streamlines were tracked in, or one that is registered to them"
                )
            self._outside[name] += number
        self._nb_points += nb_points

    def finish(self) -> None:
        """Warn of values that are missing, and of images of one value."""
        for name in self.names:
            lost = {
                "outside of the image": self._outside[name],
                "where it is not finite": self._missing[name],
            }
            said = [f"{number:,} {where}" for where, number in lost.items() if number]
            if said:
                logger.warning(
                    "%s: of %s, %s: there the value is missing (NaN)",
                    *(name, format_count(self._nb_points, "point"), listed(said)),
                )
        for path, value in self._constant.items():
            logger.warning("%s is %g everywhere: it says nothing", path, value)

    def _image(self, name: str, tractogram: Path) -> Volume:
        """Return the image of a tractogram, which is kept until another is needed."""
        path = self._files.find(name, tractogram)
        if self._loaded.get(name, (None,))[0] != path:
            self._loaded.pop(name, None)
            image = load_map(path)
            self._loaded[name] = path, image
            known = image.data[np.isfinite(image.data)]
            if known.min() == known.max():
                self._constant[path] = float(known[0])
        return self._loaded[name][1]


def map_files(name: str, given: str | os.PathLike) -> list[Path]:
    """Return the images of a value, by a path or a glob.

    Raises FileNotFoundError if there is none, ValueError for a folder.
    """
    path = Path(given)
    if path.is_file():
        return [path]
    if path.is_dir():
        raise ValueError(
            f"the map of {name} is the folder {path}: give an image, or a glob such as "
            f"'{path}/**/*_{name}.nii.gz'"
        )
    if _GLOB_CHARACTERS.intersection(str(path)):
        matches = sorted(map(Path, glob.glob(str(path), recursive=True)))
        if found := [each for each in matches if each.is_file()]:
            return found
        raise FileNotFoundError(f"no image of {name} matches {path}: check the pattern")
    raise FileNotFoundError(
        f"the map of {name}, {path}, does not exist: check its name"
    )


def _labels(path: Path) -> _Labels:
    """Return the labels of a file, those of its name or else of its folders."""
    parts = (path.name, *(folder.name for folder in path.absolute().parents))
    sessions = (found.group(1) for found in map(_SESSION.search, parts) if found)
    return subject_of(path), next(sessions, None)


def _fits(image: _Labels, tractogram: _Labels, several: bool) -> bool:
    """Return whether labels of an image are those of a tractogram.

    One image of no subject, or a tractogram of none, is for all.
    """
    subjects, sessions = zip(image, tractogram)
    if several and None in subjects:
        return False
    return all(None in pair or pair[0] == pair[1] for pair in (subjects, sessions))
