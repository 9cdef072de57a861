"""Walks through the latents of streamlines: one thing changes, the rest stays."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from dipy_tractogen.streamlines.messages import listed


class LatentTraversal:
    """Adds to a model what it decodes when one latent or condition is changed."""

    def traverse(
        self,
        streamlines,
        along: int | str,
        places: np.ndarray,
        values: Mapping[str, np.ndarray] | None = None,
    ) -> np.ndarray:
        """Set a latent dimension, or a number, to several values, and decode.

        Parameters
        ----------
        streamlines : ndarray of shape (n, p, 3) or ArraySequence
            Streamlines that the walk begins with, in RASMM mm.
        along : int or str
            The latent dimension, or the name of a continuous condition that the decoder
            reads.
        places : ndarray of shape (s,)
            What it is set to, of a condition in its unit. The other latents and
            conditions stay those of the streamlines.
        values : mapping of str to ndarray of shape (n,), optional
            Conditions of each, as `encode` takes them.

        Returns
        -------
        ndarray of shape (n, s, nb_points, 3), float32
            Points in RASMM mm, in the direction that the model learnt.

        Raises
        ------
        ValueError
            If there is no such dimension, or the decoder reads no such number, or a
            condition is missing.
        """
        self._check_along(along)
        places = np.asarray(places, dtype=np.float32)
        points = self.as_points(streamlines)
        matrix = self.condition_matrix(points, values)
        z = self.encode_matrix(points, matrix)["z_mean"]
        nb_streamlines, nb_places = len(z), len(places)
        z = z.repeat(nb_places, axis=0)
        if matrix is not None:
            matrix = matrix.repeat(nb_places, axis=0)
        if isinstance(along, str):
            one = self.conditions[along]
            changed, column = matrix, self.conditions.columns(along).start
            places = (places - one.mean) / one.deviation
        else:
            changed, column = z, along
        changed[:, column] = np.tile(places, nb_streamlines)
        decoded = self.decode_matrix(z, matrix)
        return decoded.reshape(nb_streamlines, nb_places, self.nb_points, 3)

    def _check_along(self, along: int | str) -> None:
        """Refuse a dimension that is not there, and what the decoder does not read."""
        if not isinstance(along, str):
            if not 0 <= along < self.latent_dim:
                raise ValueError(
                    f"along={along}: the model has the latent dimensions 0 to "
                    f"{self.latent_dim - 1}."
                )
            return
        names = ()
        if self.conditions_in_decoder:
            self.check_layers()
            names = tuple(one.name for one in self.conditions.continuous)
        if along not in names:
            read = f"the numbers {listed(names)}" if names else "no number"
            raise ValueError(
                f"along={along!r}: the decoder of the model reads {read} beside the "
                "latents; give one of them, or a latent dimension."
            )
