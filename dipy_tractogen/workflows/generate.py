"""`dipy_generate_streamlines`: new streamlines from a model file."""

from __future__ import annotations

import logging
from pathlib import Path
import time

from .cohorts.workers import WorkerOptions
from .flows.base import TractogenFlow
from .options.arguments import check_room
from .options.generation import (
    PlausibilityOptions,
    SamplerOptions,
    check_generation,
    load_seeds,
    make_plausibility,
)
from .options.inputs import load_trained_model, option_errors
from .options.loading import BoxOptions, MapOptions
from .options.parameters import defaults_of, with_parameters_of
from .options.shards import ShardOptions, check_shards, parse_shards
from .options.spaces import SpaceOptions
from .options.subjects import SubjectOptions, check_subject, load_subject

logger = logging.getLogger("dipy_tractogen")


class GenerateStreamlinesFlow(TractogenFlow):
    """Generate new streamlines from a trained model."""

    short_name = "generate_streamlines"
    advanced = ("step_size", "dtype", "smooth", *defaults_of(WorkerOptions))

    # The shard that this process makes; None where it makes all that is asked for.
    shard = None

    @with_parameters_of(
        *(ShardOptions, WorkerOptions),
        *(SubjectOptions, SamplerOptions, MapOptions, SpaceOptions),
        *(PlausibilityOptions, BoxOptions),
    )
    def run(
        self,
        model_file,
        nb_streamlines=1000,
        bundles=None,
        conditions=None,
        balanced=False,
        proportions=None,
        nb_points=None,
        step_size=None,
        dtype="float32",
        smooth=False,
        reference=None,
        seed=0,
        out_dir="",
        out_tractogram="synthetic.trx",
        **given,
    ):
        """Generate new streamlines from a trained model, bundle by bundle.

        Conditions are asked for by the names that the model knows: bundle and length
        always, others such as age and diagnosis if it was trained with them. What is
        not asked for is drawn as the training had it, given what is. A number outside
        of the training's range is an extrapolation, and a warning says the range;
        beyond it by more than its width a number is refused. Where more than half of
        the streamlines miss an asked length, curvature or tortuosity, the exit code is
        3. Streamlines that leave the grid are replaced by others, and so can be those
        that are not plausible: by their length, their shape, images and the training.
        Memory does not grow with the number of streamlines for trx, trk and tck.

        Parameters
        ----------
        model_file : string or Path
            Model file of a dipy_train command, or name of a model, such as human20.
        nb_streamlines : int, optional
            Number of streamlines in all, shared among the bundles as in training.
        bundles : variable string, optional
            Names of the bundles to generate; all of them by default.
        conditions : variable string, optional
            What else is asked of the streamlines: NAME=VALUE, a range NAME=LOW:HIGH of
            numbers, or several categories NAME=A,B, as length=80:140 age=70.
        balanced : bool, optional
            Share the number equally among the bundles.
        proportions : variable string, optional
            Bundles to generate, in place of --bundles, and how to share the number
            among them: BUNDLE=SHARE, as AF_L=2 CST_R=1.
        nb_points : int, optional
            Points of each streamline; by default as many as make steps like those of
            the training.
        step_size : float, optional
            Distance of neighbouring points in mm, in place of --nb_points: of sizes
            that divide a streamline into equal steps the nearest.
        dtype : string, optional
            Numbers of the points: float32, or float16 for a TRX of half the size,
            rounded by up to 0.03 mm at 100 mm from the origin.
        smooth : bool, optional
            Leave streamlines as they are decoded: the mean of what the latents do not
            say, too smooth and a little short.
        reference : string or Path, optional
            Image or tractogram whose grid goes into the header; by default that of
            the training. The points are in RASMM mm in any case.
        seed : int, optional
            Fixes the draw.
        out_dir : string or Path, optional
            Output folder.
        out_tractogram : string, optional
            Tractogram in any format of DIPY. A TRX holds the bundles as groups, a TRK
            and VTK formats as data_per_streamline["bundle"]. All of these hold as
            data_per_streamline the other conditions that each streamline was drawn for,
            categories as codes, and the length that it has; "asked_length" is what it
            was asked for, where --conditions asks for some, and so for curvature and
            tortuosity.
            Beside it goes a JSON file of the same name and .json, such as
            synthetic.trx.json: how it was made, and what the codes stand for.
        """
        from dipy_tractogen.sampling.condition_text import (
            parse_conditions,
            parse_proportions,
            split_conditions,
        )
        from dipy_tractogen.sampling.generated_file import bytes_per_streamline
        from dipy_tractogen.streamlines.reference import Reference

        with option_errors("conditions"):
            asked = split_conditions(conditions or ())
        with option_errors("proportions"):
            shares = parse_proportions(proportions) if proportions else None
        check_generation(self.given)
        check_subject(self.given)
        check_shards(self.given)
        _check_format(dtype, out_tractogram)
        if given["shards"] and self.shard is None:
            self._make_shards(given)
            return
        given["reference"] = reference
        path = self.outputs(out_dir, out_tractogram=out_tractogram)["out_tractogram"]
        began = time.perf_counter()
        header = Reference.from_file(reference) if reference else None
        plausibility = make_plausibility(self, given)
        model = load_trained_model(model_file, to_generate=True)
        known = model.record.density.conditions
        with option_errors("conditions"):
            wanted = parse_conditions(asked, known)
        texture = None if smooth else model.record.texture
        usual = model.nb_points if texture is None else texture.mean_points
        size = bytes_per_streamline(known, nb_points or usual, step_size, dtype)
        what = f"--nb_streamlines {nb_streamlines}"
        written = self.shard.size(nb_streamlines) if self.shard else nb_streamlines
        check_room(out_dir, what, written * size)
        seeds = load_subject(self, model, given, wanted)
        seeds = seeds or load_seeds(self, model, given)
        made = model.generate_file(
            path,
            nb_streamlines,
            bundles,
            conditions=wanted,
            balanced=balanced,
            proportions=shares,
            nb_points=nb_points,
            step_size=step_size,
            dtype=dtype,
            smooth=smooth,
            sampler=given["sampler"],
            seeds=seeds.latents,
            like=seeds.like,
            plausibility=plausibility,
            max_tries=given["max_tries"],
            reference=header or seeds.reference,
            transform=seeds.transform,
            outside_box=given["outside_box"],
            seed=seed,
            shard=self.shard,
            force=self.force,
            show_progress=self.show_progress,
        )
        seconds = round(time.perf_counter() - began, 1)
        facts = {**made.to_dict(), "conditions": asked, "seconds": seconds}
        if seeds.like is not None:
            facts["like"] = seeds.like.to_dict(model.record.bundle_names)
        self._describe(path, known, self.make_record(model_file, **facts))
        if self.shard is None:
            _report_rejected(made.plausibility, path)
            made.check.raise_if_missed()

    def _make_shards(self, given: dict) -> None:
        """Make shards, in a folder named as the tractogram."""
        from dipy_tractogen.utils.files import split_extension
        from dipy_tractogen.utils.shard_folder import MANIFEST, ShardManifest

        from .cohorts.shards import describe, make_shards
        from .cohorts.task import use_one_thread

        whole = Path(self.given["out_dir"] or ".", self.given["out_tractogram"])
        wanted = parse_shards(given["only_shards"], given["shards"])
        folder = whole.with_name(split_extension(whole)[0])
        for file, name in self._read(self.given).items():
            if file.resolve().parent == folder.resolve():
                raise ValueError(
                    f"--{name} {file} is in the folder of the shards: give another "
                    "--out_dir or --out_tractogram."
                )
        self.outputs(folder, again=True, out_tractogram=MANIFEST)
        use_one_thread()
        numbers = given["shards"], self.given["nb_streamlines"]
        asked = describe(self, self.given)
        manifest = ShardManifest(whole.name, *numbers, asked)
        make_shards(self, manifest, folder, wanted, given)

    def _describe(self, path: Path, conditions, record: dict) -> None:
        """Log the codes of categories, and write the record of the generation."""
        from dipy_tractogen.streamlines.category_codes import log_codes
        from dipy_tractogen.streamlines.formats.sidecar import (
            sidecar_path,
            write_sidecar,
        )

        log_codes(conditions)
        # That of a TRK, with what the codes stand for, is there since it was written.
        with self.optional(sidecar_path(path)):
            write_sidecar(path, record, force=True)
        logger.info("Wrote %s", path)


def _check_format(dtype: str, out_tractogram: str) -> None:
    """Check that the format of the file holds such numbers."""
    from dipy_tractogen.utils.files import tractogram_extension

    extension = tractogram_extension(out_tractogram)
    if dtype == "float16" and extension != ".trx":
        raise ValueError(f"--dtype float16: a {extension} holds float32; write a .trx.")


def _report_rejected(plausibility, path: Path) -> None:
    """Log what was rejected; raise ValueError where streamlines are missing."""
    if plausibility is None:
        return
    if plausibility.shortfall:
        box = "give a larger grid as --reference, "
        raise ValueError(
            f"{plausibility.describe_shortfall()}. {path} holds the others: "
            f"{box if plausibility.rejections.get('box') else ''}loosen the criteria, "
            "or raise --max_tries."
        )
    if plausibility.nb_rejected or len(plausibility.criteria) > 1:
        logger.info("%s", plausibility.describe_rejections())
