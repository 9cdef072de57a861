"""Whether a training was long enough, from the course of its error."""

from __future__ import annotations

from collections.abc import Sequence

FEWEST_STEPS = 100
"""Fewer steps train nothing, however the error went."""

# The learning rate falls to the end, and with it the error, by about a quarter in the
# second half of a training that was long enough. On 20 human bundles it fell by 47 %
# in 300 steps, to a point error of 1.8 mm; by 24 % in 950, to 1.2 mm; by 25 % in 2,700,
# to 1.1 mm.
_STILL_FALLING = 0.33
_FEWEST_LOOKS = 3
_ERROR = "reconstruction_mm"


def describe_shortness(
    history: Sequence[dict[str, float]], *, from_scratch: bool = True
) -> str | None:
    """Return what is said of a training that was too short.

    It was where it had fewer than 100 steps, or the error of held-out streamlines, or
    else of those of training, fell by more than a third in its second half.

    Parameters
    ----------
    history : sequence of dict of str to float
        The looks at the training, with ``step``, ``reconstruction_mm`` and, where there
        are held-out streamlines, ``val_reconstruction_mm``.
    from_scratch : bool, optional
        Whether the weights were new; trained ones may need few steps.

    Returns
    -------
    str or None
        A sentence; None where it was long enough.
    """
    if not history:
        return None
    last = history[-1]
    steps = int(last["step"])
    if from_scratch and steps < FEWEST_STEPS:
        return (
            f"The training was too short: {steps} step"
            f"{'s are' if steps > 1 else ' is'} few. Give more epochs or "
            "minutes (6,000 steps are made by default)."
        )
    name = f"val_{_ERROR}" if f"val_{_ERROR}" in last else _ERROR
    if len(history) < _FEWEST_LOOKS or name not in last:
        return None
    middle = min(history, key=lambda row: abs(row["step"] - steps / 2))
    before, after = middle.get(name), last[name]
    if not before or not after < (1 - _STILL_FALLING) * before:
        return None
    whose = "held-out" if name.startswith("val_") else "training"
    return (
        f"The training was too short: in its second half the error of {whose} "
        f"streamlines still fell from {before:.2f} to {after:.2f} mm. Give more epochs "
        "or minutes."
    )
