"""`dipy_simulate_fibercup`: a FiberCup-like phantom as files."""

from __future__ import annotations

import logging

from .flows.base import TractogenFlow
from .runtime.room import check_room

logger = logging.getLogger("dipy_tractogen")

# Of the bundles of the phantom, in mm.
_MEAN_LENGTH = 75
_IMAGE_EXTENSIONS = (".nii", ".nii.gz")


class SimulateFiberCupFlow(TractogenFlow):
    """Simulate a FiberCup-like phantom :footcite:p:`Fillard2011`.

    References
    ----------
    .. footbibliography::
    """

    short_name = "simulate_fibercup"

    def run(
        self,
        nb_streamlines: int = 300,
        radius: float = 6.5,
        thickness: float = 9.0,
        curvature_noise: float = 1.0,
        varying_ends: float = 0.5,
        nb_points: int | None = None,
        step: float = 1.0,
        per_bundle: bool = False,
        seed: int = 0,
        out_dir: str = "",
        out_tractogram: str = "fibercup.trx",
        out_mask: str = "white_matter.nii.gz",
        out_reference: str = "reference.nii.gz",
    ) -> None:
        """Draw seven bundles that follow the FiberCup phantom, and write them.

        The bundles, bundle_1 to bundle_7, bend, cross, kiss and share a trunk in a
        volume of 64 x 64 x 3 voxels of 3 mm. The mask and the image follow from the
        geometry and depend on no random number.

        Parameters
        ----------
        nb_streamlines : int, optional
            Number of streamlines in each of the seven bundles.
        radius : float, optional
            Half width of a bundle in the plane, in mm, at most 15.
        thickness : float, optional
            Full width of a bundle out of the plane, in mm, at most 9.
        curvature_noise : float, optional
            Root mean square, in mm, of a smooth displacement of each streamline
            within its bundle, at most the radius.
        varying_ends : float, optional
            Share of the length of a bundle over which its streamlines start and
            stop, half of it at either end, from 0 to 0.9.
        nb_points : int, optional
            Number of points in each streamline. By default it follows from the step.
        step : float, optional
            Distance between points where no number is given, in mm, at least 0.05.
        per_bundle : bool, optional
            Write one file a bundle, named after it and of the format of the
            tractogram, in place of one file with all of them.
        seed : int, optional
            Seed of the random numbers.
        out_dir : string, optional
            Output folder.
        out_tractogram : string, optional
            Tractogram, in any format of DIPY; TRX holds the bundles as groups.
        out_mask : string, optional
            Mask of the white matter, .nii or .nii.gz.
        out_reference : string, optional
            T1-like image, .nii or .nii.gz.
        """
        from dipy_tractogen.streamlines.simulation.phantom import (
            BUNDLE_NAMES,
            check_parameters,
            simulate_fibercup,
        )
        from dipy_tractogen.streamlines.simulation.phantom_volume import save_images
        from dipy_tractogen.utils.files import (
            remove_new_files_on_error,
            tractogram_extension,
        )

        from .runtime.protection import sidecars

        section = {"radius": radius, "thickness": thickness}
        parameters = {
            "nb_streamlines": nb_streamlines,
            "curvature_noise": curvature_noise,
            "varying_ends": varying_ends,
            "nb_points": nb_points,
            "step": step,
            "seed": seed,
            **section,
        }
        check_parameters(**parameters)
        points = nb_points or round(_MEAN_LENGTH / step) + 1
        size = len(BUNDLE_NAMES) * nb_streamlines * points * 12
        check_room(out_dir, f"--nb_streamlines {nb_streamlines}", size)
        for name, value in (("mask", out_mask), ("reference", out_reference)):
            _check_image(f"out_{name}", value)
        tractograms = {"out_tractogram": out_tractogram}
        extension = tractogram_extension(out_tractogram)
        if per_bundle:
            tractograms = {name: f"{name}{extension}" for name in BUNDLE_NAMES}
        paths = self.outputs(
            out_dir, **tractograms, out_mask=out_mask, out_reference=out_reference
        )
        bundles = simulate_fibercup(**parameters)
        images = [paths["out_mask"], paths["out_reference"]]
        with remove_new_files_on_error([*paths.values(), *sidecars(paths).values()]):
            self._save_tractograms(bundles, [paths[key] for key in tractograms])
            save_images(*images, **section, force=self.force)
        for path in paths.values():
            logger.info("Wrote %s", path)

    def _save_tractograms(self, bundles, paths: list) -> None:
        """Write all bundles into one file, or each into one that is named after it."""
        from dipy_tractogen.streamlines.formats.writers import save_bundles

        options = {"reference": bundles.reference, "force": self.force}
        if len(paths) == 1:
            options |= {"labels": bundles.labels, "bundle_names": bundles.bundle_names}
            save_bundles(paths[0], bundles.streamlines, **options)
            return
        for code, path in enumerate(paths):
            part = bundles.select(bundles.labels == code)
            save_bundles(path, part.streamlines, **options)


def _check_image(name: str, value: str) -> None:
    if not value.lower().endswith(_IMAGE_EXTENSIONS):
        raise ValueError(
            f"--{name} {value}: give a name that ends with "
            f"{' or '.join(_IMAGE_EXTENSIONS)}."
        )
