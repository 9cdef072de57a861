"""`dipy_simulate_cohort`: subjects whose bundles age and diagnosis change by laws."""

from __future__ import annotations

import logging
from pathlib import Path

from .base import TractogenFlow
from .options.arguments import check_int
from .runtime.room import check_room

logger = logging.getLogger("dipy_tractogen")

# Of files and folders beside the points.
_BYTES_OF_SUBJECT = 16384

_COLUMNS = {
    "participant_id": {"Description": "Name of the subject"},
    "age": {"Description": "Age of the subject", "Units": "year"},
    "diagnosis": {
        "Description": "Group of the subject",
        "Levels": {"control": "Control", "patient": "Patient"},
    },
}


_TRACTOGRAMS = "*_tractogram.trx"

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


class SimulateCohortFlow(TractogenFlow):
    """Simulate a cohort whose bundles change with age and diagnosis."""

    short_name = "simulate_cohort"
    advanced = (
        *("length_per_year", "fan_per_year", "shift_per_year", "patient_length"),
        *("patient_fan", "patient_shift", "subject_noise"),
    )

    def run(
        self,
        nb_subjects=20,
        nb_streamlines=50,
        nb_points=100,
        youngest=20.0,
        oldest=80.0,
        length_per_year=0.003,
        fan_per_year=0.004,
        shift_per_year=0.05,
        patient_length=0.1,
        patient_fan=0.15,
        patient_shift=2.0,
        subject_noise=0.01,
        seed=0,
        out_dir="",
        out_participants="participants.tsv",
        out_laws="laws.json",
    ):
        """Simulate a cohort whose bundles change with age and diagnosis.

        Every subject has the seven bundles of the FiberCup-like phantom, shortened,
        fanned out and shifted by laws of its age and its group, half controls and half
        patients. What a model learns of them can thus be held against a known answer.
        The tree is as in BIDS: participants.tsv, and for each subject
        sub-001/dwi/sub-001_tractogram.trx with the bundles as groups; .bidsignore
        names what the standard has no names for.

        Parameters
        ----------
        nb_subjects : int, optional
            Number of subjects.
        nb_streamlines : int, optional
            Number of streamlines in each of the seven bundles of a subject.
        nb_points : int, optional
            Number of points in each streamline.
        youngest : float, optional
            Smallest age, in years, at which the laws begin.
        oldest : float, optional
            Largest age, in years.
        length_per_year : float, optional
            Share of the length that bundles lose in a year.
        fan_per_year : float, optional
            Share of the width that bundles gain in a year.
        shift_per_year : float, optional
            Shift of bundles along y in a year, in mm.
        patient_length : float, optional
            Share of the length that patients lack.
        patient_fan : float, optional
            Share of the width that patients have more.
        patient_shift : float, optional
            Shift of patients along y, in mm.
        subject_noise : float, optional
            Deviation of the lengths of single subjects from the laws, as a share.
        seed : int, optional
            Seed of the random numbers.
        out_dir : string or Path, optional
            Output folder, the root of the tree.
        out_participants : string, optional
            Table of the subjects; its columns are described in a JSON file beside it.
        out_laws : string, optional
            The laws, as JSON.
        """
        from dipy_tractogen.streamlines.simulation.cohort import (
            CohortLaws,
            check_laws,
            simulate_cohort,
            simulate_participants,
        )
        from dipy_tractogen.utils.files import atomic_write_all

        check_int("nb_streamlines", nb_streamlines)
        check_int("nb_points", nb_points, low=2)
        check_room(
            out_dir,
            f"--nb_subjects {nb_subjects} and --nb_streamlines {nb_streamlines}",
            nb_subjects * (_BYTES_OF_SUBJECT + 7 * nb_streamlines * nb_points * 12),
        )
        check_int("seed", seed, low=0)
        laws = CohortLaws(
            length_per_year=length_per_year,
            fan_per_year=fan_per_year,
            shift_per_year=shift_per_year,
            patient_length=patient_length,
            patient_fan=patient_fan,
            patient_shift=patient_shift,
            subject_noise=subject_noise,
        )
        people = simulate_participants(
            nb_subjects, youngest=youngest, oldest=oldest, seed=seed
        )
        check_laws(laws, people, youngest=youngest)
        paths = self.outputs(
            out_dir,
            out_participants=out_participants,
            # An empty name is refused with the others.
            out_columns=str(Path(out_participants or "none").with_suffix(".json")),
            out_laws=out_laws,
            out_description="dataset_description.json",
            **{one.participant_id: _tractogram(one) for one in people},
            **{f"{one.participant_id}_scans": _scans(one) for one in people},
        )
        cohort = simulate_cohort(
            people,
            laws,
            nb_streamlines=nb_streamlines,
            nb_points=nb_points,
            youngest=youngest,
            seed=seed,
        )
        with atomic_write_all(paths, force=self.force) as temporary:
            self._save_tractograms(cohort, temporary, len(people))
            self._save_tables(paths, temporary, people, laws)
        logger.info("Wrote %d subjects, and %s", len(people), paths["out_participants"])
        _warn_of_others(paths["out_participants"].parent, people)

    def _save_tractograms(self, cohort, paths: dict, nb_subjects: int) -> None:
        from dipy_tractogen.streamlines.formats.writers import save_bundles
        from dipy_tractogen.utils.progress import track_progress

        shown = {"total": nb_subjects, "show_bar": self.show_progress}
        for one, bundles in track_progress(cohort, "Subjects", **shown):
            save_bundles(
                paths[one.participant_id],
                bundles.streamlines,
                reference=bundles.reference,
                labels=bundles.labels,
                bundle_names=bundles.bundle_names,
            )

    def _save_tables(self, paths: dict, temporary: dict, people: list, laws) -> None:
        """Write what tells of the subjects; last, when they are all there."""
        from dataclasses import asdict
        import json

        from dipy_tractogen import __version__
        from dipy_tractogen.utils.files import atomic_write

        rows = ["\t".join(_COLUMNS)]
        rows += [
            f"{one.participant_id}\t{one.age:g}\t{one.diagnosis}" for one in people
        ]
        description = {
            "Name": "Simulated cohort",
            "BIDSVersion": "1.9.0",
            "DatasetType": "derivative",
            "License": "CC0",
            "Authors": ["dipy_tractogen developers"],
            "GeneratedBy": [{"Name": "dipy_tractogen", "Version": __version__}],
        }
        texts = {
            "out_columns": json.dumps(_COLUMNS, indent=2),
            "out_laws": json.dumps(asdict(laws), indent=2),
            "out_description": json.dumps(description, indent=2),
            "out_participants": "\n".join(rows),
            **{f"{one.participant_id}_scans": "filename" for one in people},
        }
        for key, text in texts.items():
            temporary[key].write_text(f"{text}\n", encoding="utf-8")
        root = paths["out_description"].parent
        beside = {
            "README": _README.format(laws=paths["out_laws"].name, version=__version__),
            ".bidsignore": "\n".join([*_ignored(paths), ""]),
        }
        for name, text in beside.items():
            if (root / name).exists():
                # It may be of something else that is in the folder.
                logger.info("%s is there, and left as it is", root / name)
            else:
                with atomic_write(root / name) as written:
                    written.write_text(text, encoding="utf-8")


def _ignored(paths: dict) -> list[str]:
    """Return the names of files that the standard does not have."""
    names = [_TRACTOGRAMS, f"{_TRACTOGRAMS}.json", paths["out_laws"].name]
    if paths["out_participants"].name != "participants.tsv":
        names += [paths[key].name for key in ("out_participants", "out_columns")]
    return names


def _warn_of_others(folder: Path, people: list) -> None:
    """Say which subjects of an earlier, larger cohort are still there."""
    from dipy_tractogen.utils.messages import listed

    known = {one.participant_id for one in people}
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


def _tractogram(participant) -> str:
    name = participant.participant_id
    return f"{name}/dwi/{name}_tractogram.trx"


def _scans(participant) -> str:
    name = participant.participant_id
    return f"{name}/{name}_scans.tsv"
