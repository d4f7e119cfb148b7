"""The SQL behind panels is one harmless statement, whatever telemetry and links say."""

from __future__ import annotations

import duckdb
import pytest

from quacktrace_collector.errors import BadRequestError
from quacktrace_collector.query.window import Window
from quacktrace_collector.sql.catalogue import TABLES
from quacktrace_collector.sql.gate import Gate, StatementKind
from quacktrace_collector.sql.literals import inline, text, timestamp
from quacktrace_collector.sql.macro_catalogue import SCALAR_MACROS, TABLE_MACROS
from quacktrace_collector.sql.panel_request import PanelRequest
from quacktrace_collector.sql.panels import PANELS
from quacktrace_collector.time_range import TimeRange

HOSTILE = "it's \\' '; drop table spans; -- \" $1 {x} %s"
RANGE = TimeRange(1_795_388_400_123_456_789, 1_795_388_460_000_000_000)
PARAMETERS = {
    "service": HOSTILE,
    "operation": HOSTILE,
    "trace_id": "ab" * 16,
    "span_id": "cd" * 8,
    "direction": "in",
    "bucket_s": "15",
    "min_duration": "1.5ms",
    "status": "error",
}


@pytest.fixture(scope="module")
def gate() -> Gate:
    return Gate(duckdb.connect(), TABLES, functions=SCALAR_MACROS, table_functions=TABLE_MACROS)


@pytest.mark.parametrize("panel", PANELS)
@pytest.mark.parametrize("given", [{}, {"q": "it's"}, {"q": HOSTILE, "status": "error"}], ids=["names", "words", "all"])
def test_sql_of_a_panel_is_one_query_whatever_names_are(gate: Gate, panel: str, given: dict[str, str]) -> None:
    request = PanelRequest({**PARAMETERS, **given}, Window(RANGE.from_ns, RANGE.to_ns, RANGE))
    try:
        sql = PANELS[panel](request)
    except BadRequestError:  # the search language has its own opinion of the words
        assert panel in ("traces", "spans")
        return
    assert gate.check(sql).kind is StatementKind.QUERY


def test_values_become_literals() -> None:
    assert text("it's \0") == "'it''s '"
    assert timestamp(1_795_388_400_000_000_000) == "timestamp '2026-11-22 23:00:00'"
    assert timestamp(1_795_388_400_120_000_000) == "timestamp '2026-11-22 23:00:00.12'"
    assert timestamp(-1) == "timestamp_ns '1969-12-31 23:59:59.999999999'"
    assert inline("a = $x and b in $y", {"x": "$y", "y": [1, "it's"]}) == "a = '$y' and b in [1, 'it''s']"
