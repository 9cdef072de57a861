"""`dipy_simulate_fibercup`: a FiberCup-like phantom as files."""

from __future__ import annotations

import logging

from dipy_tractogen.streamlines.simulation.parameters import FiberCupParameters

from ..flows.base import TractogenFlow
from ..options.arguments import check_room
from ..options.parameters import with_parameters_of

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

    @with_parameters_of(FiberCupParameters)
    def run(
        self,
        per_bundle: bool = False,
        out_dir: str = "",
        out_tractogram: str = "fibercup.trx",
        out_mask: str = "white_matter.nii.gz",
        out_reference: str = "reference.nii.gz",
        **given,
    ) -> None:
        """Draw seven bundles that follow the FiberCup phantom, and write them.

        The bundles, bundle_1 to bundle_7, bend, cross, kiss and share a trunk in a
        volume of 64 x 64 x 3 voxels of 3 mm. The mask and the image follow from the
        geometry and depend on no random number.

        Parameters
        ----------
        per_bundle : bool, optional
            Write one file a bundle, named after it and of the format of the
            tractogram, in place of one file with all of them.
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
            simulate_fibercup,
        )
        from dipy_tractogen.streamlines.simulation.phantom_volume import save_images
        from dipy_tractogen.utils.files import (
            remove_new_files_on_error,
            tractogram_extension,
        )

        from ..runtime.protection import sidecars

        nb_streamlines, step = given["nb_streamlines"], given["step"]
        points = given["nb_points"] or round(_MEAN_LENGTH / step) + 1
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
        bundles = simulate_fibercup(**given)
        images = [paths["out_mask"], paths["out_reference"]]
        with remove_new_files_on_error([*paths.values(), *sidecars(paths).values()]):
            self._save_tractograms(bundles, [paths[key] for key in tractograms])
            section = {name: given[name] for name in ("radius", "thickness")}
            save_images(*images, **section, force=self.force)
        for path in paths.values():
            logger.info("Wrote %s", path)

    def _save_tractograms(self, bundles, paths: list) -> None:
        """Write all bundles into one file, or each into one that is named after it."""
        from dipy_tractogen.streamlines.formats.writers import save_bundles

        if len(paths) == 1:
            save_bundles(paths[0], bundles, force=self.force)
            return
        options = {"reference": bundles.reference, "force": self.force}
        for code, path in enumerate(paths):
            part = bundles.select(bundles.labels == code)
            save_bundles(path, part.streamlines, **options)


def _check_image(name: str, value: str) -> None:
    if not value.lower().endswith(_IMAGE_EXTENSIONS):
        raise ValueError(
            f"--{name} {value}: give a name that ends with "
            f"{' or '.join(_IMAGE_EXTENSIONS)}."
        )
