"""Parameters of the terms of the loss, and of the posterior of the latents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass
import math

from dipy_tractogen.utils.parameters import POSITIVE, Parameters, parameter


@dataclass(kw_only=True)
class KLParameters(Parameters):
    """Parameters of the KL divergence."""

    beta: float = parameter(
        1.0, "Weight of the KL divergence.", essential=True, within="[0, 1e9]"
    )
    beta_schedule: str = parameter(
        "constant",
        "How the weight changes during the training: constant, linear (grows once), "
        "cyclical (grows again and again) or decreasing. All end at beta, which the "
        "loss of held-out streamlines has from the beginning.",
        choices=("constant", "linear", "cyclical", "decreasing"),
    )
    beta_start: float | None = parameter(
        None,
        "Weight that a schedule starts from: by default 0, for decreasing ten times "
        "beta.",
        within="[0, 1e9]",
    )
    beta_ramp: float = parameter(
        0.5,
        "Share of the training, or of each cycle, over which the weight changes.",
        within="(0, 1]",
    )
    beta_cycles: int = parameter(
        4, "Number of cycles of the cyclical schedule.", within="[1, 1e4]"
    )
    free_bits: float = parameter(
        0.0,
        "KL divergence of each latent dimension, in nats, that costs nothing.",
        within="[0, 1e12]",
    )
    kl_variant: str = parameter(
        "squared",
        "squared, or absolute: the means of the latents are drawn to zero by their "
        "squares, or by their absolute values, which leaves bundles apart.",
        choices=("squared", "absolute"),
    )


@dataclass(kw_only=True)
class VarianceParameters(Parameters):
    """How a layer's output becomes a variance."""

    deviation: str = parameter(
        "exp",
        "How the standard deviation of the latents is kept positive: exp or softplus.",
        choices=("exp", "softplus"),
    )
    log_var_limit: float | None = parameter(
        10.0,
        "Largest logarithm of the variance, either way. A training without it, inf, "
        "may become NaN.",
        may_be_infinite=True,
        within=POSITIVE,
    )

    def __post_init__(self):
        super().__post_init__()
        if self.log_var_limit == math.inf:
            self.log_var_limit = None


@dataclass(kw_only=True)
class PosteriorParameters(VarianceParameters):
    """Parameters of the normal distribution of the latents of a streamline."""

    zero_log_var: bool = parameter(
        True,
        "Start the layer of the variances from zero weights, so that every deviation "
        "is one at first.",
        option="random_log_var",
        negated="Start the layer of the variances from random weights, not from zero.",
    )
    epsilon_std: float = parameter(
        1.0,
        "Standard deviation of the noise with which latents are drawn in training.",
        within="[0, 1e3]",
    )


@dataclass(kw_only=True)
class RegressionParameters(Parameters):
    """Parameters of the regression of an attribute."""

    attribute: str = parameter(
        "length",
        "Number that is regressed: length, curvature, tortuosity, a column of the "
        "participants file, or a key of data_per_streamline.",
        essential=True,
    )
    attribute_weight: float = parameter(
        10.0,
        "Weight of the error of the regression.",
        option="regression_weight",
        within=POSITIVE,
    )


_ADVERSARIAL_WEIGHTS = {"bce": 3.0, "wasserstein": 3.0, "mmd": 2000.0}


@dataclass(kw_only=True)
class AdversaryParameters(Parameters):
    """Parameters of the term that draws the latents to a prior."""

    prior: str = parameter(
        "normal",
        "Distribution of the latents: normal, mixture (a Gaussian for each bundle) or "
        "swiss_roll (in 2 latent dimensions).",
        choices=("normal", "mixture", "swiss_roll"),
        essential=True,
    )
    adversarial_loss: str = parameter(
        "bce",
        "What draws the latents to the prior: a discriminator, trained with bce "
        "(binary cross entropy) or wasserstein (with a gradient penalty), or mmd, the "
        "maximum mean discrepancy, after which the prior itself can be drawn from.",
        choices=("bce", "wasserstein", "mmd"),
    )
    adversarial_weight: float | None = parameter(
        None,
        "Weight of misleading the discriminator, or of the discrepancy, beside the "
        "reconstruction.",
        by_default="3, or 2000 for mmd",
        within=POSITIVE,
    )
    adversarial_start: float = parameter(
        100.0,
        "How many times larger the weight of mmd is at first.",
        unset=True,
        within="[1, 1e6]",
    )
    gradient_penalty: float = parameter(
        10.0,
        "Weight of the gradient penalty of wasserstein.",
        unset=True,
        within="[0, 1e12]",
    )
    discriminator_units: Sequence[int] = parameter(
        (256, 256),
        "Units of the hidden layers of the discriminator.",
        unset=True,
        within="[1, 65536]",
    )

    def __post_init__(self):
        super().__post_init__()
        if self.adversarial_weight is None:
            self.adversarial_weight = _ADVERSARIAL_WEIGHTS[self.adversarial_loss]


@dataclass
class LabelParameters(Parameters):
    """Parameters of the classifier that lays the latents out by category."""

    weight: float = parameter(
        10.0, "Weight of the cross entropy at first.", option=None, within=POSITIVE
    )
    final_weight: float = parameter(
        0.001, "Weight that it falls to.", option=None, within="[0, 1e12]"
    )
    schedule: str = parameter(
        "sigmoid",
        "How that weight falls: sigmoid or cosine.",
        choices=("sigmoid", "cosine"),
        option="label_schedule",
        unset=True,
    )
    length: float = parameter(
        0.5,
        "Share of the training after which a sigmoid is half way down, a cosine at its "
        "end.",
        option="label_length",
        unset=True,
        within=POSITIVE,
    )
    slope: float = parameter(
        20.0, "Steepness of sigmoid.", option=None, within=POSITIVE
    )
    condition: str = parameter(
        "bundle",
        "Categorical condition that the classifier reads.",
        option="label_condition",
        unset=True,
    )
    hidden_units: Sequence[int] = parameter(
        (32,),
        "Units of the classifier's hidden layers.",
        option=None,
        within="[1, 65536]",
    )


@dataclass
class AttributeParameters(Parameters):
    """Parameters of the term that ties attributes to latent dimensions."""

    attributes: Mapping[str, int] = parameter(
        MISSING,
        "Latent dimension of each attribute, by the name of the continuous condition.",
        option=None,
    )
    weight: float = parameter(
        100.0,
        "Weight of the term that ties them.",
        option="attribute_weight",
        unset=True,
        within=POSITIVE,
    )
    form: str = parameter(
        "difference",
        "What the dimensions have of the attributes: sign (the order) or difference "
        "(the distances).",
        choices=("sign", "difference"),
        option="attribute_form",
        unset=True,
    )
    delta: float = parameter(
        1.0, "Steepness of sign.", option="attribute_delta", unset=True, within=POSITIVE
    )

    def __post_init__(self):
        super().__post_init__()
        self.attributes = {name: int(each) for name, each in self.attributes.items()}
        dimensions = list(self.attributes.values())
        if not dimensions or len(set(dimensions)) < len(dimensions):
            raise ValueError(
                f"attributes={self.attributes}: give one or more, each with a latent "
                "dimension of its own."
            )
