"""A search for beta from bundles to a table of trials."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
import logging
from pathlib import Path

from dipy_tractogen.metrics.prdc import NB_NEIGHBOURS
from dipy_tractogen.parameters.model import NetworkParameters
from dipy_tractogen.utils.messages import listed
from dipy_tractogen.utils.tables import write_table

from .journal import new_journal
from .space import DEFAULT_BETAS, search_space
from .storage import delete_search, is_address
from .study import NAME, BetaStudy

logger = logging.getLogger("dipy_tractogen")


def sweep_beta(
    bundles,
    place: str | Path,
    *,
    betas: Sequence[float] = DEFAULT_BETAS,
    minimum_beta: float = 0.0,
    search: Sequence[str] = (),
    nb_trials: int = 0,
    tolerance_mm: float = 0.02,
    nb_points: int = 256,
    latent_dim: int = 16,
    sigma_mm: float = 1.0,
    profiles: Sequence[str] = (),
    profile_sigmas: Sequence[float] | None = None,
    epochs: int | None = None,
    max_minutes: float | None = None,
    held_out: float = 0.1,
    settings: Mapping | None = None,
    seed: int = 0,
    resume: bool = False,
    force: bool = False,
    study_name: str = NAME,
    show_progress: bool = False,
) -> list[dict]:
    """Train variational autoencoders with many values of beta, and measure them.

    Parameters
    ----------
    bundles : BundleSet
        Streamlines, a part of which is held out to measure with; with the
        data_per_point of `profiles`.
    place : str or Path
        Where the search is kept: a file, or the address of a database, such as
        "postgresql://user@host/name". Processes on several machines may share it.
    betas : sequence of float, optional
        Values of beta.
    minimum_beta : float, optional
        Smaller values of beta are not tried.
    search : sequence of str, optional
        Further parameters that are searched, with ranges, such as "latent_dim=8:32".
    nb_trials : int, optional
        All trials, where further parameters are searched; by default four for each
        beta.
    tolerance_mm : float, optional
        Difference of point errors that does not matter to the recommendation, in mm.
    nb_points, latent_dim, sigma_mm : optional
        Arguments of the models, unless searched.
    profiles, profile_sigmas : optional
        Values along the streamlines that the models learn, and their accepted errors.
    epochs, max_minutes : optional
        Limits of each training.
    held_out : float, optional
        Share of every bundle that is not trained on.
    settings : mapping, optional
        What else the trials have in common, such as digests of the data, as plain
        values: a search is gone on with only under the same.
    seed : int, optional
        Seed of the split, the trainings and the search.
    resume : bool, optional
        Go on with the search that is there, or start one.
    force : bool, optional
        Replace the search that is there, unless `resume`.
    study_name : str, optional
        Name of the search in a database, which may have several.
    show_progress : bool, optional
        Show a progress bar.

    Returns
    -------
    list of dict
        The trials that ended, as `BetaStudy.rows` returns them.

    Raises
    ------
    ValueError
        If an argument is not accepted, too few streamlines are held out, or file or
        database hold something else.
    FileExistsError
        If there is a search, without `resume` and `force`.
    """
    sizes = {"nb_points": nb_points, "latent_dim": latent_dim}
    space = search_space(betas, minimum_beta, search, nb_trials, **sizes)
    fixed = {**sizes, "sigma_mm": sigma_mm}
    if profiles:
        known = NetworkParameters(profiles=profiles, profile_sigmas=profile_sigmas)
        fixed["profiles"] = list(known.profiles)
        fixed["profile_sigmas"] = known.profile_sigmas and list(known.profile_sigmas)
    options = {"epochs": epochs, "max_minutes": max_minutes, "seed": seed}
    training, aside = bundles.split(held_out, seed)
    if len(aside) <= NB_NEIGHBOURS:
        raise ValueError(
            f"held_out={held_out} holds out {len(aside)} streamlines, too few to "
            f"measure with: give a share that makes more than {NB_NEIGHBOURS}."
        )
    common = {**fixed, **options, "held_out": held_out, **(settings or {})}
    with nullcontext() if resume else _room(place, study_name, force=force):
        study = BetaStudy(
            place, common, **space, seed=seed, name=study_name, is_new=not resume
        )
        # The backend takes seconds to load: what is wrong is said before.
        from .trial import run_trials

        shown = {"show_progress": show_progress}
        run_trials(study, training, aside, fixed, options, **shown)
        return study.rows(tolerance_mm)


def _room(place: str | Path, study_name: str, *, force: bool) -> AbstractContextManager:
    """Make room for a new search while the body lasts; remove an old one by force."""
    if not is_address(place):
        return new_journal(Path(place), force=force)
    if force:
        delete_search(place, study_name)
    return nullcontext()


def save_trials(path: str | Path, rows: Sequence[dict], *, force: bool = False) -> None:
    """Write all trials as a table; what a trial does not have is empty."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    # The reason of a failure is long, and stands last.
    columns.sort(key=lambda name: name == "reason")
    lines = ([row.get(name, "") for name in columns] for row in rows)
    write_table(Path(path), columns, lines, force=force)


def log_recommended(rows: Sequence[dict]) -> bool:
    """Log the Pareto front and the recommended trial; return whether there is one."""
    best = [row for row in rows if row.get("recommended")]
    if best:
        front = listed(f"{row['beta']:g}" for row in rows if row.get("pareto"))
        logger.info("Beta of the trials on the Pareto front: %s", front)
        logger.info(
            "Recommended: trial %(trial)d, beta %(beta)g, point error "
            "%(point_error_mm).2f mm, quality %(quality).3f",
            best[0],
        )
    return bool(best)
