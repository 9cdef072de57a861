"""`dipy_render_bundles`: pictures of bundles, also of two tractograms side by side."""

from __future__ import annotations

import logging

from .flows.base import TractogenFlow
from .options.loading import MapOptions, maps_of
from .options.parameters import with_parameters_of

logger = logging.getLogger("dipy_tractogen")


class RenderBundlesFlow(TractogenFlow):
    """Render bundles into a picture, without a screen."""

    short_name = "render_bundles"
    advanced = (
        *("titles", "panels", "size", "background", "max_streamlines"),
        *("bundles_from", "reference", "outside_box"),
    )

    @with_parameters_of(MapOptions)
    def run(
        self,
        input_files: list[str],
        compare_with: list[str] | None = None,
        titles: list[str] | None = None,
        panels: str = "file",
        values: list[float] | None = None,
        color_by: str = "bundle",
        view: list[str] | None = None,
        mask: str = "",
        size: list[int] | None = None,
        max_streamlines: int | None = None,
        background: str = "white",
        interactive: bool = False,
        bundles_from: str = "auto",
        reference: str = "",
        outside_box: str = "keep",
        seed: int = 0,
        out_dir: str = "",
        out_png: str = "scene.png",
        out_html: str = "",
        **given,
    ) -> None:
        """Render bundles into a PNG, and beside them those of other files.

        Everything has the same camera, scale and colours, so that two tractograms can
        be compared by eye. Letters at the edges tell the sides of the body, and a bar
        the scale. No display is needed where Xvfb is installed.

        With out_html, they are written into a page instead, to be turned in a browser.

        Parameters
        ----------
        input_files : variable string or Path
            Tractograms, shown in one panel: files, folders or globs of any format that
            DIPY reads.
        compare_with : variable string or Path, optional
            Tractograms shown in a second panel.
        titles : variable string, optional
            Title of each panel. By default the name of the file or of the folder.
        panels : string, optional
            What there is a picture of: file, the input files and those they are
            compared with; bundle, each bundle by itself, in a row; or the name of a
            number, length, curvature, tortuosity or one that the files hold for each
            streamline, with a row for each bundle and a column for each of the values.
        values : variable float, optional
            Numbers of the columns, such as 80 100 120: each shows the streamlines that
            are nearer to it than to the others. By default the 10th, 50th and 90th
            percentile.
        color_by : string, optional
            bundle; direction, that of the streamline at each point (red left to right,
            green front to back, blue up and down); or a number that the file holds for
            each streamline, such as the error_mm of dipy_reconstruct_streamlines, or
            for each point, such as FA, or that --maps have. The streamlines that were
            reconstructed get the colours of their errors, too.
        view : variable string, optional
            Sides to look from: left, right, front, back, top, bottom; all for left,
            back and top; auto, the default, for the one that shows the two widest axes.
        mask : string or Path, optional
            Image that is not zero in the brain: its surface is drawn as of glass.
        size : variable int, optional
            Width and height of the picture in pixels. By default what the content
            needs, at most 1600 by 2000.
        max_streamlines : int, optional
            Number of streamlines drawn in each panel, about, by default 3000, or 150 in
            each picture of a bundle. Of more, some are chosen at random, with the
            shares of the bundles kept.
        background : string, optional
            white or black.
        interactive : bool, optional
            Open a window to look around in as well, where there is a display.
        bundles_from : string, optional
            Where the names of the bundles come from: stem, the name of the file;
            groups, those of a TRX; auto, groups if there are some and else the stem;
            or a number that the file holds for each streamline.
        reference : string or Path, optional
            File with the common grid, where those in the headers differ.
        outside_box : string, optional
            Streamlines that leave the bounding box of the grid: drop, keep or error. By
            default they are drawn, as a picture is where one would want to see them.
        seed : int, optional
            Seed of the choice of streamlines.
        out_dir : string, optional
            Output folder.
        out_png : string, optional
            The picture.
        out_html : string, optional
            Instead of the picture, an HTML page whose streamlines can be turned, whose
            bundles can be switched off, and whose colours can be chosen. It loads
            nothing, so that it can be sent. Needs K3D.
        """
        if out_html:
            self._write_scene(out_dir)
            return
        if not out_png.lower().endswith(".png"):
            raise ValueError(f"--out_png {out_png}: give a name that ends with .png.")
        path = self.outputs(out_dir, out_png=out_png)["out_png"]

        from dipy_tractogen.viz.tractograms import render_tractograms

        render_tractograms(
            input_files,
            path,
            compare_with=compare_with,
            titles=titles,
            panels=panels,
            values=values,
            color_by=color_by,
            view=view or ["auto"],
            mask=mask or None,
            size=size,
            max_streamlines=max_streamlines,
            background=background,
            interactive=interactive,
            bundles_from=bundles_from,
            reference=reference or None,
            outside_box=outside_box,
            maps=maps_of(given),
            seed=seed,
            force=self.force,
        )
        logger.info("Wrote %s", path)

    def _write_scene(self, out_dir: str) -> None:
        """Write the page of an interactive scene."""
        given = self.given
        name, view = given["out_html"], given["view"] or ["auto"]
        if not name.lower().endswith((".html", ".htm")):
            raise ValueError(f"--out_html {name}: give a name that ends with .html.")
        for option, default in _OF_PICTURES.items():
            if given[option] != default:
                raise ValueError(
                    f"--{option} has no effect on an interactive scene: leave out it "
                    "or --out_html."
                )
        if len(view) > 1 or view == ["all"]:
            raise ValueError(f"--view {' '.join(view)}: with --out_html give one side.")
        path = self.outputs(out_dir, out_html=name)["out_html"]

        from dipy_tractogen.viz.webgl.tractograms import write_tractogram_scene

        write_tractogram_scene(
            given["input_files"],
            path,
            compare_with=given["compare_with"],
            view=view[0],
            reference=given["reference"] or None,
            maps=maps_of(given),
            force=self.force,
            **{option: given[option] for option in _OF_SCENES},
        )
        logger.info("Wrote %s", path)


# Options of pictures alone, with their defaults, and those that scenes have as well.
_OF_PICTURES = {"panels": "file", "values": None, "size": None}
_OF_PICTURES |= {"interactive": False, "out_png": "scene.png"}
_OF_SCENES = ("titles", "color_by", "max_streamlines", "background", "bundles_from")
_OF_SCENES += ("mask",)
_OF_SCENES += ("outside_box", "seed")
