import pytest

from dipy_tractogen.nn import VAE, load_model
from dipy_tractogen.nn.archive.card import (
    CARD_TEXTS,
    OVERALL,
    card_markdown,
    card_sections,
    measures_of,
    read_card,
)
from dipy_tractogen.streamlines.simulation.phantom import simulate_fibercup

MEASURED = {"precision": 0.91, "recall": 0.92, "density": None, "coverage": 0.94}
ENTRY = {
    "generated": {**MEASURED, "c2st_both": 0.61, "dice": 0.5},
    "real": {**MEASURED, "precision": 0.97, "c2st_both": 0.5},
}


@pytest.fixture(scope="module")
def model():
    made = VAE(24, 4, backbone_options={"hidden_units": (16,)})
    made.fit(simulate_fibercup(8, seed=0), epochs=1)
    return made


def test_card_of_any_model_says_what_its_training_recorded(model):
    sections = {name: dict(each) for name, each in card_sections(model).items()}
    assert sections["Training data"]["Bundles"] == "7 bundles, 56 streamlines"
    assert sections["Space"]["Space"] == "not stated"
    assert "voxels" in sections["Space"]["Grid"]
    assert "dipy_share_model" in str(sections["Model details"])


def test_card_is_kept_and_shared(model, tmp_path):
    report = {"overall": ENTRY, "bundles": {"a": ENTRY}}
    model.record.card = {"licence": "MIT", "measures": measures_of(report)}
    model.save(tmp_path / "m.keras")
    text = card_markdown(load_model(tmp_path / "m.keras"))
    assert "- **Licence**: MIT" in text
    assert "| a | 0.910 (0.970) | 0.920 (0.920) | - (-) | 0.940 (0.940) |" in text
    assert "both 0.610 (0.500)" in text
    assert model.record.card["measures"][OVERALL]["precision"] == [0.91, 0.97]


def test_text_of_a_file_is_no_markup(model):
    model.record.card = {"name": "a|b\n# <c> [d](e)"}
    assert card_markdown(model).startswith("# a\\|b # \\<c\\> \\[d\\](e)\n\n## Model")
    assert card_markdown(model, escape=False).startswith("# a|b # <c> [d](e)\n")


def test_card_is_read_from_toml(tmp_path):
    path = tmp_path / "card.toml"
    path.write_text('name = "A"\nlimitations = """\nOne.\nTwo.\n"""\n')
    assert read_card(path) == {"name": "A", "limitations": "One.\nTwo."}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"name = 3", "name is 3; expected text"),
        (b'colour = "red"', f"with colour; expected {', '.join(CARD_TEXTS)}"),
        (b"name =", "model card in TOML"),
        (b'name = "\xff"', "model card in TOML"),
        (b"#" * (2**20 + 1), "too large"),
        (b"a = " + b"[" * 5000, "model card in TOML"),
    ],
)
def test_other_files_are_refused(tmp_path, content, said):
    path = tmp_path / "card.toml"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=said):
        read_card(path)
