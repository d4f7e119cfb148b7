"""The views and macros mean what DESIGN §7 says: an engine in this process answers over a real store."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from quacktrace_collector.sql.catalogue import EXAMPLES, TABLES
from quacktrace_collector.sql.library import Macro, View, macro_sql, view_sql
from quacktrace_collector.sql.macro_catalogue import MACROS

from .conftest import LogRow, SpanRow, SpanStore, span_hex, trace_hex
from .sql_asking import Ask, asking, shop

LIBRARY = Path(__file__).parents[2] / "collector" / "quacktrace_collector" / "sql" / "library"


@pytest.fixture
def ask(span_store: SpanStore) -> Ask:
    return asking(span_store)


def test_every_file_has_a_name_and_every_name_a_file() -> None:
    assert {path.stem for path in LIBRARY.glob("*.sql")} == {view.value for view in View}
    assert {path.stem for path in (LIBRARY / "macros").glob("*.sql")} == {macro.value for macro in Macro}
    assert not [name for name in (*map(view_sql, View), *map(macro_sql, Macro)) if name.endswith(";")]


def test_documented_columns_are_those_of_the_views(ask: Ask) -> None:
    for name, table in TABLES.items():
        assert [row[0] for row in ask(f"describe {name}")] == list(table.columns), name


def test_every_public_name_of_the_library_is_described() -> None:
    described = set(TABLES) | {macro.name for macro in MACROS} | {"get_current_timestamp"}
    assert {name for name in (*View, *Macro) if not name.startswith("_")} <= described


def test_every_recipe_and_example_runs(ask: Ask, span_store: SpanStore) -> None:
    span_store.add(*shop())
    assert len(EXAMPLES) >= 20
    for example in EXAMPLES:
        assert isinstance(ask(example.query), list), example.title
    for macro in MACROS:
        assert isinstance(ask(macro.example), list), macro.name
        assert macro.name in macro.example


def test_documented_columns_are_those_of_the_macros(ask: Ask) -> None:
    for macro in MACROS:
        if macro.columns:
            call = re.search(rf"\bfrom ({macro.name}\(.*?\))(?= where| group|$)", macro.example, re.DOTALL)
            assert call, macro.example
            assert [row[0] for row in ask(f"describe from {call[1]}")] == list(macro.columns), macro.name


@pytest.mark.parametrize("is_sealed", [False, True], ids=["hot", "sealed"])
def test_views_over_a_small_shop(ask: Ask, span_store: SpanStore, sealed: Callable[[], None], is_sealed: bool) -> None:
    span_store.add(*shop())
    span_store.add_logs(LogRow("row 17 is locked", service="cart", severity=17, trace=1, span=4))
    if is_sealed:
        sealed()
    assert ask("select client_service, server_service, type, calls, errors from edges order by all") == [
        ["cart", "mail", "link", 1, 0],
        ["cart", "postgresql://db-0/orders", "database", 1, 1],
        ["web", "cart", "call", 1, 1],
    ]
    assert ask("select service_name, operation, calls, errors from red where is_entry order by all") == [
        ["cart", "GET /cart", 1, 1],
        ["mail", "send", 1, 0],
        ["web", "GET /", 1, 1],
    ]
    assert ask(
        "select root_name, duration_ns, root_duration_ns, span_count, error_count, services, is_complete"
        " from traces order by trace_id"
    ) == [
        ["GET /", 100_000_000, 100_000_000, 5, 4, {"cart": 3, "web": 2}, True],
        [None, 10_000_000, None, 1, 0, {"mail": 1}, False],
    ]
    assert ask("select span_id, exception_type, exception_message from errors where is_origin") == [
        [span_hex(4), "Locked", "row 17 is locked"]
    ]
    assert ask("select name, span_name, attributes['exception.type'] from events") == [
        ["exception", "select", "Locked"]
    ]
    assert ask("select span_id, linked_trace_id, linked_span_id from links") == [
        [span_hex(6), trace_hex(1), span_hex(3)]
    ]
    assert ask("select spans.name from logs join spans using (trace_id, span_id)") == [["select"]]
    assert ask("select span_count, log_count from segments") == ([[6, 1]] if is_sealed else [])


CALLEES: list[tuple[str, dict[str, object], tuple[str, str] | None]] = [
    ("CLIENT", {"db.system": "sqlite"}, ("sqlite@shop", "database")),
    ("CLIENT", {"db.system": "redis", "server.address": "r", "server.port": 6379}, ("redis://r:6379", "database")),
    ("PRODUCER", {"messaging.system": "kafka", "messaging.destination.name": "mail"}, ("kafka/mail", "messaging")),
    ("PRODUCER", {"messaging.system": "sqs"}, ("sqs@shop", "messaging")),
    (
        "PRODUCER",
        {"messaging.system": "kafka", "server.address": "k", "messaging.destination.name": "mail"},
        ("kafka://k/mail", "messaging"),
    ),
    ("CLIENT", {"server.address": "api.example", "server.port": 443}, ("api.example", "external")),
    ("CLIENT", {"net.peer.name": "api.example", "net.peer.port": 8080}, ("api.example:8080", "external")),
    ("CLIENT", {"peer.service": "bank", "server.address": "10.0.0.1"}, ("bank", "external")),
    ("CLIENT", {"rpc.system": "grpc"}, ("grpc@shop", "external")),
    ("CLIENT", {}, None),
    ("INTERNAL", {"db.system": "sqlite"}, None),
]


def test_callee_without_spans_is_named_by_the_call(ask: Ask, span_store: SpanStore) -> None:
    span_store.add(
        *(
            SpanRow(index, 1, None, kind=kind, attributes=attributes)
            for index, (kind, attributes, _) in enumerate(CALLEES, 1)
        )
    )
    found = {
        trace_id: (node, kind) for trace_id, node, kind in ask("select trace_id, server_service, type from edge_calls")
    }
    for index, (_, attributes, expected) in enumerate(CALLEES, 1):
        assert found.get(trace_hex(index)) == expected, attributes


def test_client_span_around_another_one_of_its_sort_is_one_call(ask: Ask, span_store: SpanStore) -> None:
    http = {"server.address": "cart"}
    span_store.add(
        SpanRow(1, 1, None, "web", "requests", "CLIENT", attributes=http),
        SpanRow(1, 2, 1, "web", "urllib3", "CLIENT", attributes=http),
        SpanRow(1, 3, 2, "cart", "GET /", "SERVER"),
        SpanRow(2, 4, None, "web", "GET", "CLIENT", attributes=http),
        SpanRow(2, 5, 4, "web", "GET /self", "SERVER"),
    )
    assert ask("select client_service, server_service, type from edge_calls") == [["web", "cart", "call"]]


def test_trace_takes_any_way_of_writing_its_id_and_gives_each_span_once(ask: Ask, span_store: SpanStore) -> None:
    span_store.add(*shop())
    trace_id = trace_hex(1)
    for written in (trace_id, trace_id.upper(), f"{trace_id[:8]}-{trace_id[8:]}", f"00-{trace_id}-{span_hex(1)}-01"):
        assert ask(f"select span_id from trace('{written}')") == [[span_hex(span)] for span in (1, 2, 3, 4, 5)]


def test_descendants_end_in_a_cycle_of_parents(ask: Ask, span_store: SpanStore) -> None:
    span_store.add(*shop(), SpanRow(3, 1, 2), SpanRow(3, 2, 1))
    assert ask(f"select span_id from descendants('{trace_hex(1)}', '{span_hex(2)}')") == [
        [span_hex(span)] for span in (3, 4, 5)
    ]
    assert len(ask(f"from descendants('{trace_hex(3)}', '{span_hex(1)}')")) == 2


def test_self_time_counts_overlapping_children_once_and_clips_late_ones(ask: Ask, span_store: SpanStore) -> None:
    span_store.add(
        SpanRow(1, 1, None, duration_ms=100),
        SpanRow(1, 2, 1, start_ms=10, duration_ms=30),
        SpanRow(1, 3, 1, start_ms=20, duration_ms=30),
        SpanRow(1, 4, 1, start_ms=90, duration_ms=50),
    )
    rows = ask(f"select span_id, self_time_ns / 1e6 from self_time('{trace_hex(1)}') order by span_id")
    assert rows == [[span_hex(1), 50], [span_hex(2), 30], [span_hex(3), 30], [span_hex(4), 50]]


def test_critical_path_is_what_the_root_waited_for(ask: Ask, span_store: SpanStore) -> None:
    span_store.add(
        SpanRow(1, 1, None, duration_ms=100),
        SpanRow(1, 2, 1, start_ms=10, duration_ms=60),
        SpanRow(1, 3, 1, start_ms=20, duration_ms=20),
        SpanRow(1, 4, 2, start_ms=30, duration_ms=10),
        SpanRow(1, 5, 1, start_ms=95, duration_ms=500),
    )
    rows = ask(f"select span_id, duration_ns / 1e6 from critical_path('{trace_hex(1)}')")
    assert rows == [
        [span_hex(1), 10],
        [span_hex(2), 20],
        [span_hex(4), 10],
        [span_hex(2), 30],
        [span_hex(1), 25],
        [span_hex(5), 5],
    ]


def test_error_groups_count_origins_by_message_without_its_numbers(ask: Ask, span_store: SpanStore) -> None:
    span_store.add(*shop())
    span_store.add(
        SpanRow(
            4,
            1,
            None,
            "cart",
            "select",
            "CLIENT",
            status="ERROR",
            events=[("exception", 1, {"exception.type": "Locked", "exception.message": "row 18 is locked"})],
        )
    )
    assert ask(
        "select service_name, exception_type, message, errors, traces from error_groups('2000-01-01', '2100-01-01')"
    ) == [["cart", "Locked", "row \u2039n\u203a is locked", 2, 2]]


def test_compare_finds_the_attribute_that_slow_spans_share(ask: Ask, span_store: SpanStore) -> None:
    span_store.add(
        *(
            SpanRow(index, 1, None, duration_ms=900 if index % 4 == 0 else 5, attributes={"tenant": f"t{index % 4}"})
            for index in range(1, 81)
        )
    )
    rows = ask("select key, value, selected_share, baseline_share from compare(duration_ns > 5e8, true) where z > 3")
    assert rows == [["tenant", "t0", 1, 0]]


def test_quantile_of_merged_histograms_is_within_its_error(ask: Ask, span_store: SpanStore) -> None:
    span_store.add(*(SpanRow(index, 1, None, start_ms=index * 700, duration_ms=index) for index in range(1, 301)))
    for quantile in (0.01, 0.5, 0.95, 1.0):
        ((approximate, exact),) = ask(
            f"select quantile_ms(list(durations), {quantile}),"
            f" (select quantile_cont(duration_ns, {quantile}) / 1e6 from spans) from red"
        )
        assert approximate == pytest.approx(exact, rel=0.044)


def test_times_compare_with_now(ask: Ask, span_store: SpanStore) -> None:
    span_store.add(*shop())
    for now in ("now()", "current_timestamp", "current_date", "today()", "localtimestamp"):
        assert len(ask(f"select count(*) from spans where start_time < {now} - interval 1 hour")) == 1


def test_real_traces_have_the_counts_and_edges_that_are_known(ask: Ask, span_store: SpanStore, test_data: Path) -> None:
    facts = json.loads((test_data / "real_otlp" / "FACTS.json").read_text("utf-8"))
    name = "nezha_trainticket_normal_minutes"
    span_store.add_body((test_data / "real_otlp" / f"{name}.pb").read_bytes())
    known = facts[name]
    assert ask("select count(*), count(distinct trace_id), count(distinct service_name) from spans") == [
        [known["spans"], known["traces"], known["services"]]
    ]
    edges = ask(
        "select client_service || ' -> ' || server_service, sum(calls) from edges where type = 'call' group by 1"
    )
    assert dict(edges) == known["edges"]
