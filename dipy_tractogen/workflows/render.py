"""`dipy_render_bundles`: pictures of bundles, also of two tractograms side by side."""

from __future__ import annotations

import logging
from pathlib import Path

from .arguments import check_choice, check_int
from .base import TractogenFlow

logger = logging.getLogger("dipy_tractogen")


class RenderBundlesFlow(TractogenFlow):
    """Render bundles into a picture, without a screen."""

    short_name = "render_bundles"

    def run(
        self,
        input_files: list[str],
        compare_with: list[str] | None = None,
        titles: list[str] | None = None,
        color_by: str = "bundle",
        view: list[str] | None = None,
        size: list[int] | None = None,
        max_streamlines: int = 3000,
        background: str = "white",
        bundles_from: str = "auto",
        reference: str = "",
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
        input_files : variable string
            Tractograms, shown in one panel: files, folders or globs of any format that
            DIPY reads.
        compare_with : variable string, optional
            Tractograms shown in a second panel.
        titles : variable string, optional
            Title of each panel. By default the name of the file or of the folder.
        color_by : string, optional
            bundle; direction, that of the streamline at each point (red left to right,
            green front to back, blue up and down); or a number that the file holds for
            each streamline, such as the error_mm of dipy_reconstruct_streamlines.
        view : variable string, optional
            Sides to look from: left, right, front, back, top, bottom; all for left,
            back and top; auto, the default, for the one that shows the two widest axes.
        size : variable int, optional
            Width and height of the picture in pixels. By default what the content
            needs, at most 1600 by 2000.
        max_streamlines : int, optional
            Number of streamlines drawn in each panel, about. Of more, some are chosen
            at random, with the shares of the bundles kept.
        background : string, optional
            white or black.
        bundles_from : string, optional
            Where the names of the bundles come from: stem, the name of the file;
            groups, those of a TRX; auto, groups if there are some and else the stem;
            or a number that the file holds for each streamline.
        reference : string, optional
            File with the common grid, where those in the headers differ.
        seed : int, optional
            Seed of the choice of streamlines.
        out_dir : string, optional
            Output folder.
        out_png : string, optional
            The picture.
        """
        from dipy_tractogen.streamlines.files import expand_inputs
        from dipy_tractogen.viz.cameras import VIEW_CHOICES
        from dipy_tractogen.viz.display import require_rendering
        from dipy_tractogen.viz.layout import check_size

        views = view or ["auto"]
        for name in views:
            check_choice("view", name, VIEW_CHOICES)
        check_choice("background", background, ("white", "black"))
        check_int("max_streamlines", max_streamlines)
        check_int("seed", seed, low=0)
        check_size(size)
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
        require_rendering()
        from dipy_tractogen.viz.figures import render_bundles

        names = titles or [None] * len(inputs)
        if color_by in ("bundle", "direction"):
            options = {"color_by": color_by}
            panels = _panels(inputs, names, bundles_from, reference)
        else:
            options = {"color_by": "value", "value_name": _with_unit(color_by)}
            panels = _valued_panels(inputs, names, color_by)
        render_bundles(
            panels,
            path,
            views=views,
            size=tuple(size) if size else None,
            max_streamlines=max_streamlines,
            seed=seed,
            background=background,
            force=self.force,
            **options,
        )
        logger.info("Wrote %s", path)


def _with_unit(key: str) -> str:
    stem = key.removesuffix("_mm")
    return (f"{stem} (mm)" if stem != key else key).replace("_", " ")


def _listed(files) -> list[str]:
    return [files] if isinstance(files, (str, Path)) else list(files)


def _panels(inputs, names, bundles_from: str, reference: str) -> list:
    from dipy_tractogen.viz.loading import load_panel

    return [
        load_panel(
            files, title=name, bundles_from=bundles_from, reference=reference or None
        )
        for files, name in zip(inputs, names)
    ]


def _valued_panels(inputs, names, key: str) -> list:
    from dipy_tractogen.viz.loading import load_valued_panel

    loaded = [
        load_valued_panel(files, key, title=name) for files, name in zip(inputs, names)
    ]
    keys = set().union(*(found for _, found in loaded))
    if key not in keys:
        has = f"the files have {', '.join(sorted(keys))}" if keys else "there is none"
        raise ValueError(
            f"--color_by {key}: accepted are bundle, direction and a number that the "
            f"files hold for each streamline; {has}."
        )
    return [panel for panel, _ in loaded]
