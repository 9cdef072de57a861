import csv

import numpy as np
import pytest

from dipy_tractogen.utils.tables import (
    html_table,
    open_arrays,
    write_arrays,
    write_table,
)


def test_values_are_text_between_tabs(tmp_path):
    path = tmp_path / "table.tsv"
    rows = [("AF_L", 3, 1 / 3, True), ("a\tb\n", 10000000, 1e-9, "")]
    write_table(path, ["name", "n", "share", "state"], iter(rows), force=False)
    assert path.read_bytes() == (
        b"name\tn\tshare\tstate\nAF_L\t3\t0.333333\tTrue\na\\tb\\n\t10000000\t1e-09\t\n"
    )


def test_other_software_reads_the_tables(tmp_path):
    path = tmp_path / "table.tsv"
    names = ['"AF', 'AF "5"', "a, b", "a\tb", "B\udcfcndel", "'x", "é"]
    write_table(
        path, ["name", 'n"'], [(name, 20240131.0) for name in names], force=True
    )
    with open(path, encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream, delimiter="\t"))
    read = ['"AF', 'AF "5"', "a, b", "a\\tb", "B\\xfcndel", "'x", "é"]
    assert rows == [{"name": name, 'n"': "20240131"} for name in read]


def test_large_numbers_keep_their_digits(tmp_path):
    numbers = (20240131.8, 20240131.0, -3.0, 123456.78, 99999.96, 1e300, float("nan"))
    write_table(tmp_path / "a.tsv", ["n"], [(n,) for n in numbers], force=False)
    written = (tmp_path / "a.tsv").read_text(encoding="utf-8").split()[1:]
    expected = ["20240131.8", "20240131", "-3", "123456.8", "100000", "1e+300", "nan"]
    assert written == expected


def test_table_is_whole_or_not_there(tmp_path):
    def broken():
        yield (1,)
        raise ValueError("broken")

    path = tmp_path / "table.tsv"
    with pytest.raises(ValueError, match="broken"):
        write_table(path, ["n"], broken(), force=False)
    assert list(tmp_path.iterdir()) == []
    path.write_text("mine")
    with pytest.raises(FileExistsError):
        write_table(path, ["n"], [(1,)], force=False)
    write_table(path, ["n"], [(1,)], force=True)
    assert path.read_text(encoding="utf-8") == "n\n1\n"


@pytest.mark.parametrize("name", ["a.npz", "a.NPZ", "a.v2.Npz"])
def test_arrays_are_in_the_file_that_is_named(tmp_path, name):
    path = tmp_path / name
    write_arrays(path, {"a": np.arange(3)}, force=False)
    assert [each.name for each in tmp_path.iterdir()] == [name]
    with np.load(path) as arrays:
        assert arrays["a"].tolist() == [0, 1, 2]


def test_text_in_html_is_escaped():
    found = html_table("<b>", [("<script>", 3), ("a\nb", None)], ("&", "x"))
    assert found == (
        "<table><caption>&lt;b&gt;</caption><tr><th>&amp;</th><th>x</th></tr>"
        "<tr><td>&lt;script&gt;</td><td>3</td></tr>"
        "<tr><td>a\\nb</td><td>None</td></tr></table>"
    )


def test_arrays_are_appended_row_by_row(tmp_path):
    rng = np.random.default_rng(0)
    parts = [
        {"z": rng.normal(size=(n, 3)).astype("f4"), "id": np.arange(n), "name": text}
        for n, text in (
            (4, np.array(["a"] * 4)),
            (0, np.array([], "U1")),
            (2, ["bé", ""]),
        )
    ]
    with open_arrays(tmp_path / "a.npz", force=False) as file:
        assert file.is_empty
        for part in parts:
            file.append(part)
    whole = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    write_arrays(tmp_path / "b.npz", whole, force=False)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    with pytest.raises(FileExistsError, match=r"a\.npz"):
        open_arrays(tmp_path / "a.npz", force=False).__enter__()


def test_arrays_that_fail_leave_the_file(tmp_path):
    def write(error):
        with open_arrays(tmp_path / "a.npz", force=True) as file:
            file.append({"z": np.zeros(3)})
            if error is not None:
                raise error

    write(None)
    before = (tmp_path / "a.npz").read_bytes()
    with pytest.raises(ZeroDivisionError):
        write(ZeroDivisionError())
    assert [path.name for path in tmp_path.iterdir()] == ["a.npz"]
    assert (tmp_path / "a.npz").read_bytes() == before
