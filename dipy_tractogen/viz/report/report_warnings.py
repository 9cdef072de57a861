"""Warnings of a report: those of the commands, and those that follow from figures."""

from __future__ import annotations

from dipy_tractogen.metrics.measures import QUALITY_SHARES
from dipy_tractogen.metrics.thresholds import describe_unmet
from dipy_tractogen.utils.messages import listed

from .content import ReportWarning, format_value, is_number
from .inputs import ReportInputs
from .judgement import FAR_FROM_TRAINING, far_from_real

_FEW_STREAMLINES = 20
_FEW_ACTIVE = 4


def collect_warnings(inputs: ReportInputs) -> list[ReportWarning]:
    """Collect the warnings of training, generation, evaluation and files."""
    found = {
        "Training": _of_training(inputs.model),
        "Generation": inputs.generation.get("warnings", ()),
        "Evaluation": _of_evaluation(inputs.metrics),
        "Report": [*_of_another_model(inputs), *_of_streamlines(inputs)],
    }
    return [
        ReportWarning(source, text)
        for source, texts in found.items()
        for text in dict.fromkeys(texts)
    ]


def _of_training(model) -> list[str]:
    record = model.record
    texts = list(record.parameters.get("warnings", ()))
    if record.parameters.get("interrupted"):
        texts.append("The training was interrupted; the model is the best until then.")
    if record.history and not record.held_out_mm:
        texts.append(
            "No streamline was held out: the weights are the last ones, and the error "
            "on new streamlines is not known."
        )
    is_told = any("collaps" in text for text in texts)
    active, dimensions = record.active_units, model.latent_dim
    if record.history and not active and not is_told:
        texts.append("The posterior has collapsed: no latent dimension is active.")
    elif 0 < active < min(_FEW_ACTIVE, dimensions / 2):
        texts.append(f"Only {active} of {dimensions} latent dimensions are active.")
    if not is_told:
        texts += _of_coverage(record.history)
    few = [
        f"{name} ({count})"
        for name, count in zip(record.bundle_names, record.bundle_counts)
        if count < _FEW_STREAMLINES
    ]
    if few:
        texts.append(
            f"Fewer than {_FEW_STREAMLINES} training streamlines: {listed(few)}."
        )
    return texts


def _of_coverage(history: list[dict]) -> list[str]:
    from dipy_tractogen.nn.training.collapse import LOWEST_COVERAGE

    covered = history[-1].get("coverage") if history else None
    if not is_number(covered) or covered >= LOWEST_COVERAGE:
        return []
    return [
        f"At the end of the training, generated streamlines cover only "
        f"{100 * covered:.0f} % of what real ones cover: the model has collapsed."
    ]


def _of_another_model(inputs: ReportInputs) -> list[str]:
    """Warn of what was made with another model than the one of the report."""
    from dipy_tractogen.utils.files import file_digest

    made_with = {
        "generated streamlines": inputs.generation.get("model"),
        "streamlines that were measured": inputs.metrics.get("generated_with"),
        "figures of the latent space": inputs.latent.get("model"),
    }
    own = file_digest(inputs.model_file)
    return [
        f"The {kind} come from another model than this one."
        for kind, made in made_with.items()
        if made and made.get("digest", own) != own
    ]


def _of_evaluation(metrics: dict) -> list[str]:
    if not metrics:
        return []
    thresholds = metrics.get("thresholds") or ()
    missed = [describe_unmet(each) for each in thresholds if not each["met"]]
    texts = [f"Not met: {listed(missed, '; ')}."] if missed else []
    for measure in QUALITY_SHARES:
        low = [
            f"{name} ({format_value(entry['generated'][measure], 2)}, real "
            f"{format_value(entry['real'][measure], 2)})"
            for name, entry in metrics["bundles"].items()
            if far_from_real(entry, measure)
        ]
        if low:
            texts.append(f"Far below real, {measure} of {listed(low)}.")
    texts.append(_of_copies(metrics["bundles"]))
    novelty = metrics["overall"].get("ratios", {}).get("novelty")
    if is_number(novelty) and novelty > FAR_FROM_TRAINING:
        texts.append(
            f"Generated streamlines are farther from those of training than held-out "
            f"ones are (novelty {novelty:.2f})."
        )
    return [text for text in (*texts, *metrics.get("warnings", ())) if text]


def _of_streamlines(inputs: ReportInputs) -> list[str]:
    """Warn of streamlines that were dropped, or drawn though out of the box."""
    kinds = ("real", "generated", "reconstructed")
    given = {kind: getattr(inputs, kind) for kind in kinds}
    return [
        f"Of the {kind} streamlines that are drawn: {each.report.summary()}."
        for kind, each in given.items()
        if each is not None and each.report is not None and each.report.counts
    ]


def _of_copies(bundles: dict[str, dict]) -> str:
    copied = [
        f"{name} ({copies})"
        for name, entry in bundles.items()
        if (copies := (entry.get("memorisation") or {}).get("copies", "none")) != "none"
    ]
    return f"Copies of training streamlines in: {listed(copied)}." if copied else ""
