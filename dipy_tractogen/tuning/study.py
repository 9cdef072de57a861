"""A search for beta and other parameters, which several processes may share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
import logging
from pathlib import Path
import time

import numpy as np
import optuna

from dipy_tractogen.utils.messages import first_difference, without_passwords
from dipy_tractogen.utils.schema import (
    SchemaError,
    mapping,
    number,
    optional,
    record,
    text,
)

from .selection import LARGE, SMALL, pareto_front, recommend
from .space import suggest
from .storage import (
    SECONDS_OF_SILENCE,
    named_errors,
    open_storage,
    quietly,
    read_errors,
)

logger = logging.getLogger("dipy_tractogen")

NAME = "beta"
"""Name of a search that is given none."""

_SETTINGS = "settings"
_MEASURES = "measures"
_REASON = "reason"
_SHOWN = (*SMALL, *LARGE, "active_units")
_VALUE = optional(number(finite=False))
_OF_COMPLETE = record(
    {_MEASURES: record(dict.fromkeys(_SHOWN, number()), {"seconds": _VALUE})}
)
_OF_OTHERS = record({}, {_REASON: text(10**6)})
_POLL_SECONDS = 1.0
# For the settings of a search that another process is just making.
_NB_POLLS = 5


class BetaStudy:
    """A search over beta, on Optuna :footcite:p:`Akiba2019`.

    Each trial trains a model and measures it. The study lies in a file or a database:
    it can be stopped at any moment, goes on where it was, and processes on several
    machines may work on it. Each value of beta is tried once; where other parameters
    are searched as well, further trials are chosen by the tree-structured Parzen
    estimator, to make the point error small and the quality of generated streamlines
    large. The trial of a process that gives no sign of life is made again by another.

    Parameters
    ----------
    place : str or Path
        The file, or the address of the database, which has ``://``.
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
    name : str, optional
        Name of the study, of which a database may have several.
    is_new : bool, optional
        Whether it must not be there yet; otherwise it is gone on with.

    Raises
    ------
    ValueError
        If the file or database holds no study, one with other settings, or one that is
        not new.

    References
    ----------
    .. footbibliography::
    """

    def __init__(
        self,
        place: str | Path,
        settings: dict,
        *,
        betas: Sequence[float],
        ranges: dict[str, tuple[float, float]],
        nb_trials: int,
        seed: int,
        name: str = NAME,
        is_new: bool = False,
    ):
        self.betas = list(betas)
        self.ranges = ranges
        self.nb_trials = max(nb_trials, len(self.betas))
        self._seed, self._place = seed, place
        self._shown = without_passwords(str(place))
        with named_errors(place), quietly():
            storage = open_storage(place)
            with read_errors(place):
                self._study, is_first = _study_of(storage, name)
                self._check()
            if is_new and not is_first:
                raise FileExistsError(
                    f"{self._shown} holds a search named {name}: go on with it by "
                    "--resume, replace it by --force, or give another --study_name."
                )
            self._settle({"betas": self.betas, "search": ranges, **settings}, is_first)

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
        begun = -1

        def objective(current):
            nonlocal begun
            begun = current.number
            if not self._is_wanted(current.number):
                # Another process has its beta, or took the last trial, meanwhile.
                raise optuna.TrialPruned
            # Processes that draw the same numbers would try the same values.
            self._study.sampler = _sampler(self._seed, current.number)
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
            try:
                with named_errors(self._place), quietly():
                    self._study.optimize(
                        objective, n_trials=1, catch=(ValueError,), callbacks=[ended]
                    )
            except (ValueError, optuna.exceptions.UpdateFinishedTrialError):
                if not self._is_lost(begun):
                    raise
                logger.warning(
                    "Trial %d gave no sign of life for %d s, as where a process is "
                    "stopped: it is made again",
                    begun,
                    SECONDS_OF_SILENCE,
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

    def _settle(self, settings: dict, is_first: bool) -> None:
        """Keep the settings, or compare them with those of the study.

        The process that makes the study keeps them; another one waits for that, unless
        that process has died.
        """
        import json

        settings = json.loads(json.dumps(settings))
        known = None if is_first else self._known_settings()
        if known is None:
            self._study.set_user_attr(_SETTINGS, settings)
            return
        difference = first_difference(known, settings)
        if difference:
            raise ValueError(
                f"{self._shown} holds a search with another {difference}: go on with "
                "the same settings and data, or give another --out_study."
            )

    def _known_settings(self) -> dict | None:
        for _ in range(_NB_POLLS):
            known = self._study.user_attrs.get(_SETTINGS)
            if known is not None:
                return known
            time.sleep(_POLL_SECONDS)
        return None

    def _trials(self) -> list:
        """Return all trials that count, in order.

        That is without those that were given up and are done again, and those of a beta
        that another process enqueued before.
        """
        counted, betas = [], []
        with read_errors(self._place):
            for trial in self._study.get_trials(deepcopy=False):
                beta = self._enqueued_beta(trial)
                if not _is_given_up(trial) and (beta is None or beta not in betas):
                    betas.append(beta)
                    counted.append(trial)
        return counted

    def _enqueued_beta(self, trial) -> float | None:
        """Return the beta that a trial was enqueued for, if it was."""
        beta = trial.system_attrs.get("fixed_params", {}).get("beta")
        return beta if beta in self.betas else None

    def _is_wanted(self, number: int) -> bool:
        """Return whether a trial counts, and is not one too many."""
        trials = self._trials()
        chosen = [one for one in trials if self._enqueued_beta(one) is None]
        excess = chosen[self.nb_trials - len(self.betas) :]
        wanted = {one.number for one in trials} - {one.number for one in excess}
        return number in wanted

    def _is_lost(self, number: int) -> bool:
        """Return whether another process has given up a trial of this one."""
        trials = self._study.get_trials(deepcopy=False)
        return 0 <= number < len(trials) and _is_given_up(trials[number])

    def _is_left(self) -> bool:
        """Return whether there is a trial to make, once others have made theirs."""
        while True:
            with read_errors(self._place), quietly():
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
        optuna.storages.fail_stale_trials(self._study)
        tried = [self._enqueued_beta(trial) for trial in self._trials()]
        for beta in self.betas:
            if beta not in tried:
                self._study.enqueue_trial({"beta": beta})


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


def _study_of(storage, name: str) -> tuple[optuna.Study, bool]:
    """Load or make a study; return whether it was made."""

    def load():
        return optuna.load_study(study_name=name, storage=storage), False

    # What is there is only read, and may be refused.
    try:
        return load()
    except KeyError:
        pass
    directions = ["minimize", "maximize"]
    try:
        made = optuna.create_study(
            study_name=name, storage=storage, directions=directions
        )
    except optuna.exceptions.DuplicatedStudyError:
        return load()
    return made, True


def _sampler(seed: int, number: int) -> optuna.samplers.BaseSampler:
    """Return the sampler of a trial, with random numbers of its own."""
    (own,) = np.random.SeedSequence((seed, number)).generate_state(1)
    return optuna.samplers.TPESampler(seed=int(own))
