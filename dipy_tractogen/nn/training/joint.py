"""One state of a training in all the processes that make its steps together."""

from __future__ import annotations

import numpy as np

from ..backend import processes


def take_first_state(optimisation, data: str) -> None:
    """Bring a training to where it is in the first process, which has read its files.

    Parameters
    ----------
    optimisation : Optimisation
        The training of this process, that has made no steps yet.
    data : str
        What tells the data from others.

    Raises
    ------
    ValueError
        If this process has read other data.
    """
    if processes.count() == 1:
        return
    best = optimisation.keep_best
    own = {
        "data": data,
        "finished": optimisation.finished,
        "budget": optimisation.budget.get_state(),
        "rows": optimisation.rows.rows,
        "plan": optimisation.plan,
        "best": best and best.get_state(),
        "has_weights": bool(best and best.weights is not None),
    }
    first = processes.agreed(own)
    if first["data"] != data:
        raise ValueError(
            "Process 0 has read other streamlines, or in another order: the files "
            "are to be the same for all processes."
        )
    network = optimisation.network
    for variables in (network.variables, network.optimizer.variables):
        values = processes.agreed_arrays([np.asarray(each) for each in variables])
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)
    optimisation.finished = first["finished"]
    optimisation.budget.set_state(first["budget"])
    optimisation.rows.rows = first["rows"]
    optimisation.plan.update(first["plan"])
    if best:
        weights = best.weights if best.weights is not None else network.weights
        weights = processes.agreed_arrays([np.asarray(each) for each in weights])
        best.set_state(first["best"], weights if first["has_weights"] else None)
