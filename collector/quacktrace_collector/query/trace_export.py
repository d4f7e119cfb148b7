"""A trace as OTLP JSON that imports back identical."""

from __future__ import annotations

from typing import Any, Final

from quacktrace_collector.errors import QueryTooLargeError
from quacktrace_collector.query.otlp_documents import trace_request
from quacktrace_collector.query.sql_files import Query
from quacktrace_collector.query.trace_spans import rows_to_keep, trace_not_found
from quacktrace_collector.store import Store

_MOST_EXPORTED: Final = 100_000
_OF_TRACE: Final = "where trace_id = $trace_id order by start_time, span_id limit $limit"


def export_trace(store: Store, trace_id: str) -> dict[str, Any]:
    """An ExportTraceServiceRequest; spans of one resource and scope stand together, by start time.

    Raises:
        NotFoundError: no span of the trace is stored.
        QueryTooLargeError: more than 100,000 are.
    """
    table = store.query(
        f"{Query.TRACE_EXPORT.sql}{_OF_TRACE}",
        {"trace_id": trace_id, "limit": _MOST_EXPORTED + 1},
        trace_ids=[trace_id],
    )
    if not table.num_rows:
        raise trace_not_found(trace_id)
    if table.num_rows > _MOST_EXPORTED:
        raise QueryTooLargeError(
            f"the trace has more than {_MOST_EXPORTED:,} spans", hint="read it with SQL, in parts or as Parquet"
        )
    keep = rows_to_keep(table)
    return trace_request((table if keep is None else table.take(keep)).to_pylist())
