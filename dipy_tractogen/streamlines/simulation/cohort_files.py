"""Files of a simulated cohort, in a tree as in BIDS."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
import json
import logging
from pathlib import Path

import nibabel as nib

from dipy_tractogen import __version__
from dipy_tractogen.utils.files import atomic_write, atomic_write_all
from dipy_tractogen.utils.messages import format_count, listed
from dipy_tractogen.utils.progress import track_progress

from ..formats.writers import save_bundles
from .cohort import CohortLaws, Participant
from .profile_maps import profile_map
from .profiles import ProfileLaw, laws_as_dict

logger = logging.getLogger("dipy_tractogen")

_COLUMNS = {
    "participant_id": {"Description": "Name of the subject"},
    "age": {"Description": "Age of the subject", "Units": "year"},
    "diagnosis": {
        "Description": "Group of the subject",
        "Levels": {"control": "Control", "patient": "Patient"},
    },
}
_TRACTOGRAMS = "*_tractogram.trx"
_MAPS = "*_dwimap.nii.gz"
_README = """\
Simulated cohort
================

Every subject has the seven bundles of a phantom like FiberCup, as groups of
sub-<label>/dwi/sub-<label>_tractogram.trx, changed with age and diagnosis by the
laws in {laws}. Nothing here is measured: dipy_simulate_cohort of dipy_tractogen
{version} wrote the files.

The standard has no name for tractograms yet: .bidsignore keeps validators from
them, and sub-<label>_scans.tsv, which lists the scans of a subject, has no row.
"""

_README_PROFILES = """
Each point of a streamline has values (data_per_point): {values}. Their laws are
"profiles" in the same file: cosine coefficients of the profile of each bundle ("base"),
a quadratic of age about a peak, a Gaussian dip of patients in one bundle, the nearness
to the mean streamline, and the standard deviations of subjects and streamlines.
sub-<label>_param-<name>_dwimap.nii.gz are images of them: the mean of the points in
each voxel, in which bundles that cross share their values.
"""


def cohort_files(
    participants: Sequence[Participant],
    *,
    out_participants: str = "participants.tsv",
    out_laws: str = "laws.json",
    values: Iterable[str] = (),
) -> dict[str, str]:
    """Return the files of a cohort below its root, by their keys in `save_cohort`.

    `values` are names of those along the streamlines, of which there are images.
    """
    names = [one.participant_id for one in participants]
    return {
        "out_participants": out_participants,
        # An empty name is refused with the others.
        "out_columns": str(Path(out_participants or "none").with_suffix(".json")),
        "out_laws": out_laws,
        "out_description": "dataset_description.json",
        **{name: f"{name}/dwi/{name}_tractogram.trx" for name in names},
        **{f"{name}_scans": f"{name}/{name}_scans.tsv" for name in names},
        **{
            f"{name}_{value}": f"{name}/dwi/{name}_param-{value}_dwimap.nii.gz"
            for name in names
            for value in values
        },
    }


def save_cohort(
    paths: Mapping[str, Path],
    cohort: Iterable[tuple],
    participants: Sequence[Participant],
    laws: CohortLaws,
    *,
    profiles: Mapping[str, ProfileLaw] | None = None,
    force: bool = False,
    show_progress: bool = False,
) -> None:
    """Write the tractograms, the tables and the descriptions of a cohort.

    Parameters
    ----------
    paths : mapping of str to Path
        Where the files of `cohort_files` go.
    cohort : iterable of (Participant, BundleSet)
        From `simulate_cohort`.
    participants : sequence of Participant
        The subjects.
    laws : CohortLaws
        The laws of their bundles.
    profiles : mapping of str to ProfileLaw, optional
        The laws of values along the streamlines, of which images are written.
    force : bool, optional
        Replace existing files.
    show_progress : bool, optional
        Show a progress bar.
    """
    shown = {"total": len(participants), "show_bar": show_progress}
    with atomic_write_all(paths, force=force) as temporary:
        for one, bundles in track_progress(cohort, "Subjects", **shown):
            save_bundles(temporary[one.participant_id], bundles)
            for value in profiles or ():
                key = f"{one.participant_id}_{value}"
                nib.save(profile_map(bundles, value), temporary[key])
        # The tables come last, when the subjects are all there.
        for key, text in _tables(participants, laws, profiles or {}).items():
            temporary[key].write_text(f"{text}\n", encoding="utf-8")
        _write_beside(paths, profiles or {})
    logger.info(
        "Wrote %s, and %s",
        format_count(len(participants), "subject"),
        paths["out_participants"],
    )
    _warn_of_others(paths["out_participants"].parent, participants)


def _tables(
    participants: Sequence[Participant],
    laws: CohortLaws,
    profiles: Mapping[str, ProfileLaw],
) -> dict[str, str]:
    """Return the contents of the text files, by key."""
    rows = ["\t".join(_COLUMNS)]
    rows += [
        f"{one.participant_id}\t{one.age:g}\t{one.diagnosis}" for one in participants
    ]
    stated = asdict(laws)
    if profiles:
        stated["profiles"] = laws_as_dict(profiles)
    description = {
        "Name": "Simulated cohort",
        "BIDSVersion": "1.9.0",
        "DatasetType": "derivative",
        "License": "CC0",
        "Authors": ["dipy_tractogen developers"],
        "GeneratedBy": [{"Name": "dipy_tractogen", "Version": __version__}],
    }
    return {
        "out_columns": json.dumps(_COLUMNS, indent=2),
        "out_laws": json.dumps(stated, indent=2),
        "out_description": json.dumps(description, indent=2),
        "out_participants": "\n".join(rows),
        **{f"{one.participant_id}_scans": "filename" for one in participants},
    }


def _write_beside(
    paths: Mapping[str, Path], profiles: Mapping[str, ProfileLaw]
) -> None:
    """Write README and .bidsignore, unless the folder has some."""
    root = paths["out_description"].parent
    # Names of files that the standard does not have.
    ignored = [_TRACTOGRAMS, f"{_TRACTOGRAMS}.json", paths["out_laws"].name]
    if profiles:
        ignored.append(_MAPS)
    if paths["out_participants"].name != "participants.tsv":
        ignored += [paths[key].name for key in ("out_participants", "out_columns")]
    readme = _README.format(laws=paths["out_laws"].name, version=__version__)
    if profiles:
        named = (
            f"{name} ({law.unit})" if law.unit else name
            for name, law in profiles.items()
        )
        readme += _README_PROFILES.format(values=listed(named))
    beside = {
        "README": readme,
        ".bidsignore": "\n".join([*ignored, ""]),
    }
    for name, text in beside.items():
        if (root / name).exists():
            # It may be of something else that is in the folder.
            logger.info("%s is there, and left as it is", root / name)
        else:
            with atomic_write(root / name) as written:
                written.write_text(text, encoding="utf-8")


def _warn_of_others(folder: Path, participants: Sequence[Participant]) -> None:
    """Warn of subjects of an earlier, larger cohort that are still there."""
    known = {one.participant_id for one in participants}
    others = sorted(
        path.name for path in folder.glob("sub-*") if path.name not in known
    )
    if others:
        logger.warning(
            "%s also holds %s, which are not in the table of the subjects: take away "
            "what is left of an earlier cohort",
            folder,
            listed(others),
        )
