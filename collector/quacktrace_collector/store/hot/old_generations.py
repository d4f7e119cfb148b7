"""Hot generations of layout version 1, which had a row a span: each is sealed as it is, and with that gone."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Final

import duckdb
import pyarrow as pa

from quacktrace_collector.schema import LOGS, ORIGINS, SPANS
from quacktrace_collector.store.hot.feed import FeedWriter, encode_batch
from quacktrace_collector.store.hot.generation import Generation
from quacktrace_collector.store.hot.replay import connect
from quacktrace_collector.store.sealed.seal import seal
from quacktrace_collector.store.sealed.segment_files import segment_path
from quacktrace_collector.store.snapshot import Feed, FeedFile
from quacktrace_collector.store.views import quote_literal

_log = logging.getLogger(__name__)
_SCHEMAS: Final = {"origins": ORIGINS, "spans": SPANS, "logs": LOGS}


def seal_old_generations(data_dir: Path) -> None:
    """May be cut short and done again, as a segment makes its generation void; whoever reads it makes its rollups."""
    hot_dir, sealed_dir = data_dir / "hot", data_dir / "sealed"
    for generation_id in Generation.existing(hot_dir):
        if any(sealed_dir.glob(f"*-{generation_id:012d}")):
            continue
        connection = connect(data_dir)
        try:
            path = hot_dir / f"{generation_id:012d}.duckdb"
            connection.execute(f"attach {quote_literal(str(path))} as old (storage_version 'v1.5.0')")
            tables = connection.sql("select table_name from duckdb_tables() where database_name = 'old'").fetchall()
            if ("spans",) in tables:
                _seal(connection, hot_dir, sealed_dir, generation_id)
        except (duckdb.Error, pa.ArrowException) as error:
            # Damaged: the start that follows sets it aside.
            _log.error("generation %d of the old layout cannot be read: %s", generation_id, error)
        finally:
            connection.close()
        if segment_path(sealed_dir, generation_id, generation_id).exists():
            Generation.unlink(hot_dir, generation_id)


def _seal(connection: duckdb.DuckDBPyConnection, hot_dir: Path, sealed_dir: Path, generation_id: int) -> None:
    files: dict[str, FeedFile] = {}
    rows: dict[str, int] = {}
    for name, schema in _SCHEMAS.items():
        table = connection.sql(f"from old.{name}").to_arrow_table().cast(schema)
        path = hot_dir / f"{generation_id:012d}.{name}.arrows"
        path.unlink(missing_ok=True)
        writer = FeedWriter(path, schema)
        if table.num_rows:
            writer.write(encode_batch(table))
            writer.commit()
        files[name], rows[name] = writer.file(), table.num_rows
        writer.close()
    if rows["spans"] or rows["logs"]:
        feed = Feed(generation_id, spans=files["spans"], origins=files["origins"], logs=files["logs"])
        seal(feed, sealed_dir, span_count=rows["spans"], log_count=rows["logs"], rollup=None)
    else:
        Generation.unlink(hot_dir, generation_id)
