"""What the latent dimensions hold: from the JSON file of dipy_explore_latent."""

from __future__ import annotations

from .content import Column, Table, number_cell, text_cell

_UNITS = {
    "variance": "of its mean over the streamlines; a dimension that is not used has 0",
    "deviation": "of the posterior, as root mean square; 1 where it says nothing",
    "kl": "mean divergence from the prior, in nats",
    "displacement_mm": "how far points move along its traversal, in mm",
}
_CORRELATION = "rank correlation with the {} of the streamlines"
_MEASURES = {
    "interpretability": "R2 of the attribute on its best dimension",
    "scc": "largest rank correlation with a dimension",
    "mig": "mutual information gap between the best and the second dimension",
    "sap": "gap of R2 between the best and the second dimension",
}


def latent_tables(latent: dict) -> list[Table]:
    """Describe each latent dimension, and how attributes are told apart.

    Parameters
    ----------
    latent : dict
        What dipy_explore_latent found; empty where it is not known.

    Returns
    -------
    list of Table
        A row a dimension, and a row an attribute; those there are.
    """
    return [
        make(latent)
        for key, make in (("units", _units), ("disentanglement", _attributes))
        if latent.get(key)
    ]


def _units(latent: dict) -> Table:
    moved = latent.get("traversal", {}).get("displacement_mm", {})
    correlations = latent.get("correlations", {})
    attributes = correlations.get("attributes", [])
    columns = [
        Column("dimension", numeric=False),
        Column("active", numeric=False),
        *(Column(_heading(name), meaning=text) for name, text in _UNITS.items()),
        *(Column(name, meaning=_CORRELATION.format(name)) for name in attributes),
    ]
    rows = []
    for unit in latent["units"]:
        name = unit["dimension"]
        found = {**unit, "displacement_mm": moved.get(name)}
        along = correlations.get("values", {}).get(name, [None] * len(attributes))
        rows.append(
            [
                text_cell(name),
                text_cell("yes" if unit.get("active") else "no"),
                *(number_cell(found.get(key), 2) for key in _UNITS),
                *(number_cell(value, 2) for value in along),
            ]
        )
    return Table("units", "Latent dimensions", columns, rows)


def _attributes(latent: dict) -> Table:
    measured = latent["disentanglement"]
    given = {name: measured[name] for name in _MEASURES if measured.get(name)}
    columns = [
        Column("attribute", numeric=False),
        *(
            Column(name if name == "interpretability" else name.upper(), meaning=text)
            for name, text in _MEASURES.items()
            if name in given
        ),
    ]
    attributes = dict.fromkeys(name for values in given.values() for name in values)
    rows = [
        [text_cell(name), *(number_cell(each.get(name)) for each in given.values())]
        for name in attributes
    ]
    return Table("attributes", "How attributes are told apart", columns, rows)


def _heading(name: str) -> str:
    return {"kl": "KL (nats)", "displacement_mm": "moves (mm)"}.get(name, name)
