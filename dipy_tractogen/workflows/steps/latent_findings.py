"""What an exploration found, and the files that it wrote."""

from __future__ import annotations

from pathlib import Path

from ..runtime.tables import write_table


class LatentFindings:
    """Keeps what was found in a latent space, and lists the files of it.

    Parameters
    ----------
    flow : TractogenFlow
        Says whether files may be overwritten, and goes on without one that cannot be
        written.
    paths : dict of str to Path
        Where each output goes.

    Attributes
    ----------
    optional : callable
        ``TractogenFlow.optional``.
    found : dict
        What was found, as plain values; ``figures`` and ``tables`` list the files, by
        their names beside the JSON.
    """

    def __init__(self, flow, paths: dict[str, Path]):
        self.paths, self.force, self.optional = paths, flow.force, flow.optional
        self.found: dict = {"figures": [], "tables": []}

    def write_table(self, name: str, columns, rows, title: str) -> None:
        """Write a table, and list it.

        Parameters
        ----------
        name : str
            Which of the tables it is.
        columns, rows
            As `tables.write_table` takes them.
        title : str
            Title of the table.
        """
        path = self.paths[f"{name}_tsv"]
        with self.optional(path):
            write_table(path, columns, rows, force=self.force)
            self.found["tables"].append({"file": path.name, "title": title})

    def list_figure(self, path: Path, title: str, alt: str) -> None:
        """List a figure.

        Parameters
        ----------
        path : Path
            The file.
        title : str
            Title of the figure.
        alt : str
            What it shows, for those who do not see it.
        """
        entry = {"file": path.name, "title": title, "alt": alt}
        self.found["figures"].append(entry)
