"""Models and tractograms as the commands read them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
import logging
from pathlib import Path

from dipy_tractogen.utils.messages import listed
from dipy_tractogen.utils.model_names import find_model
from dipy_tractogen.utils.parameters import Parameters, parameter

from .loading import load

logger = logging.getLogger("dipy_tractogen")


# The last model that was read, by the state of its file; None while none is kept.
_KEPT: ContextVar[dict | None] = ContextVar("_KEPT", default=None)
_LAST: dict = {}


@contextmanager
def model_kept() -> Iterator[None]:
    """Keep the model that the body loads, for the next such body in this process."""
    token = _KEPT.set(_LAST)
    try:
        yield
    finally:
        _KEPT.reset(token)


@contextmanager
def option_errors(option: str) -> Iterator[None]:
    """Name the option whose value the body cannot read, in its ValueError."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"--{option} {error}") from None


def check_figures(paths: Mapping[str, Path]) -> None:
    """Raise ValueError where an output, by its option, cannot be a figure."""
    from dipy_tractogen.viz.style import check_figure_name

    for option, path in paths.items():
        with option_errors(option):
            check_figure_name(path.name)


def load_trained_model(path: str | Path, *, to_generate: bool = False):
    """Load a model, and check that it is trained.

    With `to_generate` the density of its latents is needed, too. Raises
    FileNotFoundError or ValueError where the file holds no such model.
    """
    # TensorFlow takes seconds to load: what is missing is said before.
    path = find_model(path)
    model = _load_or_take(path)
    if model.is_fresh:
        raise ValueError(
            f"{path} holds a model that is not trained: give one written by a "
            "dipy_train command."
        )
    if to_generate and model.record.density is None:
        raise ValueError(
            f"{path} does not say where the latents of each bundle lie: import the "
            "weights again, with --training_files."
        )
    return model


def _load_or_take(path: Path):
    """Return a model, the one that is kept if its file has not changed since."""
    from dipy_tractogen.nn import load_model

    kept = _KEPT.get()
    if kept is None or not path.is_file():
        return load_model(path)
    status = path.stat()
    state = (path.resolve(), status.st_size, status.st_mtime_ns)
    if state not in kept:
        kept.clear()
        kept[state] = load_model(path)
    return kept[state]


@dataclass
class ParticipantsOptions(Parameters):
    """The table of subjects, for a model that reads conditions of theirs."""

    participants: Path | None = parameter(
        None,
        "Table of the subjects, a participants.tsv as in BIDS, for a model that reads "
        "conditions of theirs; without it these are looked up in data_per_streamline, "
        "as a training or a generation wrote them. The files need not be those of the "
        "training, but their bundles and other categories have to be known to such a "
        "model.",
    )


def load_to_encode(
    flow,
    model,
    files,
    given: dict,
    *,
    numbers: Sequence[str] = (),
    categories: Sequence[str] = (),
    profiles: Sequence[str] = (),
    conditions=None,
    **options,
):
    """Load bundles with all that a model has to know to encode them.

    `given` are values of `LoadingOptions`, and perhaps of ``participants``; `numbers`,
    `categories` and `profiles`, along the streamlines, name further values to load;
    `conditions` are those that have to be known, by default what the networks read;
    `options` are of `load`. Raises ValueError if the table of subjects is not needed,
    or a category is unknown to the model.
    """
    from dipy_tractogen.nn.encoding import conditions_to_load
    from dipy_tractogen.streamlines.category_codes import values_from_numbers

    participants = given.get("participants")
    if conditions is None and model.conditions_in_networks:
        conditions = model.conditions
    names = conditions_to_load(conditions)
    read = [*names["categorical"], *names["continuous"]]
    if participants and not (read or categories):
        raise ValueError(
            f"--participants {participants}: the model reads nothing of subjects; "
            "leave it out."
        )
    needed = [*read, *(f"{name} of its points" for name in model.profiles)]
    if needed:
        logger.info("Needed of each streamline: %s", listed(needed))
    bundles = load(
        flow,
        files,
        given,
        participants=participants,
        categorical=[*names["categorical"], *categories],
        continuous=[*names["continuous"], *numbers],
        values=dict.fromkeys([*model.profiles, *profiles]),
        **options,
    )
    if read and not participants:
        values = values_from_numbers(conditions, bundles.values)
        bundles = replace(bundles, values=values)
    if conditions is not None and conditions.categorical:
        conditions.codes(bundles.known_values())
    return bundles
