"""`dipy_render_bundles`: pictures of bundles, also of two tractograms side by side."""

from __future__ import annotations

import logging
from pathlib import Path

from .flows.base import TractogenFlow
from .options.arguments import check_choice

logger = logging.getLogger("dipy_tractogen")

_MOST_IN_PANEL, _MOST_IN_CELL = 3000, 150


class RenderBundlesFlow(TractogenFlow):
    """Render bundles into a picture, without a screen."""

    short_name = "render_bundles"
    advanced = (
        *("titles", "panels", "size", "background", "max_streamlines"),
        *("bundles_from", "reference", "outside_box"),
    )

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
    ) -> None:
        """Render bundles into a PNG, and beside them those of other files.

        Everything has the same camera, scale and colours, so that two tractograms can
        be compared by eye. Letters at the edges tell the sides of the body, and a bar
        the scale. No display is needed where Xvfb is installed.

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
            each streamline, such as the error_mm of dipy_reconstruct_streamlines. The
            streamlines that were reconstructed get the colours of their errors, too.
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
        """
        from dipy_tractogen.utils.files import expand_inputs
        from dipy_tractogen.viz.cameras import VIEW_CHOICES
        from dipy_tractogen.viz.display import require_rendering, require_screen
        from dipy_tractogen.viz.layout import check_size

        views = view or ["auto"]
        for name in views:
            check_choice("view", name, VIEW_CHOICES)
        check_size(size)
        _check_grid(self.given)
        inputs = [_listed(files) for files in (input_files, compare_with) if files]
        if titles and len(titles) != len(inputs):
            raise ValueError(
                f"--titles {' '.join(titles)}: give one title for each panel, "
                f"{len(inputs)} in all."
            )
        if not out_png.lower().endswith(".png"):
            raise ValueError(f"--out_png {out_png}: give a name that ends with .png.")
        for files in inputs:
            expand_inputs(files)
        path = self.outputs(out_dir, out_png=out_png)["out_png"]
        # Asked first, because rendering may start a display that nobody sees.
        if interactive:
            require_screen()
        require_rendering()
        names = titles or [None] * len(inputs)
        if panels != "file":
            self._draw_grid(path, inputs, names)
        else:
            self._draw(path, inputs, names)

    def _draw(self, path, inputs, titles) -> None:
        """Draw panels side by side, and open a window with them if asked."""
        from dipy_tractogen.viz import figures, interactive
        from dipy_tractogen.viz.loading import colour_options, load_panels

        given = self.given
        panels = load_panels(
            inputs,
            titles,
            color_by=given["color_by"],
            bundles_from=given["bundles_from"],
            **self._grid(),
        )
        options = {
            **colour_options(given["color_by"]),
            "max_streamlines": given["max_streamlines"] or _MOST_IN_PANEL,
            "seed": given["seed"],
            "mask": given["mask"] or None,
        }
        views = given["view"] or ["auto"]
        figures.render_bundles(
            panels,
            path,
            views=views,
            size=tuple(given["size"]) if given["size"] else None,
            background=given["background"],
            force=self.force,
            **options,
        )
        logger.info("Wrote %s", path)
        if given["interactive"]:
            logger.info("Close the window to go on")
            options.pop("value_name", None)
            background = figures.BACKGROUNDS[given["background"]]
            interactive.show_bundles(
                panels, view=views[0], background=background, **options
            )

    def _draw_grid(self, path, inputs, titles) -> None:
        """Draw a picture of each bundle, or of each bundle and value."""
        from dipy_tractogen.viz import grid
        from dipy_tractogen.viz.multiples import load_multiples

        given, name = self.given, self.given["panels"]
        rows, columns = load_multiples(
            inputs,
            titles,
            panels=name,
            values=given["values"],
            bundles_from=given["bundles_from"],
            **self._grid(),
        )
        grid.plot_grid(
            rows,
            path,
            column_titles=columns,
            title="" if name == "bundle" else name.replace("_", " "),
            max_streamlines=given["max_streamlines"] or _MOST_IN_CELL,
            view=(given["view"] or ["auto"])[0],
            mask=given["mask"] or None,
            seed=given["seed"],
            force=self.force,
        )
        logger.info("Wrote %s", path)

    def _grid(self) -> dict:
        """Return the options of the grid that holds for all files."""
        given = self.given
        reference = given["reference"] or None
        return {"reference": reference, "out_of_bounds": given["outside_box"]}


def _listed(files) -> list[str]:
    return [files] if isinstance(files, (str, Path)) else list(files)


def _check_grid(given: dict) -> None:
    """Check that all options have an effect on a picture of this kind."""
    panels = given["panels"]
    if panels in ("file", "bundle") and given["values"]:
        values = " ".join(f"{value:g}" for value in given["values"])
        raise ValueError(
            f"--values {values}: they are the columns of --panels length or the like, "
            f"not of --panels {panels}."
        )
    if panels == "file":
        return
    others = {
        "color_by": given["color_by"] != "bundle",
        "size": bool(given["size"]),
        "background": given["background"] != "white",
        "interactive": given["interactive"],
        "view": len(given["view"] or ()) > 1 or given["view"] == ["all"],
    }
    for name, is_given in others.items():
        if is_given:
            what = "several sides by --view" if name == "view" else f"--{name}"
            raise ValueError(f"{what} and --panels {panels}: leave out one of them.")
