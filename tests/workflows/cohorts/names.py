"""Names as the schema of BIDS has them, beside those that .bidsignore takes out."""

from fnmatch import fnmatch
import re

ENTITIES = ("ses", "acq", "rec", "dir", "run", "space", "tract", "hemi", "track")
NAME = re.compile(
    r"sub-[0-9A-Za-z+]+"
    + "".join(rf"(_{key}-[0-9A-Za-z+]+)?" for key in (*ENTITIES, "desc"))
    + r"_[0-9A-Za-z]+(\.[a-z]+)+"
)
KNOWN = re.compile(
    r"dataset_description\.json|README|scans\.json|participants\.(tsv|json)|"
    r"(?P<folder>sub-[^/]+(/ses-[^/]+)?)/(?P<stem>[^/]+)_scans\.tsv"
)


def faults(root):
    """Tell which files are neither of BIDS, nor ignored, nor named as others are."""
    ignored = (root / ".bidsignore").read_text(encoding="utf-8").split()
    found = []
    for path in sorted(root.rglob("*")):
        place = path.relative_to(root).as_posix()
        if path.is_dir() or place.startswith((".", "logs/")):
            continue
        known = KNOWN.fullmatch(place)
        if known and known["stem"]:
            known = known["stem"] == known["folder"].replace("/", "_")
        if not known and not any(fnmatch(path.name, one) for one in ignored):
            found.append(f"{place} is not of BIDS, and not ignored")
        if place.startswith("sub-") and not NAME.fullmatch(path.name):
            found.append(f"{place} has no name of BIDS")
        subject = place.split("/")[0]
        if place.startswith("sub-") and not path.name.startswith(f"{subject}_"):
            found.append(f"{place} is of another subject")
    return found
