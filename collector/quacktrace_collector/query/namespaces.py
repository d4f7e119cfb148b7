"""Which `service.namespace` each service has, for maps too large to show every service."""

from __future__ import annotations

from quacktrace_collector.query.sql_files import Query
from quacktrace_collector.query.window import Window
from quacktrace_collector.store import Store


def namespaces(store: Store, window: Window) -> dict[str, str]:
    """Services with a span in the window that names one; the last in alphabetical order where there are several."""
    narrowed = window.narrowed
    table = store.query(Query.NAMESPACES.sql, window.parameters(), time_range=narrowed)
    return {row["service_name"]: row["service_namespace"] for row in table.to_pylist()}
