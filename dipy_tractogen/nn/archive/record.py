"""Record of a training in a model's file, and checks of its content."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
import json
from pathlib import Path
from typing import TYPE_CHECKING
import zipfile

import numpy as np

from dipy_tractogen.norms.storage import load_norms, save_norms
from dipy_tractogen.sampling.density import DENSITY_ARRAYS, ConditionalDensity
from dipy_tractogen.sampling.shared.density import FITTED_DENSITY_ARRAYS, FittedDensity
from dipy_tractogen.sampling.shared.texture import FITTED_TEXTURE_ARRAYS, FittedTexture
from dipy_tractogen.sampling.subject.moments import free_columns
from dipy_tractogen.sampling.subject.variation import (
    VARIATION_ARRAYS,
    SubjectVariation,
)
from dipy_tractogen.sampling.texture.arrays import TEXTURE_ARRAYS, check_texture
from dipy_tractogen.sampling.texture.texture import Texture
from dipy_tractogen.streamlines.condition import PLAIN_CONDITION
from dipy_tractogen.streamlines.conditions import BUNDLE, LENGTH, Conditions
from dipy_tractogen.streamlines.point_data.profile import (
    MOST_PROFILES,
    PLAIN_PROFILE,
    check_profile_names,
)
from dipy_tractogen.streamlines.reference import PLAIN_GRID, Reference
from dipy_tractogen.utils.array_schema import read_present
from dipy_tractogen.utils.schema import (
    LARGEST_JSON,
    SchemaError,
    boolean,
    integer,
    list_of,
    mapping,
    number,
    optional,
    parse_json,
    plain,
    record,
    text,
)

from .card import CARD

if TYPE_CHECKING:
    from dipy_tractogen.norms.norms import Norms

_RECORD_FILE = "record.json"
_LATENTS_FILE = "latents.npz"
_TEXTURE_FILE = "texture.npz"
_FITTED_LATENTS_FILE = "fitted_latents.npz"
_FITTED_TEXTURE_FILE = "fitted_texture.npz"
_SUBJECTS_FILE = "subjects.npz"

_COUNT = integer(0, 10**15)
_MM = number(0, 1e9)
_ERROR = number(0, 1e30)

_PARTS = {
    "bundle_names": list_of(text(1000)),
    "bundle_counts": list_of(_COUNT),
    "length_ranges": list_of(list_of(_MM, 2, 2)),
    "directions": list_of(list_of(number(-1e12, 1e12), most=10_000)),
    "conditions": list_of(PLAIN_CONDITION, most=1000),
    "reference": optional(PLAIN_GRID),
    "space": text(200),
    "card": CARD,
    "truncation_mm": _MM,
    "held_out_mm": mapping(_MM),
    "profiles": list_of(PLAIN_PROFILE, most=MOST_PROFILES),
    "held_out_profiles": mapping(
        record({"mean": _ERROR, "percentile_95": _ERROR}, others=False)
    ),
    "active_units": integer(0, 10**6),
    "parameters": record(
        {},
        {
            "interrupted": boolean,
            "kept_step": _COUNT,
            "seconds_to_first_step": optional(_MM),
            "seconds": mapping(_MM),
            "command": text(10**6),
            "warnings": list_of(text(10**6)),
        },
    ),
    "data": record(
        {},
        {
            "files": mapping(text()),
            "checkpoint": mapping(text()),
            "held_out_counts": mapping(_COUNT),
            "dropped": mapping(_COUNT),
            "nb_files": _COUNT,
            "seconds_to_read": _MM,
            "digest": text(),
        },
    ),
    # A loss may overflow.
    "history": list_of(mapping(number(finite=False))),
    "versions": mapping(text()),
}
# Of models with values along the streamlines; the files of others do not have them.
_OF_PROFILES = ("profiles", "held_out_profiles")
_NEEDED_IN_A_ROW = ("step", "seconds", "loss")


@dataclass
class TrainingRecord:
    """Record of a training, kept in the model's file as JSON and arrays.

    Attributes
    ----------
    bundle_names : list of str
        Names of the bundles, in the order of the labels.
    bundle_counts : list of int
        Training streamlines of each bundle.
    length_ranges : list of [float, float]
        Shortest and longest training streamline of each bundle, in mm.
    directions : list of list of float
        Odd cosine coefficients of each bundle's mean, the direction it runs in.
    conditions : list of dict
        Conditions of the streamlines (`Conditions.to_plain`).
    reference : dict or None
        Header of the training's space (``Reference.to_dict``).
    space : str
        Name of that space, such as ``MNI152NLin2009cAsym``; empty if it is not known.
    card : dict
        What its authors say of the model (`CARD_TEXTS`), and its ``measures``.
    truncation_mm : float
        Mean point error that the number of coefficients alone causes, in mm.
    held_out_mm : dict
        ``mean`` and ``percentile_95`` of the point error of held-out streamlines.
    profiles : list of dict
        What the training found of the values along the streamlines that the model
        learns (`Profiles.to_plain`), in the order of the network's channels.
    held_out_profiles : dict
        ``mean`` and ``percentile_95`` of the error of each of these values, by name and
        in its own unit.
    active_units : int
        Latent dimensions whose z_mean varies over the training data.
    parameters : dict
        Parameters of the training, whether it was ``interrupted``, ``kept_step``, the
        step whose weights were kept, and ``seconds_to_first_step``, with the reading;
        ``event_files``, why these are not whole, if they are not.
        Of a command also the ``command`` as it was typed and its ``warnings``.
    data : dict
        Files, their digests, numbers of streamlines, those that were ``dropped`` by
        reason, ``held_out_counts`` by bundle, ``seconds_to_read``.
    history : list of dict
        One row for each validation.
    versions : dict
        Versions of what made the model.
    density : ConditionalDensity or None
        Density of the training latents and conditions.
    texture : Texture or None
        Residuals of decoded streamlines, from real ones.
    norms : Norms or None
        What is usual among subjects.
    """

    bundle_names: list[str] = field(default_factory=list)
    bundle_counts: list[int] = field(default_factory=list)
    length_ranges: list[list[float]] = field(default_factory=list)
    directions: list[list[float]] = field(default_factory=list)
    conditions: list[dict] = field(default_factory=list)
    reference: dict | None = None
    space: str = ""
    card: dict = field(default_factory=dict)
    truncation_mm: float = 0.0
    held_out_mm: dict = field(default_factory=dict)
    active_units: int = 0
    parameters: dict = field(default_factory=dict)
    data: dict = field(default_factory=dict)
    history: list[dict] = field(default_factory=list)
    versions: dict = field(default_factory=dict)
    density: ConditionalDensity | None = None
    texture: Texture | None = None
    profiles: list[dict] = field(default_factory=list)
    held_out_profiles: dict = field(default_factory=dict)
    norms: Norms | None = None

    @property
    def is_shared(self) -> bool:
        """Whether it holds nothing of single training streamlines (`share_model`)."""
        return isinstance(self.density, FittedDensity)

    def save(self, folder: str | Path) -> None:
        """Write the record into an existing folder, for Keras the model's assets."""
        plain = asdict(replace(self, density=None, texture=None, norms=None))
        for name in (*_OF_PROFILES, "norms"):
            if not plain[name]:
                del plain[name]
        Path(folder, _RECORD_FILE).write_text(
            json.dumps(plain, indent=1), encoding="utf-8"
        )
        latents = _FITTED_LATENTS_FILE if self.is_shared else _LATENTS_FILE
        is_fitted = isinstance(self.texture, FittedTexture)
        texture = _FITTED_TEXTURE_FILE if is_fitted else _TEXTURE_FILE
        subjects = self.density and self.density.subjects
        parts = {latents: self.density, texture: self.texture, _SUBJECTS_FILE: subjects}
        for name, part in parts.items():
            if part is not None:
                np.savez_compressed(Path(folder, name), **part.to_arrays())
        if self.norms is not None:
            save_norms(Path(folder), self.norms)

    @classmethod
    def load(
        cls, folder: str | Path | zipfile.Path, sizes: Mapping[str, int] | None = None
    ) -> TrainingRecord:
        """Read a record that `save` wrote, from a folder or a zip.

        `sizes` are the ``latent_dim`` and the ``nb_points`` of the model. Entries of a
        later version of the package are left out. Raises ValueError if an entry or an
        array is not as it has to be, or they do not fit together or to the model.
        """
        folder = Path(folder) if isinstance(folder, str) else folder
        with (folder / _RECORD_FILE).open("rb") as stream:
            entries = parse_json(stream.read(LARGEST_JSON))
        record({}, _PARTS)(entries, "")
        entries = {name: each for name, each in entries.items() if name in _PARTS}
        _check_together(entries)
        made, sizes = cls(**entries), sizes or {}
        nb_bundles = len(made.bundle_names)
        known = {"d": sizes.get("latent_dim"), "b": nb_bundles or None}
        known = {name: size for name, size in known.items() if size is not None}
        latents = read_present(folder / _LATENTS_FILE, DENSITY_ARRAYS, known)
        texture = read_present(folder / _TEXTURE_FILE, TEXTURE_ARRAYS, {})
        known.pop("b", None)
        fitted = read_present(
            folder / _FITTED_LATENTS_FILE, FITTED_DENSITY_ARRAYS, known
        )
        if latents or fitted:
            _check_bundles(entries)
            conditions = Conditions(made.conditions)
            kind = FittedDensity if fitted else ConditionalDensity
            made.density = kind.from_arrays(fitted or latents, conditions)
            made.density.curved = bool(made.profiles)
            made.density.subjects = _subjects(folder, made.density)
        if texture:
            check_texture(texture)
            _check_texture(texture, nb_bundles, sizes.get("nb_points"))
            made.texture = Texture.from_arrays(texture)
        fitted = read_present(folder / _FITTED_TEXTURE_FILE, FITTED_TEXTURE_ARRAYS, {})
        if fitted:
            _check_nb_points(fitted, sizes.get("nb_points"))
            made.texture = FittedTexture.from_arrays(fitted)
            _check_fitted_bundles(made)
        if made.texture is not None:
            _check_effects(made.texture, made)
        made.norms = load_norms(folder)
        return made


def _subjects(folder, density: ConditionalDensity) -> SubjectVariation | None:
    """Read how subjects differ, for a density; None where there is no file."""
    nb_latents, n = density.posteriors.active.sum(), len(density.posteriors.means)
    sizes = {"w": int(free_columns(density.conditions, nb_latents).sum()), "n": n}
    found = read_present(folder / _SUBJECTS_FILE, VARIATION_ARRAYS, sizes)
    if not found:
        return None
    variation = SubjectVariation.from_arrays(found)
    if np.setdiff1d(variation.bundles, density.strata[:, 0]).size:
        raise SchemaError("bundles of subjects", "in part unknown", "those of latents")
    return variation


def _check_together(entries: dict) -> None:
    """Check the entries of a record against each other."""
    names = entries.get("bundle_names", ())
    if len(set(names)) < len(names):
        raise SchemaError("bundle_names", "in part the same", "each name once")
    for name in ("bundle_counts", "length_ranges", "directions"):
        if len(entries.get(name, ())) != len(names):
            found = f"of {len(entries.get(name, ()))} bundles"
            raise SchemaError(name, found, f"those of the {len(names)} bundle_names")
    if len({len(direction) for direction in entries.get("directions", ())}) > 1:
        raise SchemaError("directions", "of different lengths", "one length")
    if entries.get("reference") is not None:
        # Raises if the grid is flat or its axes are degenerate.
        Reference.from_dict(entries["reference"])
    if any(low > high for low, high in entries.get("length_ranges", ())):
        raise SchemaError("length_ranges", "in part from high to low", "low and high")
    if entries.get("held_out_mm") and not {"mean", "percentile_95"} <= set(
        entries["held_out_mm"]
    ):
        raise SchemaError("held_out_mm", "incomplete", "mean and percentile_95")
    for index, row in enumerate(entries.get("history", ())):
        missing = [name for name in _NEEDED_IN_A_ROW if name not in row]
        if missing or set(row) != set(entries["history"][0]):
            raise SchemaError(
                f"history[{index}]", "incomplete", "the same names in each row"
            )
    # Raises if two have the same name.
    Conditions(entries.get("conditions", ()))
    check_profile_names([one["name"] for one in entries.get("profiles", ())])
    if any(one["low"] > one["high"] for one in entries.get("profiles", ())):
        raise SchemaError("profiles", "in part from high to low", "low and high")
    plain(entries, "")


def _check_bundles(entries: dict) -> None:
    """Check that bundle and length are known, by which latents are drawn."""
    known = {one.name: one for one in Conditions(entries.get("conditions", ()))}
    names = tuple(entries.get("bundle_names", ()))
    if BUNDLE not in known or known[BUNDLE].categories != names:
        raise SchemaError("conditions", "without the bundle_names", f"them as {BUNDLE}")
    if LENGTH not in known or known[LENGTH].categories:
        raise SchemaError("conditions", f"without the number {LENGTH}", "it among them")


def _check_texture(arrays: dict, nb_bundles: int, nb_points: int | None) -> None:
    _check_nb_points(arrays, nb_points)
    present = np.unique(arrays["labels"])
    if present.tolist() != list(range(nb_bundles)):
        found = f"those of {len(present)} bundles"
        raise SchemaError("labels of the texture", found, f"all {nb_bundles} bundles")


def _check_nb_points(arrays: dict, nb_points: int | None) -> None:
    found = int(arrays["nb_points"])
    if nb_points is not None and found != nb_points:
        wanted = f"the model's {nb_points}"
        raise SchemaError("nb_points of the texture", str(found), wanted)


def _check_effects(texture: Texture, made: TrainingRecord) -> None:
    """Check that effects are those of the conditions; earlier versions have none."""
    nb_given, found = Conditions(made.conditions).given_width, texture.effects.shape[1]
    for what, nb_found, wanted in (
        ("effects of the texture", found, (0, nb_given)),
        ("profiles of the texture", texture.nb_profiles, (len(made.profiles),)),
    ):
        if nb_found not in wanted:
            raise SchemaError(what, f"of {nb_found} numbers", f"of {wanted[-1]}")


def _check_fitted_bundles(made: TrainingRecord) -> None:
    """Check that each bundle of a fitted density has a fitted texture."""
    needed = np.unique(made.density.strata[:, 0]) if made.density else np.arange(0)
    missing = np.setdiff1d(needed, made.texture.labels)
    if len(missing):
        found = f"without the bundle {missing[0]}"
        raise SchemaError("group_of of the texture", found, "all bundles of latents")
