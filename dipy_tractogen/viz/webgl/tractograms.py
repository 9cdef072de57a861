"""Interactive scenes of tractogram files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from dipy_tractogen.utils.files import expand_inputs
from dipy_tractogen.utils.messages import check_choice

from ..cameras import VIEW_CHOICES
from ..loading import load_panels
from ..panels import share_errors
from ..tractograms import Files, titled_inputs
from .page import write_scene
from .plot import require_k3d


def write_tractogram_scene(
    input_files: Files,
    path: str | Path,
    *,
    compare_with: Files | None = None,
    titles: Sequence[str] | None = None,
    bundles_from: str = "auto",
    reference: str | Path | None = None,
    outside_box: str = "keep",
    maps: Mapping[str, str | Path] | None = None,
    **options,
) -> Path:
    """Write an interactive scene of tractograms, and of those they are compared with.

    It can be coloured by every number that the files hold for each streamline or point;
    the streamlines that were reconstructed get the errors of their reconstructions.

    Parameters
    ----------
    input_files, compare_with : str, Path or sequence of these
        Tractograms of the first and the second panel: files, folders or globs.
    path : str or Path
        The HTML file.
    titles : sequence of str, optional
        Title of each panel; by default the name of the file or of the folder.
    bundles_from, reference, outside_box : optional
        As for `load_bundles`; streamlines that leave the box are kept by default.
    maps : mapping of str to str or Path, optional
        Images of values by name, to colour by, as for `load_bundles`.
    **options
        Those of `write_scene`.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    ImportError
        If K3D is not installed.
    ValueError
        If an argument is not accepted.
    OSError
        If a file cannot be read or written.
    """
    inputs, titles = titled_inputs(input_files, compare_with, titles)
    check_choice("view", options.get("view", "auto"), VIEW_CHOICES)
    for files in inputs:
        expand_inputs(files)
    require_k3d()
    loading = {"bundles_from": bundles_from, "reference": reference, "keep_data": True}
    loading |= {"out_of_bounds": outside_box, "maps": maps}
    panels = load_panels(inputs, titles, **loading)
    title = " and ".join(panel.title for panel in panels)
    share_errors(panels)
    return write_scene(panels, path, title=title, **options)
