"""The map of a release: which rows lie on it, and where.

Of a large set a sample is drawn: the rows whose `uuid` has the smallest hash, so that a release
that grows keeps most of its sample. The places are kept in RUN/map.parquet with a digest of all
that they follow from, because they take longest to compute; a release that is made again from
the same rows reads them there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl

from builder.errors import RunError
from builder.neighbours.vectors import Floats, matrix
from builder.recipe.cascade import EMBEDDING
from builder.release.plots import tsne
from builder.run.shards import Shards
from builder.run.storage import write_parquet

MAP_FILE: Final = "map.parquet"
"""Name of the file beside the selection, in the run directory."""

POINTS: Final = 20_000
"""Points of a map at most, of all its sets together."""

_MANY: Final = 4_000  # that take more than some seconds

VECTORS: Final = {"row": pl.Int64(), EMBEDDING: pl.Binary(), "embedding_model": pl.String()}
"""What is read of rows that have vectors."""

SHOWN: Final = 300
"""Characters of an instruction of another set that are kept with its point."""

PLACES: Final = {
    "set": pl.String(),
    "row": pl.Int64(),
    "text": pl.String(),
    "x": pl.Float64(),
    "y": pl.Float64(),
}
"""Columns of a map. `set` is null for rows of the run, which have a `row`; points of another data
set have its name and the first `SHOWN` characters of the instruction."""


@dataclass(frozen=True)
class Placed:
    """Texts of one other data set, or of the kept rows of another run, with their vectors.

    `rows` is how many it has in all, `revision` the commit of a data set on the Hub. `release`
    tells the release of a run: see `runs.release_id`.
    """

    name: str
    texts: tuple[str, ...]
    vectors: Floats
    rows: int
    revision: str = ""
    release: str = ""


def vectors_of(shards: Shards, rows: pl.Series) -> pl.DataFrame:
    """Return `row`, `embedding` (Binary) and `embedding_model` of these rows, ascending.

    Rows without a vector are left out, all of them where the run embeds nothing.
    """
    stage = next((name for name, columns in shards.stages.items() if EMBEDDING in columns), None)
    found = pl.DataFrame(schema=VECTORS)
    if stage is None:
        return found
    parts = [found]
    for shard in shards:
        inside = rows.filter(rows.is_between(shard.first, shard.end - 1))
        if not inside.is_empty():
            known = shard.stage(stage, tuple(VECTORS)).drop_nulls(EMBEDDING)
            parts.append(known.filter(pl.col("row").is_in(inside.implode())))
    return pl.concat(parts).sort("row")


def model_of(found: pl.DataFrame) -> str:
    """Return what computed the vectors that `vectors_of` gives; several names where several did."""
    return ", ".join(found["embedding_model"].drop_nulls().unique().sort())


def sampled(rows: pl.DataFrame, most: int) -> pl.Series:
    """Return the numbers of at most so many rows (`row`, `uuid`), ascending: a fixed sample."""
    if rows.height > most:
        hashes = [hashlib.sha256(uuid.encode()).digest()[:8] for uuid in rows["uuid"]]
        order = pl.Series("hash", hashes, dtype=pl.Binary)
        rows = rows.with_columns(order).sort("hash", "row").head(most)
    return rows["row"].sort()


def places_of(
    found: pl.DataFrame, others: Sequence[Placed], kept: Path, tell: Callable[[str], None]
) -> pl.DataFrame:
    """Return the map (columns `PLACES`) of rows with their vectors, and of other data sets.

    `found` is what `vectors_of` gives. Places are read from the file `kept` where they follow from
    the same vectors, and written to it otherwise. Raises `MissingExtraError`, `StorageError`, and
    `RunError` where another model made the vectors of a data set.
    """
    tsne.refuse_missing()
    own = matrix(found[EMBEDDING])
    _refuse_strangers(own, others)
    vectors = np.concatenate([own, *(one.vectors for one in others)])
    points = _named(found["row"], others)
    digest = _digest(vectors, points)
    known = _known(kept, digest)
    if known is not None:
        return known
    patience = ", a minute or two" if len(vectors) > _MANY else ""
    tell(f"drawing the map of {len(vectors):,} instructions{patience}")
    places = tsne.laid_out(vectors)
    points = points.with_columns(x=pl.Series(places[:, 0]), y=pl.Series(places[:, 1]))
    write_parquet(kept, points.with_columns(digest=pl.lit(digest)))
    return points.select(list(PLACES))


def _refuse_strangers(own: Floats, others: Sequence[Placed]) -> None:
    for one in others:
        if one.vectors.shape[1] != own.shape[1]:
            raise RunError(
                f"the vector of an instruction of {one.name} has {one.vectors.shape[1]} "
                f"components, and those of the run have {own.shape[1]}",
                mend="The model of annotate.embedding is not the one that it was. Name that one, "
                "or compare with nothing: --set plots.compare=[]",
            )


def _named(rows: pl.Series, others: Sequence[Placed]) -> pl.DataFrame:
    """The points without their places, in the order of the vectors."""
    schema = {name: PLACES[name] for name in ("set", "row", "text")}
    parts = [pl.DataFrame({"set": None, "row": rows, "text": None}, schema=schema)]
    for one in others:
        texts = [text[:SHOWN] for text in one.texts]
        parts.append(pl.DataFrame({"set": one.name, "row": None, "text": texts}, schema=schema))
    return pl.concat(parts)


def _digest(vectors: Floats, points: pl.DataFrame) -> str:
    """A digest of all that places follow from."""
    digest = hashlib.sha256(f"{tsne.version()} {tsne.PERPLEXITY} {tsne.SEED}".encode())
    digest.update(np.ascontiguousarray(vectors).tobytes())
    digest.update(points.write_json().encode())
    return digest.hexdigest()


def _known(kept: Path, digest: str) -> pl.DataFrame | None:
    """The places that an earlier release computed, if they are those of these vectors."""
    if not kept.exists():
        return None
    try:
        found = pl.read_parquet(kept)
    except (pl.exceptions.PolarsError, OSError):
        return None  # it is ours to write anew
    if "digest" not in found.columns or found["digest"].n_unique() != 1:
        return None
    return found.select(list(PLACES)) if found["digest"][0] == digest else None


def told(points: pl.DataFrame, rows: int, others: Sequence[Placed]) -> dict[str, Any]:
    """Return what the facts say of a map. `rows` is how many kept rows the release has."""
    counts = dict(points["set"].value_counts().iter_rows())
    return {
        "points": counts.get(None, 0),
        "rows": rows,
        "method": f"t-SNE (openTSNE {tsne.version()}), perplexity {tsne.PERPLEXITY}",
        "sets": [_told_of(one, counts.get(one.name, 0)) for one in others],
    }


def _told_of(one: Placed, points: int) -> dict[str, Any]:
    told = {"name": one.name, "points": points, "rows": one.rows, "revision": one.revision}
    return told | ({"release": one.release} if one.release else {})
