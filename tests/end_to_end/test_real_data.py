"""Real traces that nobody here wrote, posted as a client posts them and read back over HTTP and SQL."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from real_processes import RunningCollector

DATA = os.environ.get("QUACKTRACE_TEST_DATA")
pytestmark = pytest.mark.skipif(not DATA, reason="QUACKTRACE_TEST_DATA names no folder of outside data")
REAL_OTLP = Path(DATA or ".") / "real_otlp"
FILES = sorted(REAL_OTLP.glob("*.pb")) if DATA else []
TWINS = sorted(REAL_OTLP.glob("*.otlp.json")) if DATA else []


@pytest.fixture(scope="module")
def facts() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((REAL_OTLP / "FACTS.json").read_text())
    return loaded


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_file_of_real_traces_reads_back_with_its_facts(
    collector: RunningCollector, facts: dict[str, Any], path: Path
) -> None:
    expected = facts[path.stem]
    answer = collector.client.post("/v1/traces", path.read_bytes(), content_type="application/x-protobuf")
    assert answer.status == 200
    counts = expected["service_span_counts"]
    first_ns, last_ns = expected["first_start_unix_nano"], expected["last_end_unix_nano"]
    mine = f"from spans where start_time between make_timestamp_ns({first_ns}) and make_timestamp_ns({last_ns})"
    assert collector.rows(f"select count(*), count(distinct trace_id) {mine}") == [
        (expected["spans"], expected["traces"])
    ]
    assert dict(collector.rows(f"select service_name, count(*) {mine} group by all")) == counts
    graph = collector.client.get(f"/api/v1/graph?from={first_ns // 10**6}&to={last_ns // 10**6 + 1}").json()
    calls = {
        f"{edge['client_service']} -> {edge['server_service']}": edge["calls"]
        for edge in graph["edges"]
        if edge["type"] == "call"
    }
    assert calls == expected["edges"]


@pytest.mark.parametrize("path", TWINS, ids=lambda path: path.stem)
def test_the_same_traces_as_json_are_the_same_spans(collector: RunningCollector, path: Path) -> None:
    protobuf = path.with_name(path.name.replace(".otlp.json", ".pb")).read_bytes()
    collector.client.post("/v1/traces", protobuf, content_type="application/x-protobuf")
    before = collector.rows("select count(*) from spans")
    answer = collector.client.post("/v1/traces", path.read_bytes(), content_type="application/json")
    assert answer.status == 200
    assert collector.rows("select count(*) from spans") == before


def test_the_example_of_the_specification_is_stored(collector: RunningCollector) -> None:
    body = (REAL_OTLP / "originals" / "opentelemetry-proto_examples_trace.json").read_bytes()
    assert collector.client.post("/v1/traces", body, content_type="application/json").status == 200
    rows = collector.rows(
        "select name, kind, service_name, parent_span_id, attributes['my.span.attr'], scope_name"
        " from spans where trace_id = '5b8efff798038103d269b633813fc60c'"
    )
    assert rows == [
        ("I'm a server span", "SERVER", "my.service", "eee19b7ec3c1b173", "some value", "my.library"),
    ]
