"""Large tractograms of generated streamlines, written as shards."""

from __future__ import annotations

from collections.abc import Iterable
import os
from pathlib import Path
from pickle import PicklingError
from tempfile import TemporaryDirectory

import joblib

from dipy_tractogen.streamlines.formats.sidecar import sidecar_path, write_sidecar
from dipy_tractogen.streamlines.reference import Reference
from dipy_tractogen.utils.files import atomic_write, file_digest
from dipy_tractogen.utils.shard_folder import ShardManifest
from dipy_tractogen.utils.shards import Shard
from dipy_tractogen.utils.versions import versions_to_use

from .plausibility import Plausibility

# What the streamlines of a shard do not depend on.
_OF_THE_RUN = ("show_progress",)
_PLAIN = (str, int, float, bool, type(None))


def generate_shards(
    model,
    folder: str | os.PathLike,
    nb_streamlines: int,
    nb_shards: int,
    *,
    tractogram: str = "synthetic.trx",
    only_shards: Iterable[int] | None = None,
    force: bool = False,
    **options,
) -> list[Path]:
    """Generate a large tractogram as shards, files that depend on no other.

    A shard depends on the model, the options, `nb_streamlines`, `nb_shards`, the seed
    and its index, so that each can be made at any time and on any machine of a kind.
    Together they have the streamlines of each bundle that `generate_file` would write;
    each has an even share of every bundle. Shards that are there are not made again,
    and those of a call that was broken off are taken up. Memory is that of one
    ``generate_file``.

    Parameters
    ----------
    folder : str or Path
        Folder of the shards, which `load_bundles` and all commands read as one
        tractogram. Its ``shards.json`` says what they are made of.
    nb_streamlines : int
        Number of streamlines in all shards together.
    nb_shards : int
        Number of the shards, at most that of the streamlines.
    tractogram : str, optional
        Name of the whole tractogram, in any format of DIPY: that of a shard has in
        addition ``split-0001``, as in BIDS.
    only_shards : iterable of int, optional
        Shards to make, from 1; all by default.
    force : bool, optional
        Make them again if they are there, and remove those of another generation.
    **options
        Further options of ``generate_file``, which each shard is written with.

    Returns
    -------
    list of Path
        The shards that were asked for.

    Raises
    ------
    FileExistsError
        If the folder has shards of another generation, or a file that is none but has
        the name of one, without `force`.
    OSError
        If the folder cannot be written.
    ValueError
        As from ``generate_file``, or if there is no such shard.
    """
    # Shards that are asked for are checked before anything is written.
    asked = range(1, nb_shards + 1) if only_shards is None else only_shards
    wanted = [Shard(index, nb_shards) for index in asked]
    stated = {key: each for key, each in options.items() if key not in _OF_THE_RUN}
    parameters = {key: _described(key, each) for key, each in sorted(stated.items())}
    manifest = ShardManifest(
        tractogram,
        nb_shards,
        nb_streamlines,
        {
            "model": _digest(model),
            "parameters": parameters,
            "versions": versions_to_use(),
        },
    )
    Path(folder).mkdir(parents=True, exist_ok=True)
    manifest.begin(folder, force=force)
    for shard in wanted:
        if force or not manifest.is_whole(folder, shard):
            ours = force or manifest.claims(folder, shard)
            path = manifest.path(folder, shard)
            # Complete once it has its name: its JSON file is there before.
            with atomic_write(path, force=ours) as temporary:
                made = model.generate_file(
                    temporary, nb_streamlines, shard=shard, **options
                )
                sidecar_path(temporary).unlink(missing_ok=True)
                facts = {**made.to_dict(), "shard": manifest.facts(temporary, shard)}
                write_sidecar(path, facts, force=True)
    return [manifest.path(folder, shard) for shard in wanted]


def _described(name: str, value: object) -> object:
    """Return the plain value of an option as it is, and a digest of any other."""
    if name == "reference" and value is not None:
        # The grid in a file counts, not the name of the file.
        return Reference.of(value).to_dict()
    if isinstance(value, _PLAIN):
        return value
    if isinstance(value, (list, tuple)):
        return [_described(name, each) for each in value]
    if isinstance(value, dict):
        return {str(key): _described(name, each) for key, each in value.items()}
    if isinstance(value, Plausibility):
        value.reset()
    # A sampler is fitted when it is first used.
    given = value.get_params() if hasattr(value, "get_params") else value
    kind = type(value).__name__
    try:
        return f"{kind} {joblib.hash(given)}"
    except (PicklingError, TypeError):
        raise ValueError(
            f"{name} is a {kind}, which no other process can be given: give it by name"
        ) from None


def _digest(model) -> str:
    """Return a digest of the weights and the record of a model."""
    with TemporaryDirectory(prefix="dipy_tractogen_") as folder:
        model.record.save(folder)
        files = {
            path.name: file_digest(path) for path in sorted(Path(folder).iterdir())
        }
    return joblib.hash([model.network.get_weights(), sorted(files.items())])
