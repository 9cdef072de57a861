import logging

import pytest

from dipy_tractogen.utils.files import (
    atomic_write,
    check_outputs,
    expand_inputs,
    remove_new_folders_on_error,
    split_extension,
    tractogram_extension,
)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("AF_L.trk", ("AF_L", ".trk")),
        ("folder.v1/AF_L.v2.TRX", ("AF_L.v2", ".TRX")),
        ("fa.nii.gz", ("fa", ".nii.gz")),
        ("FA.NII.GZ", ("FA", ".NII.GZ")),
        ("bundle", ("bundle", "")),
        (".trk", (".trk", "")),
    ],
)
def test_stem_and_extension(name, expected):
    assert split_extension(name) == expected


def test_tractogram_extension_ignores_case_and_names_the_accepted():
    assert tractogram_extension("a.TCK") == ".tck"
    with pytest.raises(ValueError, match=r"x\.nii\.gz.*\.trk, \.tck, \.trx"):
        tractogram_extension("x.nii.gz")
    with pytest.raises(ValueError, match="no extension"):
        tractogram_extension("bundle")


@pytest.fixture
def folder(tmp_path):
    for name in ("b.trk", "a.trx", "notes.txt", ".hidden.trk", "c.TCK"):
        (tmp_path / name).touch()
    (tmp_path / "folder.trk").mkdir()
    return tmp_path


def test_folder_stands_for_its_tractograms_in_order(folder):
    names = [path.name for path in expand_inputs(folder)]
    assert names == ["a.trx", "b.trk", "c.TCK"]


def test_glob_and_files_keep_the_order_given(folder):
    found = expand_inputs([folder / "c.TCK", str(folder / "*.tr[kx]")][:1])
    assert [path.name for path in found] == ["c.TCK"]
    found = expand_inputs([folder / "c.TCK", str(folder / "?.tr[kx]")])
    assert [path.name for path in found] == ["c.TCK", "a.trx", "b.trk"]


def test_a_name_with_brackets_is_a_file_first(tmp_path):
    (tmp_path / "AF[1].trk").touch()
    assert expand_inputs(tmp_path / "AF[1].trk") == [tmp_path / "AF[1].trk"]


@pytest.mark.parametrize("name", ["run [1]", "what?", "a*b"])
def test_folders_that_are_there_stand_for_themselves_in_a_glob(tmp_path, name):
    for folder in (name, "run 1", "whats", "aab"):
        (tmp_path / folder / "deep").mkdir(parents=True)
        (tmp_path / folder / "deep" / "AF.trk").touch()
    expected = [tmp_path / name / "deep" / "AF.trk"]
    assert expand_inputs(tmp_path / name / "d*" / "*.trk") == expected
    assert expand_inputs(tmp_path / name / "**" / "*.trk") == expected


def test_file_named_twice_is_read_once(folder, caplog):
    with caplog.at_level(logging.WARNING, logger="dipy_tractogen"):
        found = expand_inputs(
            [folder / "b.trk", folder / "folder.trk" / ".." / "b.trk"]
        )
    assert found == [folder / "b.trk"]
    assert "named twice" in caplog.text


@pytest.mark.parametrize(
    ("inputs", "error", "message"),
    [
        (["missing.trk"], FileNotFoundError, r"missing\.trk does not exist"),
        (["*.vtk"], FileNotFoundError, r"no file matches .*\*\.vtk"),
        (["notes.txt"], ValueError, r"notes\.txt has the extension '\.txt'"),
        (["folder.trk"], ValueError, r"holds no tractogram.*folder\.trk/\*\*/\*\.trx"),
    ],
)
def test_inputs_that_are_none(folder, inputs, error, message):
    with pytest.raises(error, match=message) as caught:
        expand_inputs([folder / name for name in inputs])
    assert "\n" not in str(caught.value)


def test_no_input_at_all():
    with pytest.raises(ValueError, match="no input is given"):
        expand_inputs([])


def test_replacing_gives_the_name_at_the_end(tmp_path):
    final = tmp_path / "new" / "fa.nii.gz"
    with atomic_write(final) as temporary:
        temporary.write_text("whole")
        assert temporary.name.endswith(".nii.gz")
        assert temporary.parent == final.parent
        assert not final.exists()
    assert final.read_text(encoding="utf-8") == "whole"
    assert list(final.parent.iterdir()) == [final]


def test_replacing_leaves_nothing_when_the_body_raises(tmp_path):
    final = tmp_path / "a.trx"
    final.write_text("old")

    def write_half():
        with atomic_write(final, force=True) as temporary:
            temporary.write_text("half")
            raise RuntimeError("stopped")

    with pytest.raises(RuntimeError, match="stopped"):
        write_half()
    assert final.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [final]


def test_replacing_refuses_an_existing_file_before_the_body(tmp_path):
    final = tmp_path / "a.trx"
    final.write_text("old")
    with (
        pytest.raises(FileExistsError, match=r"a\.trx exists: give force=True"),
        atomic_write(final),
    ):
        final.write_text("reached")
    assert final.read_text(encoding="utf-8") == "old"


def test_replacing_wants_a_file_in_the_end(tmp_path):
    with (
        pytest.raises(OSError, match="could not be written"),
        atomic_write(tmp_path / "a"),
    ):
        pass


def test_outputs_create_their_folder_and_leave_nothing_else(tmp_path):
    output = tmp_path / "new" / "deep" / "a.trx"
    assert check_outputs([output]) == [output]
    assert list(output.parent.iterdir()) == []


def test_outputs_that_exist_are_all_named(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).touch()
    outputs = [tmp_path / name for name in "abc"]
    with pytest.raises(
        FileExistsError, match=r"a, .*b exist: give force=True"
    ) as caught:
        check_outputs(outputs)
    assert str(outputs[2]) not in str(caught.value)
    assert check_outputs(outputs, force=True) == outputs


def test_outputs_in_a_file_instead_of_a_folder(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match=r"cannot be a folder, as there is a file"):
        check_outputs(tmp_path / "file" / "a.trx")


def test_outputs_in_a_folder_without_permission(tmp_path, monkeypatch):
    def refuse(**_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.TemporaryFile", refuse)
    with pytest.raises(PermissionError, match=r"cannot be written \(Permission denied"):
        check_outputs(tmp_path / "a.trx")


def test_output_that_is_a_folder(tmp_path):
    with pytest.raises(IsADirectoryError, match="name of a file"):
        check_outputs(tmp_path, force=True)


def test_longest_name_is_written_and_a_longer_one_refused(tmp_path):
    for name in ("a" * 251 + ".trx", "\U0001f9e0" * 62 + ".trx"):
        with atomic_write(tmp_path / name) as temporary:
            temporary.write_text("mine")
        assert (tmp_path / name).read_text() == "mine"
    with pytest.raises(OSError, match="name too long"):
        check_outputs(tmp_path / ("a" * 252 + ".trx"))


@pytest.mark.parametrize(
    "names", [["new/a.trx", "new/."], ["new/.."], ["new/a/b.trx", "new/a"]]
)
def test_output_that_becomes_a_folder(tmp_path, names):
    with (
        pytest.raises(IsADirectoryError, match="name of a file"),
        remove_new_folders_on_error(),
    ):
        check_outputs([tmp_path / name for name in names])
    assert not list(tmp_path.iterdir())


def test_two_outputs_with_one_name(tmp_path):
    with pytest.raises(ValueError, match="two outputs have one name"):
        check_outputs([tmp_path / "a", tmp_path / "a"])
