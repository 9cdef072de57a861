"""A search for beta and other parameters, kept in a database."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
import logging
from pathlib import Path
import time
import warnings

from dipy_tractogen.utils.messages import first_difference
from dipy_tractogen.utils.schema import (
    SchemaError,
    file_errors,
    mapping,
    number,
    optional,
    record,
    text,
)

from .database import check_lock_name, check_running, named_errors, open_storage
from .selection import LARGE, SMALL, pareto_front, recommend
from .space import suggest

logger = logging.getLogger("dipy_tractogen")

_NAME = "beta"
_SETTINGS = "settings"
_MEASURES = "measures"
_REASON = "reason"
_SHOWN = (*SMALL, *LARGE, "active_units")
_VALUE = optional(number(finite=False))
_OF_COMPLETE = record(
    {_MEASURES: record(dict.fromkeys(_SHOWN, number()), {"seconds": _VALUE})}
)
_OF_OTHERS = record({}, {_REASON: text(10**6)})
# Errors of Optuna for rows that it did not write, beside ValueError.
_DAMAGE = (LookupError, TypeError, AttributeError, AssertionError, RecursionError)
# After so long without a heartbeat, a trial is done again.
_SECONDS_BETWEEN_SIGNS = 5
_SECONDS_OF_SILENCE = 30
_POLL_SECONDS = 1.0


class BetaStudy:
    """A search over beta, on Optuna :footcite:p:`Akiba2019`.

    Each trial trains a model and measures it. The study lies in an SQLite database:
    it can be stopped at any moment, goes on where it was, and several processes may
    work on it. Each value of beta is tried once; where other parameters are searched
    as well, further trials are chosen by the tree-structured Parzen estimator, to make
    the point error small and the quality of generated streamlines large.

    Parameters
    ----------
    path : str or Path
        The database.
    settings : dict
        What the trials have in common, as plain values; a study is gone on with only
        under the same.
    betas : sequence of float
        Values of beta.
    ranges : dict of str to (float, float)
        Ranges of other parameters that are searched.
    nb_trials : int
        All trials; no fewer than there are betas.
    seed : int
        Seed of the search.

    Raises
    ------
    ValueError
        If the file is no database of a study, or one with other settings.

    References
    ----------
    .. footbibliography::
    """

    def __init__(
        self,
        path: str | Path,
        settings: dict,
        *,
        betas: Sequence[float],
        ranges: dict[str, tuple[float, float]],
        nb_trials: int,
        seed: int,
    ):
        self.betas = list(betas)
        self.ranges = ranges
        self.nb_trials = max(nb_trials, len(self.betas))
        path = Path(path).absolute()
        self._path, self._lock = path, _Lock(path)
        with named_errors(path), _quietly(), self._lock:
            storage = open_storage(
                path,
                heartbeat_interval=_SECONDS_BETWEEN_SIGNS,
                grace_period=_SECONDS_OF_SILENCE,
            )
            with file_errors(path, "a database of a search", *_DAMAGE):
                self._study = _study_of(storage, seed)
                self._check()
            self._settle({"betas": self.betas, "search": ranges, **settings}, path)

    def run(
        self,
        trial: Callable[[dict], dict],
        on_end: Callable[[dict], None] | None = None,
    ) -> None:
        """Make the trials that are left, and wait for those of other processes.

        Parameters
        ----------
        trial : callable
            Takes the chosen values and gives measures; a ValueError fails this trial
            only.
        on_end : callable, optional
            Called with the row of each trial that this process ended.
        """
        import optuna

        def objective(current):
            self._lock.release()
            if len(self._trials()) > self.nb_trials:
                # Another process took the last trial meanwhile.
                raise optuna.TrialPruned
            chosen = suggest(current, self.betas, self.ranges)
            try:
                measures = trial(chosen)
            except ValueError as error:
                current.set_user_attr(_REASON, str(error))
                raise
            current.set_user_attr(_MEASURES, measures)
            return measures["point_error_mm"], measures["quality"]

        def ended(_, frozen):
            if on_end and frozen.state.name != "PRUNED":
                on_end(_row(frozen))

        while self._is_left():
            # Locked until the trial is taken, which SQLite would give to two processes.
            with named_errors(self._path), _quietly(), self._lock:
                self._study.optimize(
                    objective, n_trials=1, catch=(ValueError,), callbacks=[ended]
                )

    def nb_ended(self) -> int:
        """Count the trials that ended, in any process.

        Returns
        -------
        int
            Their number.
        """
        return sum(trial.state.is_finished() for trial in self._trials())

    def rows(self, tolerance_mm: float) -> list[dict]:
        """Return the trials that ended, in the order of beta.

        Parameters
        ----------
        tolerance_mm : float
            Difference of point errors that does not matter to the recommendation.

        Returns
        -------
        list of dict
            Number, state, chosen values, measures, and whether the trial is on the
            Pareto front and recommended.
        """
        rows = [_row(trial) for trial in self._trials() if trial.state.is_finished()]
        done = [row for row in rows if row["state"] == "complete"]
        for row, on_front in zip(done, pareto_front(done)):
            row["pareto"] = on_front
        best = recommend(done, tolerance_mm)
        for index, row in enumerate(done):
            row["recommended"] = index == best
        return sorted(rows, key=lambda row: (row["beta"], row["trial"]))

    def _check(self) -> None:
        """Raise `SchemaError` for trials that no search has made."""
        if [one.name for one in self._study.directions] != ["MINIMIZE", "MAXIMIZE"]:
            raise SchemaError("directions", "others", "to minimise and to maximise")
        record({}, {_SETTINGS: record({})})(self._study.user_attrs, "")
        check_running(self._path)
        trials = self._study.get_trials(deepcopy=False)
        if [trial.number for trial in trials] != list(range(len(trials))):
            raise SchemaError("trials", "not in order", "numbers from 0")
        for trial in trials:
            place = f"trials[{trial.number}]"
            tells = trial.state.is_finished() and not _is_given_up(trial)
            if tells and "beta" not in trial.params:
                raise SchemaError(place, "without beta", "the values that it tried")
            mapping(number())(trial.params, place)
            is_whole = trial.state.name == "COMPLETE"
            (_OF_COMPLETE if is_whole else _OF_OTHERS)(trial.user_attrs, place)

    def _settle(self, settings: dict, path) -> None:
        """Keep the settings, or compare them with those of the study."""
        import json

        settings = json.loads(json.dumps(settings))
        known = self._study.user_attrs.get(_SETTINGS)
        if known is None:
            self._study.set_user_attr(_SETTINGS, settings)
            return
        difference = first_difference(known, settings)
        if difference:
            raise ValueError(
                f"{path} holds a search with another {difference}: go on with the same "
                "settings and data, or give another --out_study."
            )

    def _trials(self) -> list:
        """Return all trials but those that were given up and are done again."""
        with named_errors(self._path):
            trials = self._study.get_trials(deepcopy=False)
        return [trial for trial in trials if not _is_given_up(trial)]

    def _is_left(self) -> bool:
        """Return whether there is a trial to make, once others have made theirs."""
        while True:
            with named_errors(self._path), _quietly(), self._lock:
                self._enqueue_missing()
            trials = self._trials()
            states = [trial.state.name for trial in trials]
            if "WAITING" in states or len(trials) < self.nb_trials:
                return True
            if "RUNNING" not in states:
                return False
            time.sleep(_POLL_SECONDS)

    def _enqueue_missing(self) -> None:
        """Enqueue the betas that no trial has, or only one whose process died."""
        import optuna

        optuna.storages.fail_stale_trials(self._study)
        tried = {_beta_of(trial) for trial in self._trials()}
        for beta in self.betas:
            if beta not in tried:
                self._study.enqueue_trial({"beta": beta})


def _beta_of(trial) -> float | None:
    """Return the beta of a trial, also of one that has not begun."""
    enqueued = trial.system_attrs.get("fixed_params", {})
    return trial.params.get("beta", enqueued.get("beta"))


class _Lock:
    """Lock of the study against other processes, which may be released early."""

    def __init__(self, path: Path):
        from optuna.storages.journal import JournalFileOpenLock

        check_lock_name(path)
        self._lock = JournalFileOpenLock(str(path))
        self._held = False

    def __enter__(self) -> _Lock:
        self._held = self._lock.acquire()
        return self

    def __exit__(self, *_) -> None:
        self.release()

    def release(self) -> None:
        """Release the lock, if it is held."""
        if self._held:
            self._held = False
            self._lock.release()


def _is_given_up(trial) -> bool:
    """Return whether the process of a trial died, or it was one too many."""
    died = trial.state.name == "FAIL" and _REASON not in trial.user_attrs
    return died or trial.state.name == "PRUNED"


def _row(trial) -> dict:
    return {
        "trial": trial.number,
        "state": trial.state.name.lower(),
        **trial.params,
        **trial.user_attrs.get(_MEASURES, {}),
        "reason": trial.user_attrs.get(_REASON, ""),
    }


def _study_of(storage, seed: int):
    import optuna

    return optuna.create_study(
        study_name=_NAME,
        storage=storage,
        sampler=optuna.samplers.TPESampler(seed=seed),
        directions=["minimize", "maximize"],
        load_if_exists=True,
    )


@contextmanager
def _quietly() -> Iterator[None]:
    """Leave out Optuna's messages on its progress and on what is experimental."""
    import optuna

    level = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            warnings.simplefilter("ignore", FutureWarning)
            yield
    finally:
        optuna.logging.set_verbosity(level)
