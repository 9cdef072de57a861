"""Parameters of the simulations, for functions and commands."""

from __future__ import annotations

from dataclasses import dataclass

from dipy_tractogen.utils.constructors import documented
from dipy_tractogen.utils.parameters import LARGEST, LARGEST_SEED, Parameters, parameter

MAX_RADIUS = 15.0
MAX_THICKNESS = 9.0


@dataclass
class FiberCupParameters(Parameters):
    """Parameters of the FiberCup-like phantom."""

    nb_streamlines: int = parameter(
        300,
        "Number of streamlines in each of the seven bundles.",
        essential=True,
        within="[1, 1e9]",
    )
    radius: float = parameter(
        6.5,
        "Half width of a bundle in the plane at its middle, at most 15.",
        unit="mm",
        within=f"(0, {MAX_RADIUS}]",
    )
    thickness: float = parameter(
        9.0,
        "Full width of a bundle out of the plane, at most 9.",
        unit="mm",
        within=f"(0, {MAX_THICKNESS}]",
    )
    curvature_noise: float = parameter(
        1.0,
        "Root mean square of a smooth displacement of each streamline within its "
        "bundle, at most the radius. Its second derivative in the plane is white over "
        "six cosine modes; out of the plane it is in proportion to the thickness.",
        unit="mm",
        within="[0, 1e3]",
    )
    varying_ends: float = parameter(
        0.5,
        "Share of the length of a bundle over which its streamlines start and stop, "
        "half of it at either end, from 0 to 0.9. Zero gives whole streamlines only.",
        within="[0, 0.9]",
    )
    nb_points: int | None = parameter(
        None,
        "Number of points in each streamline, equally spaced.",
        by_default="that of the step",
        essential=True,
        within="[2, 10000]",
    )
    step: float = parameter(
        1.0,
        "Distance between points where no number is given, to the nearest one that "
        "divides the streamline equally, at least 0.05.",
        unit="mm",
        within=f"[0.05, {LARGEST}]",
    )
    seed: int = parameter(
        0, "Seed of the random numbers.", essential=True, within=f"[0, {LARGEST_SEED}]"
    )


@documented()
@dataclass
class CohortLaws(Parameters):
    """Effects of age and diagnosis on a bundle.

    For a subject whose age is :math:`a` years above the youngest, lengths are
    multiplied by ``(1 - length_per_year a)``, for a patient also by
    ``(1 - patient_length)``; widths by ``(1 + fan_per_year a)`` and
    ``(1 + patient_fan)``; and all points are moved along y by ``shift_per_year a``, for
    a patient ``patient_shift`` more.

    Parameters
    ----------
    {parameters}
    """

    length_per_year: float = parameter(0.003, "Share of the length lost in a year.")
    fan_per_year: float = parameter(0.004, "Share of the width gained in a year.")
    shift_per_year: float = parameter(0.05, "Shift along y in a year.", unit="mm")
    patient_length: float = parameter(0.1, "Share of the length that patients lack.")
    patient_fan: float = parameter(0.15, "Share of the width that patients have more.")
    patient_shift: float = parameter(2.0, "Shift of patients along y.", unit="mm")
    subject_noise: float = parameter(
        0.01,
        "Standard deviation of the logarithm of a factor that each subject's lengths "
        "have beside the laws.",
        within=f"[0, {LARGEST}]",
    )
    subject_fan: float = parameter(
        0.0,
        "Standard deviation of the logarithm of a factor that the widths of each "
        "subject have beside the laws.",
        within=f"[0, {LARGEST}]",
    )
    subject_shift: float = parameter(
        0.0,
        "Standard deviation of the displacement of each bundle of a subject beside the "
        "laws, along x and along y.",
        unit="mm",
        within=f"[0, {LARGEST}]",
    )

    def length_factor(self, years: float, diagnosis: str) -> float:
        """Return the factor of lengths at an age in years above the youngest."""
        lacking = self.patient_length if diagnosis == "patient" else 0.0
        return (1 - self.length_per_year * years) * (1 - lacking)

    def width_factor(self, years: float, diagnosis: str) -> float:
        """Return the factor of widths at an age in years above the youngest."""
        more = self.patient_fan if diagnosis == "patient" else 0.0
        return (1 + self.fan_per_year * years) * (1 + more)

    def shift(self, years: float, diagnosis: str) -> float:
        """Return the shift along y in mm at an age in years above the youngest."""
        more = self.patient_shift if diagnosis == "patient" else 0.0
        return self.shift_per_year * years + more
