"""Folders of shards, and the same streamlines in one file."""

import json

import numpy as np

from dipy_tractogen.streamlines.formats.writers import save_bundles
from dipy_tractogen.utils.shard_folder import ShardManifest


def save_shards(folder, bundles, nb_shards, *, tractogram="made.trx"):
    """Write every n-th streamline as a shard; and all of them, in this order."""
    manifest = ShardManifest(tractogram, nb_shards, len(bundles), {"seed": 1})
    (folder / "made").mkdir()
    manifest.begin(folder / "made")
    order = []
    for shard in manifest.shards:
        rows = np.arange(shard.index - 1, len(bundles), nb_shards)
        order.append(rows)
        part = bundles.select(rows)
        path = manifest.path(folder / "made", shard)
        save_bundles(path, part, inherited=part.data_per_streamline)
        beside = path.with_name(f"{path.name}.json")
        said = json.loads(beside.read_text()) if beside.exists() else {}
        said |= {"shard": manifest.facts(path, shard), "counts": part.counts()}
        beside.write_text(json.dumps(said))
    whole = bundles.select(np.concatenate(order))
    save_bundles(folder / tractogram, whole, inherited=whole.data_per_streamline)
    return folder / "made", folder / tractogram
