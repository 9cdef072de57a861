"""`dipy_simulate_cohort`: subjects whose bundles age and diagnosis change by laws."""

from __future__ import annotations

from dipy_tractogen.streamlines.simulation.parameters import CohortLaws

from ..flows.base import TractogenFlow
from ..options.arguments import check_room
from ..options.parameters import with_parameters_of

# Of files and folders beside the points.
_BYTES_OF_SUBJECT = 16384
# 64 x 64 x 3 voxels, of which most are zero.
_BYTES_OF_IMAGE = 49152


class SimulateCohortFlow(TractogenFlow):
    """Simulate a cohort whose bundles change with age and diagnosis."""

    short_name = "simulate_cohort"

    @with_parameters_of(CohortLaws)
    def run(
        self,
        nb_subjects=20,
        nb_streamlines=50,
        nb_points=100,
        profiles=False,
        youngest=20.0,
        oldest=80.0,
        seed=0,
        out_dir="",
        out_participants="participants.tsv",
        out_laws="laws.json",
        **given,
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
        profiles : bool, optional
            Add FA and MD (1e-3 mm^2/s) at every point, as data_per_point, by laws of
            age, diagnosis and subject that are written to --out_laws as well, and
            images of both. The points are the same with and without.
        youngest : float, optional
            Smallest age, in years, at which the laws begin.
        oldest : float, optional
            Largest age, in years.
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
            check_laws,
            simulate_cohort,
            simulate_participants,
        )
        from dipy_tractogen.streamlines.simulation.cohort_files import (
            cohort_files,
            save_cohort,
        )
        from dipy_tractogen.streamlines.simulation.profiles import PROFILE_LAWS

        stated = PROFILE_LAWS if profiles else {}
        of_point = 4 * (3 + len(stated))
        check_room(
            out_dir,
            f"--nb_subjects {nb_subjects} and --nb_streamlines {nb_streamlines}",
            nb_subjects
            * (
                _BYTES_OF_SUBJECT
                + _BYTES_OF_IMAGE * len(stated)
                + 7 * nb_streamlines * nb_points * of_point
            ),
        )
        laws = CohortLaws(**given)
        people = simulate_participants(
            nb_subjects, youngest=youngest, oldest=oldest, seed=seed
        )
        check_laws(laws, people, youngest=youngest)
        names = {"out_participants": out_participants, "out_laws": out_laws}
        paths = self.outputs(out_dir, **cohort_files(people, values=stated, **names))
        cohort = simulate_cohort(
            people,
            laws,
            profiles=stated,
            nb_streamlines=nb_streamlines,
            nb_points=nb_points,
            youngest=youngest,
            seed=seed,
        )
        options = {"force": self.force, "show_progress": self.show_progress}
        save_cohort(paths, cohort, people, laws, profiles=stated, **options)
