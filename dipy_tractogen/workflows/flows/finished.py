"""A training that has ended against one that is asked for."""

from __future__ import annotations

from pathlib import Path

from dipy_tractogen.parameters.training import FitParameters
from dipy_tractogen.utils.messages import first_difference

from ..options.loading import LoadingOptions
from ..options.spaces import template_of
from ..options.training import names_to_load

# What a training chooses where it is None.
_CHOSEN = ("conditions", "batch_size", "learning_rate")


def difference_of(done, model, files: list[Path], given: dict) -> str:
    """Return what a trained model differs in from one that is asked for, if it does."""
    from dipy_tractogen.streamlines.conditions import BUNDLE, LENGTH, Conditions
    from dipy_tractogen.utils.files import file_digest

    names, record = names_to_load(given, model.needed_conditions), done.record
    trained = Conditions(record.conditions)
    there = {
        **{**done.get_config(), **record.parameters, **record.data},
        "model": type(done).__name__,
        "categorical": sorted(one.name for one in trained.categorical),
        "continuous": sorted(one.name for one in trained.continuous),
        "set of input files": sorted(record.data.get("files", {}).values()),
    }
    asked = {
        **{**model.get_config(), **FitParameters.from_options(given)},
        "model": type(model).__name__,
        "categorical": sorted({BUNDLE, *names["categorical"]}),
        "continuous": sorted({LENGTH, *names["continuous"]}),
        "held_out": given["held_out"],
        "loading": loading_of(given),
        "set of input files": sorted(map(file_digest, with_table(files, given))),
    }
    # Records of earlier versions do not have all of them.
    compared = [
        name
        for name, value in asked.items()
        if name in there and not (value is None and name in _CHOSEN)
    ]
    return first_difference(
        {name: there[name] for name in compared},
        {name: asked[name] for name in compared},
    )


def loading_of(given: dict) -> dict:
    """Return the values of `LoadingOptions`, `MapOptions` and `TemplateOptions`.

    Digests stand for the reference and the files of a template.
    """
    from dipy_tractogen.utils.files import file_digest

    values = LoadingOptions.from_options(given)
    grid = values["reference"]
    values["reference"] = file_digest(grid) if grid else None
    # Records of trainings without maps and templates do not have them.
    maps = {"maps": given["maps"]} if given["maps"] else {}
    return {**values, **maps, **template_of(given)}


def with_table(files: list[Path], given: dict) -> list[Path]:
    """Return the input files with the table of participants, if there is one."""
    tables = [given["participants"]] if given["participants"] else []
    return [*files, *map(Path, tables)]
