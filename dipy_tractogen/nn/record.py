"""What a model's file carries beside its weights: the record of its training."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
import json
from pathlib import Path
import platform

import numpy as np

from dipy_tractogen.sampling.mixture import LatentMixture

_RECORD = "record.json"
_DENSITY = "density.npz"


@dataclass
class TrainingRecord:
    """Record of a training, kept in the model's file as JSON and arrays.

    Attributes
    ----------
    bundle_names : list of str
        Names of the bundles, in the order of the labels.
    bundle_counts : list of int
        Training streamlines of each bundle.
    length_ranges : list of [float, float]
        Shortest and longest training streamline of each bundle, in mm.
    directions : list of list of float
        Odd cosine coefficients of each bundle's mean, the direction it runs in.
    reference : dict or None
        Header of the training's space (``Reference.to_dict``).
    truncation_mm : float
        Mean point error that the number of coefficients alone causes, in mm.
    held_out_mm : dict
        ``mean`` and ``percentile_95`` of the point error of held-out streamlines.
    active_units : int
        Latent dimensions whose z_mean varies over the training data.
    parameters : dict
        Parameters of the training.
    data : dict
        Files, their digests, numbers of streamlines.
    history : list of dict
        One row for each look at the held-out loss.
    versions : dict
        Versions of what made the model.
    density : LatentMixture or None
        Density of the training latents by bundle.
    """

    bundle_names: list[str] = field(default_factory=list)
    bundle_counts: list[int] = field(default_factory=list)
    length_ranges: list[list[float]] = field(default_factory=list)
    directions: list[list[float]] = field(default_factory=list)
    reference: dict | None = None
    truncation_mm: float = 0.0
    held_out_mm: dict = field(default_factory=dict)
    active_units: int = 0
    parameters: dict = field(default_factory=dict)
    data: dict = field(default_factory=dict)
    history: list[dict] = field(default_factory=list)
    versions: dict = field(default_factory=dict)
    density: LatentMixture | None = None

    def save(self, folder: str | Path) -> None:
        """Write the record into a folder.

        Parameters
        ----------
        folder : str or Path
            An existing folder, for Keras the model's assets.
        """
        density, self.density = self.density, None
        try:
            plain = asdict(self)
        finally:
            self.density = density
        Path(folder, _RECORD).write_text(json.dumps(plain, indent=1))
        if density is not None:
            np.savez(Path(folder, _DENSITY), **density.to_arrays())

    @classmethod
    def load(cls, folder: str | Path) -> TrainingRecord:
        """Read a record.

        Parameters
        ----------
        folder : str or Path
            Where `save` wrote it.

        Returns
        -------
        TrainingRecord
            The record. Entries of a later version of the package are left out.
        """
        plain = json.loads(Path(folder, _RECORD).read_text())
        known = {entry.name for entry in fields(cls)}
        record = cls(**{key: value for key, value in plain.items() if key in known})
        density = Path(folder, _DENSITY)
        if density.exists():
            with np.load(density, allow_pickle=False) as arrays:
                record.density = LatentMixture.from_arrays(
                    dict(arrays), record.bundle_names
                )
        return record


def current_versions() -> dict[str, str]:
    """Give the versions of the software that a training depends on.

    Returns
    -------
    dict of str to str
        Version by package name, and that of Python.
    """
    import dipy
    import keras
    import sklearn
    import tensorflow as tf

    from dipy_tractogen import __version__

    return {
        "dipy_tractogen": __version__,
        "python": platform.python_version(),
        "dipy": dipy.__version__,
        "keras": keras.__version__,
        "tensorflow": tf.__version__,
        "numpy": np.__version__,
        "scikit-learn": sklearn.__version__,
    }
