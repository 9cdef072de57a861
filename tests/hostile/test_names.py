"""Good files with names that mean something to a shell, a page, a table or a figure."""

import os
import shutil

import pytest

from .roles import CHEAP, command_line, in_turn

NAMES = {
    "a newline": "bundle\n1",
    "escapes": "bundle\x1b[31m\x07\x08",
    "quotes": "'bundle\" 1'",
    "mathematics": r"$\frac{1}{bundle$_1^{",
    "markup": "<img src=x onerror=alert(1)>&amp;",
    "commands": "$(touch crafted);`ls`|x&",
    "an option": "--force",
    "a dash": "-",
    "a glob": "bundle[1]*?{a,b}",
    "percent": "%s%d%(x)s%201%n",
    "braces": "{0}{x!r}{",
    "dots": "...bundle.1..",
    "spaces": "  bundle 1  ",
    "a tab": "bundle\t1",
    "a backslash": "bundle\\1\\",
    "right to left": "\u202ebundle\u0000".rstrip("\0"),
    "accents": "fasciculus_\u00fc\u0301_\u6f22\U0001f9e0",
    "not in UTF-8": os.fsdecode(b"b\xfcndel\xff"),
    "a name of Windows": "CON",
    "a URL": "file:bundle?mode=memory&x#y",
    "a long one": "b" * 230,
    "missing": "nan",
    "none": "None",
    "a number": "1e400",
    "all": "overall",
    "lines": "bundle\u2028\u2029\x85\x0c1",
}
QUICK = [role for role in CHEAP if "reference" not in role]
SLOW = ("render", "train_cvae", "report, real_files", "render, compare_with")
TURNS = in_turn(NAMES, QUICK)
TURNS += in_turn([*NAMES][::5], SLOW)


@pytest.mark.parametrize(("kind", "role"), TURNS)
def test_name_of_a_file(attempt, good, kind, role):
    """A model may not know the bundle; the name is no reason to fail."""
    path = attempt.given / f"{NAMES[kind]}.trk"
    shutil.copy(good.bundles[0], path)
    attempt(*command_line(role, good, path), codes=(0, 1, 3))
