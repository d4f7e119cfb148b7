"""The public columns of `spans` and `logs` as SELECTs over hot tables, feeds and sealed files.

All three give the same columns in the same order, so that a union of them is the view that users query.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final, Literal

from quacktrace_collector.schema import PROMOTED

Kind = Literal["spans", "logs"]

_SERVICE: Final = (
    "service_name",
    "service_namespace",
    "service_version",
    "service_instance_id",
    "deployment_environment",
    "scope_name",
    "scope_version",
)
_ORIGIN_REST: Final = (
    "resource_dropped_attributes_count",
    "scope_dropped_attributes_count",
    "resource_schema_url",
    "scope_schema_url",
    "resource_entity_refs",
)
_ATTRIBUTES: Final = (
    "attributes",
    "attributes_types",
    "resource",
    "resource_types",
    "scope_attributes",
    "scope_attributes_types",
)
_FROM_JSON: Final = {"resource": "resource_json", "scope_attributes": "scope_attributes_json"}

# Sealed files keep an end time only where it does not follow from the start and the duration.
_SEALED_END_TIME: Final = "coalesce(end_time, make_timestamp_ns(epoch_ns(start_time) + duration_ns)) as end_time"

PUBLIC_SPAN_COLUMNS: Final = (
    "trace_id",
    "span_id",
    "parent_span_id",
    "trace_state",
    "flags",
    "name",
    "kind",
    "start_time",
    "end_time",
    "duration_ns",
    "status_code",
    "status_message",
    *_SERVICE,
    *_ATTRIBUTES,
    "events",
    "links",
    "dropped_attributes_count",
    "dropped_events_count",
    "dropped_links_count",
    *_ORIGIN_REST,
    "received_at",
    *(promoted.column for promoted in PROMOTED),
)
PUBLIC_LOG_COLUMNS: Final = (
    "time",
    "observed_time",
    "severity_number",
    "severity_text",
    "body",
    "body_type",
    "trace_id",
    "span_id",
    *_SERVICE,
    "event_name",
    *_ATTRIBUTES,
    "dropped_attributes_count",
    "flags",
    *_ORIGIN_REST,
    "received_at",
)
PUBLIC_COLUMNS: Final[dict[Kind, tuple[str, ...]]] = {"spans": PUBLIC_SPAN_COLUMNS, "logs": PUBLIC_LOG_COLUMNS}


def hot_relation(kind: Kind, data_relation: str, origins_relation: str, *, columns: Sequence[str] | None = None) -> str:
    """A SELECT of public columns over a hot table (or feed) and its origins; both names are trusted identifiers.

    Without `columns` all of them; binding each costs 0.1 ms.
    """
    selected = ", ".join(
        _expression(column, attributes="map_from_entries(attributes)") for column in columns or PUBLIC_COLUMNS[kind]
    )
    return f"select {selected} from {data_relation} join {origins_relation} using (origin_id)"


def sealed_relation(kind: Kind, paths: Sequence[Path], *, columns: Sequence[str] | None = None) -> str:
    """A SELECT of public columns over sealed Parquet files; without `columns` all of them."""
    selected = ", ".join(
        _SEALED_END_TIME if column == "end_time" else _expression(column, attributes="attributes")
        for column in columns or PUBLIC_COLUMNS[kind]
    )
    files = ", ".join(quote_literal(str(path)) for path in paths)
    return f"select {selected} from read_parquet([{files}])"


def quote_literal(text: str) -> str:
    """`text` as an SQL string literal."""
    return "'" + text.replace("'", "''") + "'"


def _expression(column: str, *, attributes: str) -> str:
    if column == "attributes":
        return f"{attributes} as attributes"
    if column in _FROM_JSON:
        return f"cast(cast({_FROM_JSON[column]} as json) as map(varchar, varchar)) as {column}"
    return f'"{column}"'
