"""What was generated and how: from the record of dipy_generate_streamlines."""

from __future__ import annotations

from dipy_tractogen.streamlines.dataset import BundleSet

from .content import Card, Facts, entries_of


def generation_cards(generation: dict, generated: BundleSet | None) -> list[Card]:
    """Return the figures of a generation.

    Parameters
    ----------
    generation : dict
        What the command says of its run.
    generated : BundleSet or None
        The streamlines.

    Returns
    -------
    list of Card
        What is known.
    """
    if generated is None:
        return []
    note = ""
    seconds = generation.get("seconds")
    if seconds:
        note = f"in {seconds:.1f} s"
    return [Card("Generated streamlines", f"{len(generated):,}", note)]


def generation_facts(generation: dict) -> list[Facts]:
    """Return what was asked of a generation, and what was rejected.

    Parameters
    ----------
    generation : dict
        What the command says of its run.

    Returns
    -------
    list of Facts
        What is known.
    """
    titles = {
        "conditions": "Asked",
        "obtained": "Missed of what was asked",
        "rejected": "Rejected, by criterion",
        "parameters": "Parameters",
        "versions": "Versions",
    }
    facts = [
        Facts(title, entries_of(generation.get(key) or {}))
        for key, title in titles.items()
    ]
    return [each for each in facts if each.entries]
