"""Options for an input in another space than the model, and the way there and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
import logging
from pathlib import Path

from dipy_tractogen.utils.messages import listed
from dipy_tractogen.utils.parameters import Parameters, parameter

from .arguments import check_exclusive, check_needs

logger = logging.getLogger("dipy_tractogen")

KINDS = ("rigid", "affine")
"""Kinds of a registration."""


@dataclass
class SpaceOptions(Parameters):
    """How an input in its own space is brought to that of the model."""

    register: str | None = parameter(
        None,
        "Register the input to streamlines of the model, rigid (rotation and "
        "translation) or affine (sizes and shears as well), where it is in another "
        "space. It is moved for the computation only: outputs are in its own space.",
        essential=True,
        choices=KINDS,
    )
    transform: Sequence[Path] | None = parameter(
        None,
        "Files of the transform of the input to the space of the model, in place of "
        "--register, in the order in which they apply: text of 4 by 4 numbers, a .mat "
        "or .txt of ITK, or a mapping of DIPY (.nii.gz); [FILE,1] is the inverse.",
    )


@dataclass
class TemplateOptions(Parameters):
    """How subjects in spaces of their own are brought to one for a training."""

    register_to: Sequence[Path] | None = parameter(
        None,
        "Tractograms of a template, such as those of one subject, that each subject is "
        "registered to; the model is in its space and grid. A subject is what has one "
        "sub-<label> in the path, or else one folder, and one grid. By default all "
        "files have to be in one space.",
    )
    register: str | None = parameter(
        None,
        "What a registration to the template may be, affine, the default, or rigid.",
        choices=KINDS,
    )


def check_template(given: dict) -> None:
    """Raise ValueError where values of `TemplateOptions` do not go together."""
    check_needs(given, {"register": ("register_to",)})
    if given["register_to"] and given["reference"]:
        raise ValueError(
            f"--reference {given['reference']}: the grid is that of the template, "
            "--register_to: leave it out."
        )


def load_template(flow, given: dict):
    """Return the template by values of `TemplateOptions`; None where none is given."""
    if not given["register_to"]:
        return None
    from dipy_tractogen.streamlines.spaces.template import Template

    files = flow.inputs(given["register_to"])
    return Template.load(files, given["register"] or "affine")


def template_of(given: dict) -> dict:
    """Return values of `TemplateOptions` for a record: digests, and the kind."""
    from dipy_tractogen.utils.files import expand_inputs, file_digest

    if not given["register_to"]:
        return {}
    files = sorted(map(file_digest, expand_inputs(given["register_to"])))
    return {"register_to": files, "register": given["register"] or "affine"}


def check_spaces(given: dict) -> None:
    """Raise ValueError where values of `SpaceOptions` exclude each other."""
    check_exclusive(given, "register", "transform")


def is_moved(given: dict) -> bool:
    """Return whether the input is in another space, by values of `SpaceOptions`."""
    return bool(given["register"] or given["transform"])


def find_transform(flow, model, bundles, given: dict, *, kind: str = "input"):
    """Return the transform of bundles to the space of a model; None where it is theirs.

    What it is goes into the ``registrations`` of the workflow `flow`, where `kind` says
    what the bundles are to it, and one line is logged.

    Parameters
    ----------
    flow : TractogenFlow
        The workflow.
    model : StreamlineModel or None
        The model, trained; only a registration needs one.
    bundles : BundleSet
        Streamlines in their own space.
    given : dict
        Values of `SpaceOptions`.
    kind : str, optional
        Name of the bundles in the record.

    Returns
    -------
    Transform or None
        From their space to that of the model.

    Raises
    ------
    OSError
        If a file cannot be opened.
    ValueError
        If a file holds no transform, a registration fails, or the model has no density
        of its latents to register to.
    """
    if not is_moved(given):
        return None
    if given["transform"]:
        from dipy_tractogen.streamlines.spaces.files import read_transform

        transform = read_transform(given["transform"])
        found = transform.to_dict()
        said = f"transform of {listed(map(str, given['transform']))}"
    else:
        from dipy_tractogen.nn.registration import register_to_model

        shown = {"show_progress": flow.show_progress}
        registration = register_to_model(model, bundles, given["register"], **shown)
        transform, found = registration.transform, registration.to_dict()
        said = registration.describe()
    name = model.record.space if model else ""
    flow.registrations[kind] = {"space": name, **found}
    space = f" ({name})" if name else ""
    # A warp has none.
    matrix = getattr(transform, "matrix", None)
    if matrix is not None:
        said += f"; matrix {matrix.round(4).tolist()}"
    logger.info("%s to the space of the model%s: %s", kind, space, said)
    return transform


def to_model_space(flow, model, bundles, given: dict, *, kind: str = "input") -> tuple:
    """Return bundles in the space of a model, and the transform that moved them.

    Arguments and errors are as of `find_transform`. Without one of its options they are
    the bundles as they are, and None.
    """
    from dipy_tractogen.nn.registration import moved_to_model

    transform = find_transform(flow, model, bundles, given, kind=kind)
    return moved_to_model(model, bundles, transform), transform
