"""Figures and tables of a report, before they become a page."""

from dipy_tractogen.viz.report import evaluation_tables, model_tables
from dipy_tractogen.viz.report.content import readable_entries
from dipy_tractogen.viz.report.model_tables import latent_tables, reconstruction_table


def cells(table, column):
    number = [each.title for each in table.columns].index(column)
    return [row[number] for row in (*table.rows, table.total) if row]


def test_streamlines_by_bundle(inputs):
    table = model_tables.bundle_table(inputs.model, inputs.generated.counts())
    assert [cell.value for cell in cells(table, "training")] == [1200, 30, 400, 1630]
    assert [cell.value for cell in cells(table, "held out")] == [0, 7, 0, 7]
    assert [cell.text for cell in cells(table, "generated")] == ["12", "12", "12", "36"]
    assert cells(table, "longest (mm)")[-1].value == 90.0
    alone = model_tables.bundle_table(inputs.model, {})
    assert "generated" not in [each.title for each in alone.columns]


def test_quality_stands_beside_real(inputs):
    found = evaluation_tables.evaluation_tables(inputs.metrics)
    quality, texture, asked, thresholds = found
    recall = cells(quality, "recall")
    assert [cell.text for cell in recall] == ["0.90", "0.61", "0.95", "0.92"]
    assert recall[1].notes == ["0.59\N{EN DASH}0.63", "real 0.97"]
    assert [bool(cell.mark) for cell in recall] == [False, True, False, False]
    assert cells(texture, "mean length (mm)")[0].notes == ["real 51.0"]
    # What nothing is known of has no column, or no table.
    assert [each.title for each in texture.columns] == [
        *("bundle", "mean length (mm)", "novelty")
    ]
    assert [[cell.text for cell in row] for row in asked.rows] == [
        ["length", "all", "mm", "100", "0.990", "0.500"],
        ["length", "bundle_10", "mm", "9", "\N{EN DASH}", "0.700"],
    ]
    assert [cell.text for cell in thresholds.rows[0]] == [
        *("recall", "all", ">=0.99", "0.920", "no")
    ]


def test_profiles_stand_beside_real():
    sides = {"generated": {"w1": 1.234e-5}, "real": {"w1": None}}
    profiles = {"values": {"MD": {"overall": sides, "bundles": {"CC": sides}}}}
    entry = {"generated": {}, "real": {}}
    metrics = {"overall": entry, "bundles": {}, "profiles": profiles}
    table = evaluation_tables.evaluation_tables(metrics)[-1]
    assert [cell.text for cell in cells(table, "bundle")] == ["all", "CC"]
    assert [cell.text for cell in cells(table, "w1")] == 2 * ["1.23e-05"]
    assert [cell.text for cell in cells(table, "w1, real")] == 2 * ["\N{EN DASH}"]


def test_little_repetition_is_no_fault(inputs):
    entry = dict(inputs.metrics["overall"])
    for kind, value in (("generated", 0.0), ("real", 0.9)):
        entry[kind] = {**entry[kind], "repetition": value}
    quality = evaluation_tables.evaluation_tables({"overall": entry, "bundles": {}})[0]
    assert cells(quality, "repetition")[0].text == "0.00"
    assert cells(quality, "repetition")[0].mark == ""


def test_latent_dimensions():
    latent = {
        "units": [{"dimension": "z0", "variance": 0.5, "active": True, "kl": -0.001}],
        "traversal": {"displacement_mm": {"z0": 12.0}},
        "correlations": {"attributes": ["length"], "values": {"z0": [0.25]}},
        "disentanglement": {"sap": {"length": 0.5}, "modularity": 0.9},
    }
    units, attributes = latent_tables(latent)
    titles = [column.title for column in units.columns]
    row = dict(zip(titles, (cell.text for cell in units.rows[0])))
    assert row["active"] == "yes"
    assert row["KL (nats)"] == "0.00"
    assert row["moves (mm)"] == "12.00"
    assert row["length"] == "0.25"
    assert row["deviation"] == "\N{EN DASH}"
    assert [cell.text for cell in attributes.rows[0]] == ["length", "0.500"]
    assert latent_tables({}) == []


def test_errors_of_the_reconstruction(inputs):
    table = reconstruction_table(inputs.reconstructed)
    assert [cell.value for cell in cells(table, "streamlines")] == [12, 12, 12, 36]
    assert [cell.text for cell in cells(table, "largest (mm)")] == [
        *("0.31", "0.66", "1.00", "1.00")
    ]
    assert cells(table, "mean (mm)")[-1].text == "0.50"


def test_cards(inputs):
    cards = [
        *model_tables.training_cards(inputs.model),
        *model_tables.generation_cards({"seconds": 2.0}, inputs.generated),
        *evaluation_tables.evaluation_cards(inputs.metrics),
    ]
    shown = {card.name: (card.value, card.note) for card in cards}
    assert shown["Held-out point error"] == ("0.50 mm", "95th percentile 1.25 mm")
    assert shown["Training time"] == ("40 s", "40 steps")
    assert shown["Generated streamlines"] == ("36", "in 2.0 s")
    assert shown["Recall"] == ("0.920", "real 0.970")
    assert shown["Point error, real files"] == ("0.60 mm", "95th percentile 1.50 mm")
    assert shown["Mean length"] == ("50.0 mm", "real 51.0")


def test_values_as_text():
    values = {"a_b": True, "c": 0.1234567, "d": None, "e": [1, "x"], "f": ["x", "y"]}
    assert readable_entries({**values, "g": {"h": 2}}) == [
        ("a b", "yes"),
        ("c", "0.123457"),
        ("e", '[1, "x"]'),
        ("f", "x, y"),
        ("g", "h 2"),
    ]
