"""One trial of a search: train a model, and measure it on held-out streamlines."""

from __future__ import annotations

import logging

import numpy as np

from dipy_tractogen.metrics.disentanglement import (
    disentanglement,
    streamline_attributes,
)
from dipy_tractogen.metrics.evaluation import evaluate_generated
from dipy_tractogen.metrics.measures import QUALITY
from dipy_tractogen.nn import VAE
from dipy_tractogen.nn.backend import forget_graphs
from dipy_tractogen.nn.training.dataset import TrainingData, TrainingSet
from dipy_tractogen.streamlines.point_data.values import resample_point_data
from dipy_tractogen.utils.progress import Progress

logger = logging.getLogger("dipy_tractogen")

_OF_TRAINING = ("learning_rate",)
_OF_BACKBONE = ("nb_coefficients",)


def run_trial(training, held_out, chosen: dict, fixed: dict, options: dict) -> dict:
    """Train a variational autoencoder and measure it.

    Parameters
    ----------
    training, held_out : BundleSet
        Streamlines to train on, and to measure with.
    chosen : dict
        Values that the search chose: ``beta`` and others of `PARAMETERS`.
    fixed : dict
        Arguments of the model that are the same in all trials.
    options : dict
        Options of the training, ``seed`` among them.

    Returns
    -------
    dict of str to float
        ``point_error_mm`` and ``kl_nats`` of held-out streamlines, ``active_units``;
        precision, recall, density and coverage of as many generated streamlines as
        were trained on, and under ``real_`` those of real ones; their ``quality``, the
        mean of precision and coverage, each over that of real streamlines; novelty;
        ``error_`` and the name of each of the model's values along the streamlines;
        interpretability, SCC, MIG and SAP, means over the attributes, and modularity;
        ``seconds`` of the optimisation.

    Raises
    ------
    TrainingDivergedError
        If the loss is not finite.
    """
    for_training = {name: chosen[name] for name in _OF_TRAINING if name in chosen}
    of_backbone = {name: chosen[name] for name in _OF_BACKBONE if name in chosen}
    others = set(chosen) - set(for_training) - set(of_backbone)
    model = VAE(
        **{**fixed, **{name: chosen[name] for name in others}},
        backbone_options=of_backbone,
        seed=options["seed"],
    )
    data, aside = (_resampled(part, model) for part in (training, held_out))
    try:
        model.fit(
            data.points,
            data.labels,
            data.bundle_names,
            data_per_point=data.data_per_point,
            held_out=aside.points,
            held_out_labels=aside.labels,
            held_out_data_per_point=aside.data_per_point,
            **{**options, **for_training},
        )
        return _measure(model, training, held_out, data, aside, options["seed"])
    finally:
        forget_graphs()


def _resampled(bundles, model) -> TrainingData:
    """Return streamlines as a model reads them, with the values that it learns."""
    data = {name: bundles.data_per_point[name] for name in model.profiles}
    return TrainingData(
        bundles.resample(model.nb_points),
        bundles.labels,
        bundles.bundle_names,
        data_per_point=resample_point_data(data, bundles.streamlines, model.nb_points),
    )


def run_trials(
    study, training, held_out, fixed: dict, options: dict, *, show_progress=False
) -> None:
    """Run the trials of a `BetaStudy` that are left, and log each.

    Other arguments are those of `run_trial`.
    """
    nb_ended = study.nb_ended()
    logger.info("%d trials, %d of which have ended", study.nb_trials, nb_ended)
    with Progress(
        study.nb_trials, "Trials", show_bar=show_progress, initial=nb_ended
    ) as progress:

        def ended(row: dict) -> None:
            _log_trial(row)
            progress.advance(study.nb_ended() - progress.done)

        study.run(
            lambda chosen: run_trial(training, held_out, chosen, fixed, options), ended
        )


def _log_trial(row: dict) -> None:
    if row["state"] != "complete":
        logger.warning(
            "Trial %d, beta %g: %s", row["trial"], row["beta"], row["reason"]
        )
        return
    logger.info(
        "Trial %(trial)d, beta %(beta)g: point error %(point_error_mm).2f mm, "
        "KL %(kl_nats).1f nats, %(active_units)d active, quality %(quality).3f",
        row,
    )


def _measure(model, training, held_out, data, aside, seed: int) -> dict:
    record = model.record
    read = TrainingSet(model, data).held_out(aside).inputs
    z_mean, deviation = model.coder.posterior(read)
    return {
        "point_error_mm": record.held_out_mm["mean"],
        "kl_nats": _divergence(z_mean, deviation),
        "active_units": record.active_units,
        **_quality(model, training, held_out, seed),
        **_disentanglement(z_mean, aside.points, held_out.streamlines),
        **{f"error_{k}": each["mean"] for k, each in record.held_out_profiles.items()},
        "seconds": record.history[-1]["seconds"],
    }


def _divergence(z_mean: np.ndarray, deviation: np.ndarray) -> float:
    """KL divergence of posteriors from the standard normal, in nats a streamline."""
    squared = z_mean.astype(float) ** 2 + deviation.astype(float) ** 2
    return float((0.5 * (squared - 1) - np.log(deviation)).sum(axis=1).mean())


def _quality(model, training, held_out, seed: int) -> dict[str, float]:
    points, labels = model.generate(len(training), seed=seed)
    report = evaluate_generated(points, labels, held_out, training, seed=seed)[
        "overall"
    ]
    generated, real = report["generated"], report["real"]
    shares = [generated[name] / real[name] for name in ("precision", "coverage")]
    return {
        **{name: generated[name] for name in QUALITY},
        **{f"real_{name}": real[name] for name in QUALITY},
        "quality": float(np.mean(shares)),
        "novelty": report["ratios"]["novelty"],
    }


def _disentanglement(z_mean: np.ndarray, points, streamlines) -> dict[str, float]:
    report = disentanglement(z_mean, streamline_attributes(points, streamlines))
    modularity = report.pop("modularity")
    means = {name: float(np.mean(list(part.values()))) for name, part in report.items()}
    return {**means, "modularity": modularity}
