"""A search for beta from bundles to a table of trials."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
import logging
from pathlib import Path

from dipy_tractogen.metrics.prdc import NB_NEIGHBOURS
from dipy_tractogen.utils.messages import listed
from dipy_tractogen.utils.tables import write_table

from .database import new_database
from .space import DEFAULT_BETAS, search_space
from .study import BetaStudy

logger = logging.getLogger("dipy_tractogen")


def sweep_beta(
    bundles,
    path: str | Path,
    *,
    betas: Sequence[float] = DEFAULT_BETAS,
    minimum_beta: float = 0.0,
    search: Sequence[str] = (),
    nb_trials: int = 0,
    tolerance_mm: float = 0.02,
    nb_points: int = 256,
    latent_dim: int = 16,
    sigma_mm: float = 1.0,
    epochs: int | None = None,
    max_minutes: float | None = None,
    held_out: float = 0.1,
    settings: Mapping | None = None,
    seed: int = 0,
    resume: bool = False,
    show_progress: bool = False,
) -> list[dict]:
    """Train variational autoencoders with many values of beta, and measure them.

    Parameters
    ----------
    bundles : BundleSet
        Streamlines, a part of which is held out to measure with.
    path : str or Path
        The database of the search.
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
        Go on with the search in the database, if there is one.
    show_progress : bool, optional
        Show a progress bar.

    Returns
    -------
    list of dict
        The trials that ended, as `BetaStudy.rows` returns them.

    Raises
    ------
    ValueError
        If an argument is not accepted, too few streamlines are held out, or the
        database holds something else.
    """
    path = Path(path)
    sizes = {"nb_points": nb_points, "latent_dim": latent_dim}
    space = search_space(betas, minimum_beta, search, nb_trials, **sizes)
    fixed = {**sizes, "sigma_mm": sigma_mm}
    options = {"epochs": epochs, "max_minutes": max_minutes, "seed": seed}
    training, aside = bundles.split(held_out, seed)
    if len(aside) <= NB_NEIGHBOURS:
        raise ValueError(
            f"held_out={held_out} holds out {len(aside)} streamlines, too few to "
            f"measure with: give a share that makes more than {NB_NEIGHBOURS}."
        )
    common = {**fixed, **options, "held_out": held_out, **(settings or {})}
    is_there = resume and path.exists()
    with nullcontext() if is_there else new_database(path):
        study = BetaStudy(path, common, **space, seed=seed)
        # The backend takes seconds to load: what is wrong is said before.
        from .trial import run_trials

        shown = {"show_progress": show_progress}
        run_trials(study, training, aside, fixed, options, **shown)
        return study.rows(tolerance_mm)


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
