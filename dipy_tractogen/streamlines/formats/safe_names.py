"""Names of bundles and of values: from any text, and fit for a tractogram."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
import re
import unicodedata

from dipy_tractogen.utils.messages import printable

_LONGEST_MEMBER = 100
_LONGEST_PROPERTY = 20


def true_name(text: object) -> str:
    """Return text as a name: as `printable` has it, with composed letters (NFC).

    macOS may give the name of a file with letters and accents apart.
    """
    return unicodedata.normalize("NFC", printable(text))


def trx_names(names: Sequence[str]) -> tuple[str, ...]:
    """Return different names as those of files in a TRX; names that fit stay.

    They have letters, digits, spaces and ``_-+`` only, at most 100, and differ even
    where case does not count: a dot would end the name, a slash make a folder.
    """

    def fitted(name: str, longest: int) -> str:
        return re.sub(r"[^\w \-+]", "_", name)[:longest].strip() or "_"

    return _distinct(names, fitted, [_LONGEST_MEMBER] * len(names))


def trk_names(widths: Mapping[str, int]) -> tuple[str, ...]:
    """Return different names as those of properties in a TRK; names that fit stay.

    They are ASCII, up to 20 characters, less those that the number of values takes
    (`widths`, by name).
    """

    def fitted(name: str, longest: int) -> str:
        return re.sub(r"[^ -~]", "_", name)[:longest] or "_"

    # The width comes after the name and a zero byte, unless it is one.
    taken = [len(f"\0{width}") if width > 1 else 0 for width in widths.values()]
    return _distinct(
        tuple(widths), fitted, [_LONGEST_PROPERTY - each for each in taken]
    )


def _distinct(
    names: Sequence[str],
    fitted: Callable[[str, int], str],
    longest: Sequence[int],
) -> tuple[str, ...]:
    """Fit names, and number those that would be the same; what fits goes first."""
    fits = [name == fitted(name, most) for name, most in zip(names, longest)]
    chosen: dict[int, str] = {}
    taken: set[str] = set()
    for index in sorted(range(len(names)), key=lambda index: not fits[index]):
        candidate, number = fitted(names[index], longest[index]), 2
        while _folded(candidate) in taken:
            end = f"_{number}"
            candidate = fitted(names[index], longest[index] - len(end)) + end
            number += 1
        taken.add(_folded(candidate))
        chosen[index] = candidate
    return tuple(chosen[index] for index in range(len(names)))


def _folded(name: str) -> str:
    """Return a name as a file system compares it that does not look at the case."""
    return true_name(name).casefold()
