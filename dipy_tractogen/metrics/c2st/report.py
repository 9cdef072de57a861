"""The classifier two-sample test in a report of `evaluate`."""

from __future__ import annotations

from collections.abc import Mapping

from dipy_tractogen.streamlines.array_sequence import take
from dipy_tractogen.streamlines.conversion import to_sequence

from ..comparison import OVERALL
from ..measures import C2ST
from ..samples import StreamlineSet, draw_matched_samples
from .sample import FEWEST, MOST
from .telling import verdict
from .two_sample import NB_CLASSIFIERS, c2st


def run_tests(
    given: Mapping,
    generated: StreamlineSet,
    real: StreamlineSet,
    training: StreamlineSet | None,
    *,
    seed: int,
) -> tuple[dict[str, dict | None], list[str]]:
    """Test generated and other real streamlines against the held-out ones.

    `given` has the streamlines by name, as they were given. The samples are the first
    of `draw_matched_samples`. Returns results of `c2st` for ``generated`` and ``real``
    streamlines, and warnings.
    """
    samples = next(
        draw_matched_samples(real, generated, training, nb_draws=1, seed=seed)
    )
    held_out = _taken(given["real"], samples.reference)
    others = given["real"] if training is None else given["training"]
    tests = {
        kind: c2st(
            _taken(pool, sample),
            held_out,
            sample.labels,
            samples.reference.labels,
            seed=seed,
        )
        for kind, pool, sample in (
            ("generated", given["generated"], samples.generated),
            ("real", others, samples.baseline),
        )
    }
    few = [kind for kind, found in tests.items() if found is None]
    warnings = [
        f"Fewer than {FEWEST} different streamlines can be compared, so there is no "
        f"classifier two-sample test of {' and '.join(few)} streamlines."
    ]
    return tests, warnings if few else []


def add_to_entries(entries: Mapping, tests: Mapping | None) -> None:
    """Add the measures `C2ST`, and their intervals, to entries by label."""
    for label, entry in entries.items():
        for kind in ("generated", "real"):
            found = tests and tests[kind]
            if found and label is not OVERALL:
                found = found["bundles"].get(label)
            for measure, name in C2ST.items():
                entry[kind][measure] = found[name]["value"] if found else None
                if found and entry["intervals"]:
                    entry["intervals"][kind][measure] = found[name]["interval"]


def summary(tests: Mapping | None) -> dict | None:
    """Return the results for all bundles together, and what they are told by."""
    if tests is None or tests["generated"] is None:
        return None
    generated = tests["generated"]
    return {
        "step_mm": generated["step_mm"],
        "compared": generated["compared"],
        **{
            kind: found and {name: found[name] for name in C2ST.values()}
            for kind, found in tests.items()
        },
        "told_by": generated["told_by"],
        "verdict": verdict(generated, tests["real"]),
    }


def nb_classified(nb_compared: int) -> int:
    """Return how many streamlines classifiers score, for samples of so many."""
    return 2 * 2 * min(nb_compared, MOST) * NB_CLASSIFIERS * len(C2ST)


def _taken(streamlines, sample: StreamlineSet):
    return take(to_sequence(streamlines), sample.given)
