"""The human bundles that DIPY ships: real data without a network.

Run as ``python -m dipy_tractogen.streamlines.simulation.packaged FOLDER`` to write them
as files.
"""

from __future__ import annotations

from pathlib import Path
import sys

PACKAGED_BUNDLES = ("AF_L", "CC_ForcepsMajor", "CST_R")
"""Names of the packaged bundles: left arcuate, forceps major, right corticospinal."""


def packaged_bundles(folder: str | Path) -> list[Path]:
    """Write the human bundles packaged with DIPY as TRK files.

    Three bundles of five subjects, 50 streamlines of 20 points each, every subject in
    a space of its own; see ``dipy.data.get_fnames(name="minimal_bundles")``.

    Parameters
    ----------
    folder : str or Path
        Where to write ``sub_1/AF_L.trk`` and so on; made if it is not there.

    Returns
    -------
    list of Path
        The fifteen files, sorted.
    """
    from dipy.data.fetcher import extract_example_tracts

    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    extract_example_tracts(folder)
    return sorted(folder.glob("sub_*/*.trk"))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit(
            "usage: python -m dipy_tractogen.streamlines.simulation.packaged FOLDER"
        )
    for path in packaged_bundles(sys.argv[1]):
        sys.stdout.write(f"{path}\n")
