"""Projections of latents to two dimensions."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
import warnings

import numpy as np

from dipy_tractogen.utils.messages import check_choice

PROJECTIONS = {"pca": "PCA", "umap": "UMAP", "tsne": "t-SNE"}
"""Names of the projections by the words that choose them."""

# Neighbours that UMAP keeps, and about those of t-SNE, where there are enough.
_UMAP_NEIGHBOURS = 15
_PERPLEXITY = 30.0


@dataclass(frozen=True)
class Projection:
    """Latents in two dimensions, and what the axes are.

    ``explained_variance`` is the share of the variance of each component, of PCA.
    """

    places: np.ndarray
    axis_labels: tuple[str, str]
    explained_variance: np.ndarray | None = None


def check_projection(method: str) -> None:
    """Raise ValueError for an unknown projection, ImportError for a missing package."""
    check_choice("projection", method, PROJECTIONS)
    if method == "umap" and find_spec("umap") is None:
        raise ImportError(
            "--projection umap needs umap-learn, which is not installed: pip install "
            "umap-learn, or leave umap out."
        )


def project(z: np.ndarray, method: str = "pca", *, seed: int = 0) -> Projection:
    """Project latents (n, d) of three streamlines or more to two dimensions.

    By principal components, whose signs make the largest loadings positive, and of
    which the second is zero for a single latent; by UMAP :footcite:p:`McInnes2018`, of
    umap-learn; or by t-SNE :footcite:p:`Maaten2008`. The latter two keep neighbours
    together: distances between groups, and their sizes, mean nothing there. Raises
    ImportError if the method needs a package that is not installed.

    References
    ----------
    .. footbibliography::
    """
    check_projection(method)
    z = np.asarray(z, dtype=float)
    if method == "pca":
        return _principal_components(z)
    places = _umap(z, seed) if method == "umap" else _tsne(z, seed)
    name = PROJECTIONS[method]
    return Projection(places, (f"{name} 1", f"{name} 2"))


def _principal_components(z: np.ndarray) -> Projection:
    from sklearn.decomposition import PCA

    with np.errstate(invalid="ignore"):
        pca = PCA(svd_solver="full").fit(z)
    # PCA's own ratios are NaN where all latents are the same.
    variance = pca.explained_variance_
    shares = variance / (variance.sum() or 1.0)
    places = np.zeros((len(z), 2))
    found = pca.transform(z)[:, :2]
    places[:, : found.shape[1]] = found
    labels = [f"PC {number + 1} ({100 * s:.1f} %)" for number, s in enumerate(shares)]
    labels.append("there is no second component")
    return Projection(places, (labels[0], labels[1]), shares)


def _tsne(z: np.ndarray, seed: int) -> np.ndarray:
    from sklearn.manifold import TSNE

    perplexity = min(_PERPLEXITY, (len(z) - 1) / 3)
    tsne = TSNE(init="random", perplexity=perplexity, random_state=seed)
    if np.ptp(z) > 0 and min(z.shape) >= 2:
        # With PCA, the layout of large groups follows their distances.
        tsne.set_params(init="pca")
    return tsne.fit_transform(z.astype(np.float32))


def _umap(z: np.ndarray, seed: int) -> np.ndarray:
    with warnings.catch_warnings():
        # It warns that TensorFlow is not installed, or that a seed means one thread.
        warnings.simplefilter("ignore")
        from umap import UMAP

        neighbours = min(_UMAP_NEIGHBOURS, len(z) - 1)
        umap = UMAP(n_neighbors=neighbours, random_state=seed, n_jobs=1)
        return umap.fit_transform(z.astype(np.float32))
