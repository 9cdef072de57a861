"""Fit of a filter or of labels to reference streamlines, by their latents."""

from __future__ import annotations

from dataclasses import dataclass
import logging

import numpy as np

from dipy_tractogen.streamlines.duplicates import describe_duplicates, first_occurrences
from dipy_tractogen.streamlines.location import Location
from dipy_tractogen.streamlines.naming import UNASSIGNED
from dipy_tractogen.streamlines.simulation.invalid import KINDS, make_invalid
from dipy_tractogen.utils.constructors import takes
from dipy_tractogen.utils.messages import format_count

from .filter import LatentFilter
from .label import LatentLabels, label_figures
from .metric import LatentMetric
from .neighbours import NONE
from .reference import LatentReference, check_reads_no_bundle, latents_and_errors
from .thresholds import ThresholdParameters

logger = logging.getLogger("dipy_tractogen")

_DECODED_POINTS = 32
_LOGGED = ("f1", "precision", "recall", "roc_auc")


@takes(ThresholdParameters)
def fit_filter(
    model, reference, invalid=None, *, show_progress: bool = False, **given
) -> LatentReference:
    """Learn which streamlines are plausible.

    Parameters
    ----------
    model : StreamlineModel
        A trained model whose encoder reads no conditions, such as a VAE.
    reference : BundleSet
        Plausible streamlines, best such that the model was not trained on; those of a
        bundle called unassigned are examples of others.
    invalid : BundleSet, optional
        Streamlines that are not plausible. Without them, and without unassigned ones,
        each reference streamline is made into one that is broken, looped, cut or
        shifted.
    show_progress : bool, optional
        Show progress bars.
    {parameters}

    Returns
    -------
    LatentReference
        Its ``compare`` gives the distance of other streamlines over the threshold;
        those up to 1 are plausible. The ``report`` has the figures on held-out
        examples.

    Raises
    ------
    ValueError
        If the model reads conditions, a parameter is out of its range, or there are too
        few examples.

    Examples
    --------
    >>> reference = fit_filter(model, load_bundles("held_out.trx"))  # doctest: +SKIP
    >>> _, _, relative = reference.compare(model, bundles)  # doctest: +SKIP
    >>> plausible = bundles.select(relative <= 1)  # doctest: +SKIP
    """
    estimator = LatentFilter(**given)
    examples = _encode_examples(
        model, reference, invalid, estimator.seed, show_progress
    )
    known = examples.labels > NONE
    fitted = examples.fit(
        model, estimator, known, examples.labels.clip(0), examples.groups
    )
    figures = estimator.held_out_figures(known)
    shown = [
        f"{name} {figures[name]:.3f}" for name in _LOGGED if figures[name] is not None
    ]
    logger.info("On held-out examples: %s", ", ".join(shown))
    fitted.report = {"held_out": figures, **fitted.report}
    return fitted


@takes(ThresholdParameters)
def fit_labels(
    model, reference, invalid=None, *, show_progress: bool = False, **given
) -> LatentReference:
    """Learn which bundle streamlines belong to, if any.

    Parameters
    ----------
    model, reference, invalid, show_progress
        As of `fit_filter`.
    {parameters}

    Returns
    -------
    LatentReference
        Its ``compare`` gives the nearest bundle of other streamlines, and the distance
        over its threshold; those above 1 belong to none. The ``report`` has the
        figures on held-out examples.

    Raises
    ------
    ValueError
        As of `fit_filter`.
    """
    estimator = LatentLabels(**given)
    examples = _encode_examples(
        model, reference, invalid, estimator.seed, show_progress
    )
    fitted = examples.fit(model, estimator, examples.labels, examples.groups)
    figures = label_figures(
        estimator.held_out_labels(), examples.labels, examples.bundle_names
    )
    logger.info(
        "On held-out examples: accuracy %.3f, mean F1 of the bundles %.3f",
        figures["accuracy"],
        figures["macro_f1"],
    )
    fitted.report = {"held_out": figures, **fitted.report}
    return fitted


@dataclass
class _Examples:
    """Encoded examples of bundles, and of none, that thresholds are fitted to.

    `z` (n, d) are latents, `error_mm` (n,) point errors, `labels` (n,) bundles, -1 for
    none. A streamline and the invalid one made of it share one of the `groups` (n,).
    `kinds` (n,) are the faults of those that were made, indices into `KINDS`, else -1.
    """

    z: np.ndarray
    error_mm: np.ndarray
    labels: np.ndarray
    groups: np.ndarray
    kinds: np.ndarray
    bundle_names: tuple[str, ...] = ()
    place: Location | None = None

    def fit(self, model, estimator, *targets) -> LatentReference:
        """Fit metric and estimator; `targets` are its arguments after the latents."""
        known = self.labels > NONE
        metric = LatentMetric(
            lambda z: model.decode(z, nb_points=_DECODED_POINTS), seed=estimator.seed
        ).fit(self.z[known])
        estimator.fit(metric.transform(self.z, self.error_mm), *targets)
        logger.info(
            "Learnt from %s of %s and %s%s",
            format_count(known.sum(), "reference streamline"),
            format_count(len(self.bundle_names), "bundle"),
            format_count((~known).sum(), "other"),
            ", made of them" if (self.kinds > NONE).any() else "",
        )
        report = self._report(estimator)
        return LatentReference(estimator, metric, self.bundle_names, self.place, report)

    def _report(self, estimator) -> dict:
        """Return the thresholds, and shares of held-out examples within them or not."""
        near = estimator.held_out_relative_ <= 1
        thresholds = map(float, estimator.thresholds_)
        report = {
            "thresholds_mm": dict(zip(self.bundle_names, thresholds)),
            "held_out_near": {
                name: float(near[self.labels == label].mean())
                for label, name in enumerate(self.bundle_names)
            },
        }
        found = {
            name: float((~near)[self.kinds == kind].mean())
            for kind, name in enumerate(KINDS)
            if (self.kinds == kind).any()
        }
        if found:
            report["held_out_found"] = found
            shares = ", ".join(f"{name} {share:.3f}" for name, share in found.items())
            logger.info("Held-out invalid ones that are found: %s", shares)
        return report


def _encode_examples(model, reference, invalid, seed: int, show: bool) -> _Examples:
    """Encode reference streamlines, and invalid ones, given or made of them."""
    check_reads_no_bundle(model)
    counts = reference.counts().items()
    names = tuple(name for name, number in counts if number and name != UNASSIGNED)
    if not names:
        raise ValueError(
            "reference: all streamlines are unassigned; give some of bundles."
        )
    codes = [names.index(n) if n in names else NONE for n in reference.bundle_names]
    labels = np.array(codes)[reference.labels]
    nothing = np.full(len(labels), NONE)
    # A copy in another fold would make every reference as near as can be.
    groups = first_occurrences(reference.streamlines)
    copies = {"reference": (reference.streamlines, reference.labels)}
    for found in describe_duplicates(copies):
        logger.warning("%s; they count as one", found)
    make = invalid is None and bool((labels != NONE).all())
    real, made = _encode(model, reference, "reference", show, seed if make else None)
    parts = [(*real, labels, groups, nothing)]
    if make:
        z, error, kinds = made
        parts.append((z, error, nothing, groups, kinds))
    elif invalid is not None:
        others, _ = _encode(model, invalid, "invalid streamlines", show)
        nothing = np.full(len(invalid), NONE)
        alone = len(labels) + np.arange(len(invalid))
        parts.append((*others, nothing, alone, nothing))
    place = Location.of(reference.select(labels != NONE).streamlines)
    arrays = (np.concatenate(each) for each in zip(*parts))
    return _Examples(*arrays, names, place)


def _encode(model, bundles, what: str, show: bool, seed: int | None = None):
    """Encode streamlines, and the invalid one made of each if a seed is given."""
    from dipy_tractogen.nn.encoding import encoded_blocks

    real, made = [], []
    for rows, points, outputs, columns in encoded_blocks(
        model, bundles, description=f"Encoding {what}", show_progress=show
    ):
        real.append(latents_and_errors(points, outputs))
        if seed is not None:
            invalid, kinds = make_invalid(points, seed=[seed, rows.start])
            # Values along them stay those of the real ones.
            columns = np.concatenate([invalid, columns[..., 3:]], axis=2)
            outputs = model.encode_and_decode(columns)
            made.append((*latents_and_errors(invalid, outputs), kinds))
    return [[np.concatenate(each) for each in zip(*parts)] for parts in (real, made)]
