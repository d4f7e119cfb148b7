"""Attribute keys and their frequent values, learned from the newest spans, for an editor to complete with."""

from __future__ import annotations

import json
import time
from typing import Any, Final

from quacktrace_collector.errors import QuacktraceError
from quacktrace_collector.sql.pool import SqlPool

__all__ = ["KnownValues"]

_MAX_AGE_S: Final = 60.0
_TIMEOUT_S: Final = 10.0
_COLUMNS: Final = (
    "service_name",
    "name",
    "kind",
    "status_code",
    "scope_name",
    "http_route",
    "http_request_method",
    "db_system",
    "error_type",
    "server_address",
    "deployment_environment",
    "service_version",
)
# The newest spans of the last hours say what is worth completing; a whole history would cost seconds.
_QUERY: Final = f"""
with newest as (
    select {", ".join(_COLUMNS)}, attributes
    from spans
    where start_time > (select max(start_time) from spans) - interval 6 hours
    limit 50_000
),
pairs as (
    select 'attributes' as place, entry.key as key, left(entry.value, 100) as value
    from (select unnest(map_entries(attributes)) as entry from newest)
    union all
    select 'columns', key, left(value::varchar, 100)
    from (unpivot (select {", ".join(f"{name}::varchar as {name}" for name in _COLUMNS)} from newest)
        on columns(*) into name key value value)
),
counted as (select place, key, value, count(*) as spans from pairs where value <> '' group by all)
select place, key, sum(spans) as spans, list(value order by spans desc, value)[:20] as frequent
from counted
group by all
order by spans desc, key
limit 500
"""


class KnownValues:
    """Asks the pool, at most once a minute."""

    def __init__(self, pool: SqlPool) -> None:
        self._pool = pool
        self._known: dict[str, Any] = {"attributes": [], "columns": {}}
        self._asked_at = float("-inf")

    async def get(self) -> dict[str, Any]:
        """`{"attributes": [{"key", "spans", "values"}], "columns": {"kind": ["SERVER"]}}`; the last on trouble."""
        now = time.monotonic()
        if now - self._asked_at > _MAX_AGE_S:
            self._asked_at = now
            try:
                result = await self._pool.run(_QUERY, limit=1_000, timeout_s=_TIMEOUT_S)
            except QuacktraceError:
                return self._known
            rows = json.loads(result.body)["rows"]
            self._known = {
                "attributes": [
                    {"key": key, "spans": int(spans), "values": values}
                    for place, key, spans, values in rows
                    if place == "attributes"
                ],
                "columns": {key: values for place, key, _, values in rows if place == "columns"},
            }
        return self._known
