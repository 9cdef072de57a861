"""What the time of a training was spent on."""

from __future__ import annotations

import time


class Stages:
    """Times the stages of a training.

    Parameters
    ----------
    began : float
        When the work began, reading and all, by ``time.perf_counter``.
    reading : float
        Seconds of reading.

    Attributes
    ----------
    seconds : dict of str to float
        Seconds of each stage, in their order.
    """

    def __init__(self, began: float, reading: float):
        self.seconds: dict[str, float] = {}
        self._reading = reading
        self._last = began

    def end_steps(self, optimisation) -> None:
        """Note what the time until the end of the steps was spent on.

        The first call with steps holds their compilation. Between the steps the model
        is looked at, on held-out streamlines, and its state is kept; the first look
        holds its compilation.

        Parameters
        ----------
        optimisation : Optimisation
            The optimisation.
        """
        now = time.perf_counter()
        whole = now - self._last
        first = optimisation.first_step.seconds or 0.0
        steps = optimisation.budget.seconds_here
        self._last = now
        self.seconds = {
            "reading": self._reading,
            "preparing and compiling": max(first - self._reading, 0.0),
            "steps": steps,
            "looks at the model": max(whole - max(first, self._reading) - steps, 0.0),
        }
        self._round()

    def end(self, stage: str) -> None:
        """Note the time since the last stage.

        Parameters
        ----------
        stage : str
            What it was spent on.
        """
        now = time.perf_counter()
        self.seconds[stage] = now - self._last
        self._last = now
        self._round()

    def _round(self) -> None:
        self.seconds = {name: round(each, 2) for name, each in self.seconds.items()}
