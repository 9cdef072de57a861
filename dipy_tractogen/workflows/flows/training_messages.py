"""What a training says of its length, its results and its time."""

from __future__ import annotations

import logging

from dipy_tractogen.utils.messages import briefly, listed

logger = logging.getLogger("dipy_tractogen")

BY_DEFAULT = "6,000 steps"
"""Length of a training of which none is given."""


def describe_extent(given: dict) -> str:
    """Return the length of a training in words, before anything is read."""
    names = [name for name in ("epochs", "max_minutes") if given[name] is not None]
    asked = ", ".join(f"--{name} {given[name]:g}" for name in names)
    if given["max_minutes"] is None:
        return f"{asked or BY_DEFAULT}; their time is estimated after the first ones"
    return (
        f"{asked}; the minutes are those of the steps: reading and compiling, "
        "validation and checkpoints, density and texture take additional time"
    )


def log_stages(seconds: dict[str, float]) -> None:
    """Log the time of each stage of a training."""
    from dipy_tractogen.utils.progress import format_duration

    parts = [f"{name} {format_duration(each)}" for name, each in seconds.items()]
    logger.info("Time: %s", ", ".join(parts))


def describe_conditions(conditions) -> str:
    """Return the conditions beside the bundle, briefly."""
    texts = (one.describe() for one in conditions if one.name != "bundle")
    return listed(map(briefly, texts), "; ")
