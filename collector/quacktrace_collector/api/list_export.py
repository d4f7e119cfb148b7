"""A list as a file: CSV of its rows, or OTLP JSON of its traces."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson
from aiohttp import hdrs, web

from quacktrace_collector.errors import QueryTooLargeError
from quacktrace_collector.query.trace_export import export_trace
from quacktrace_collector.store import Store

_MOST_TRACES: Final = 200
_MOST_BYTES: Final = 128 * 1024 * 1024
_TRACE_COLUMNS: Final = (
    *("trace_id", "start_time", "root_service_name", "root_name", "root_duration_ns", "duration_ns"),
    *("span_count", "error_count", "is_complete"),
)
_SPAN_COLUMNS: Final = (
    *("trace_id", "span_id", "parent_span_id", "start_time", "service_name", "name", "kind", "status_code"),
    "duration_ns",
)
# What a spreadsheet would take for a formula: names and attributes are somebody else's text.
_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")


def csv_file(rows: Sequence[Mapping[str, Any]], keys: Sequence[str], *, name: str) -> web.Response:
    """One line a row, the chosen columns last."""
    columns = _TRACE_COLUMNS if name == "traces" else _SPAN_COLUMNS
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([*columns, *map(_cell, keys)])
    for row in rows:
        writer.writerow([_cell(value) for value in (*(row[column] for column in columns), *row.get("values", ()))])
    return _file(text.getvalue().encode("utf-8", "replace"), "text/csv; charset=utf-8", f"{name}.csv")


def otlp_file(store: Store, rows: Sequence[Mapping[str, Any]], *, name: str) -> web.Response:
    """All spans of the rows' traces as one ExportTraceServiceRequest, which imports back identical.

    Raises:
        QueryTooLargeError: more than 200 traces, or more than 128 MiB.
    """
    trace_ids = list(dict.fromkeys(row["trace_id"] for row in rows))
    if len(trace_ids) > _MOST_TRACES:
        raise QueryTooLargeError(
            f"the list has {len(trace_ids):,} traces, more than {_MOST_TRACES}",
            hint="narrow it, or ask for a lower limit",
        )
    parts: list[bytes] = []
    for trace_id in trace_ids:
        parts += [orjson.dumps(one) for one in export_trace(store, trace_id)["resourceSpans"]]
        if sum(map(len, parts)) > _MOST_BYTES:
            raise QueryTooLargeError("these traces are more than 128 MiB", hint="narrow the list")
    return _file(b'{"resourceSpans":[' + b",".join(parts) + b"]}", "application/json", f"{name}.otlp.json")


def _cell(value: Any) -> Any:
    if isinstance(value, str) and value.startswith(_FORMULA_STARTS):
        return f"'{value}"
    return "" if value is None else value


def _file(body: bytes, content_type: str, name: str) -> web.Response:
    return web.Response(
        body=body,
        headers={
            hdrs.CONTENT_TYPE: content_type,
            hdrs.CONTENT_DISPOSITION: f'attachment; filename="{name}"',
            hdrs.CACHE_CONTROL: "no-store",
            "X-Content-Type-Options": "nosniff",
        },
    )
