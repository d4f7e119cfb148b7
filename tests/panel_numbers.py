"""The numbers that a panel shows, and those that its SQL gives, in one form that can be compared."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import urlencode

from quacktrace.client import CollectorClient

Numbers = list[tuple[Any, ...]]
Parameters = Mapping[str, str]


def numbers_shown(client: CollectorClient, panel: str, parameters: Parameters) -> Numbers:
    """What the API answers to the panel, as sorted rows."""
    return _sorted(_SHOWN[panel](client, parameters))


def numbers_of_sql(client: CollectorClient, panel: str, parameters: Parameters) -> Numbers:
    """What the panel's SQL answers, reduced to the same columns."""
    sql = _get(client, f"/api/v1/panels/{panel}", parameters)["sql"]
    answer = client.post(
        "/api/v1/sql", json.dumps({"query": sql, "timeout_s": 60}).encode(), content_type="application/json"
    )
    assert answer.is_ok, (sql, answer.body)
    body = answer.json()
    names = [column["name"] for column in body["columns"]]
    return _sorted(tuple(dict(zip(names, row, strict=True))[name] for name in _COLUMNS[panel]) for row in body["rows"])


_COLUMNS: dict[str, tuple[str, ...]] = {
    "numbers": ("calls", "errors", "calls_per_s", "p95_ms"),
    "services": ("service_name", "calls", "errors", "error_rate", "calls_per_s", "p50_ms", "p95_ms", "p99_ms"),
    "operations": ("operation", "kind", "calls", "errors", "p50_ms", "p95_ms", "p99_ms"),
    "edges": ("client_service", "server_service", "type", "calls", "errors", "p50_ms", "p95_ms"),
    "service_rates": ("time", "service_name", "calls", "errors"),
    "latency_heatmap": ("time", "up_to_ms", "calls"),
    "ranked": (
        *("service_name", "operation", "kind", "calls", "errors", "error_rate", "p50_ms", "p95_ms"),
        *("previous_calls", "previous_errors", "previous_p95_ms", "time_lost_ms"),
    ),
    "error_groups": (
        "service_name",
        "operation",
        "exception_type",
        "message",
        "frame",
        "errors",
        "traces",
        "last_seen",
    ),
    "traces": ("trace_id", "start_time", "root_name", "duration_ns", "root_duration_ns", "span_count", "error_count"),
    "spans": ("trace_id", "span_id", "service_name", "name", "start_time", "duration_ns"),
    "logs": ("time", "severity_number", "service_name", "body", "trace_id", "span_id"),
    "trace": ("span_id", "service_name", "name", "status_code", "duration_ms"),
    "trace_services": ("service_name", "spans", "self_ms"),
    "self_time": ("span_id", "self_time_ns"),
    "critical_path": ("span_id", "duration_ns"),
    "span": ("span_id", "name", "duration_ns"),
    "events": ("span_id", "name"),
    "trace_edges": ("client_service", "server_service", "type", "calls", "errors"),
}


def _services(client: CollectorClient, parameters: Parameters) -> Iterable[tuple[Any, ...]]:
    return _picked("services", _get(client, "/api/v1/services", parameters)["services"])


def _numbers(client: CollectorClient, parameters: Parameters) -> Iterable[tuple[Any, ...]]:
    from quacktrace_dashboard.pages.overview_tiles import overall_p95

    services = _get(client, "/api/v1/services", parameters)["services"]
    p95 = overall_p95(_get(client, "/api/v1/hotspots", parameters))
    yield (*(sum(one[name] for one in services) for name in ("calls", "errors", "calls_per_s")), p95)


def _operations(client: CollectorClient, parameters: Parameters) -> Iterable[tuple[Any, ...]]:
    return _picked("operations", _get(client, "/api/v1/operations", parameters)["operations"])


def _edges(client: CollectorClient, parameters: Parameters) -> Iterable[tuple[Any, ...]]:
    end = {"in": "server_service", "out": "client_service"}.get(parameters.get("direction", ""))
    # With a service the API answers with the graph of a search; the panel shows the service's edges of the whole graph.
    asked = {name: value for name, value in parameters.items() if name not in ("service", "direction")}
    edges = _get(client, "/api/v1/graph", asked)["edges"]
    return _picked("edges", [edge for edge in edges if end is None or edge[end] == parameters["service"]])


def _hotspots(client: CollectorClient, parameters: Parameters) -> dict[str, Any]:
    answer = _get(client, "/api/v1/hotspots", parameters)
    assert str(int(answer["bucket_s"])) == parameters.get("bucket_s", str(int(answer["bucket_s"])))
    return answer


def _service_rates(client: CollectorClient, parameters: Parameters) -> Iterable[tuple[Any, ...]]:
    answer = _hotspots(client, parameters)
    heat = answer["errors"]
    for service, calls, errors in zip(heat["services"], heat["calls"], heat["errors"], strict=True):
        yield from (
            (time, service, called, failed)
            for time, called, failed in zip(answer["times"], calls, errors, strict=True)
            if called
        )


def _latency_heatmap(client: CollectorClient, parameters: Parameters) -> Iterable[tuple[Any, ...]]:
    answer = _hotspots(client, parameters)
    for bound, row in zip(answer["latency"]["bounds_ms"], answer["latency"]["counts"], strict=True):
        yield from ((time, bound, calls) for time, calls in zip(answer["times"], row, strict=True) if calls)


def _ranked(client: CollectorClient, parameters: Parameters) -> Iterable[tuple[Any, ...]]:
    return _picked("ranked", _hotspots(client, parameters)["ranked"])


def _error_groups(client: CollectorClient, parameters: Parameters) -> Iterable[tuple[Any, ...]]:
    groups = _get(client, "/api/v1/errors", parameters)["groups"]
    return _picked("error_groups", [{**group, "errors": group["count"]} for group in groups])


def _traces(client: CollectorClient, parameters: Parameters) -> Iterable[tuple[Any, ...]]:
    return _picked("traces", _get(client, "/api/v1/traces", parameters)["traces"])


def _spans(client: CollectorClient, parameters: Parameters) -> Iterable[tuple[Any, ...]]:
    return _picked("spans", _get(client, "/api/v1/spans", parameters)["spans"])


def _logs(client: CollectorClient, parameters: Parameters) -> Iterable[tuple[Any, ...]]:
    return _picked("logs", _get(client, "/api/v1/logs", parameters)["logs"])


def _waterfall(client: CollectorClient, parameters: Parameters) -> list[dict[str, Any]]:
    answer = _get(client, f"/api/v1/traces/{parameters['trace_id']}/waterfall", {})
    ids = answer["sid"]
    return [
        {
            "span_id": ids[16 * row : 16 * row + 16],
            "service_name": answer["services"][answer["svc"][row]],
            "name": answer["names"][answer["name"][row]],
            "status_code": ("UNSET", "OK", "ERROR")[answer["status"][row]],
            "duration_ms": answer["dur_us"][row] / 1e3,
            "duration_ns": answer["dur_us"][row] * 1e3,
            "self_time_ns": answer["self_us"][row] * 1e3,
        }
        for row in range(answer["n"])
    ]


def _trace(client: CollectorClient, parameters: Parameters) -> Iterable[tuple[Any, ...]]:
    return _picked("trace", _waterfall(client, parameters))


def _self_time(client: CollectorClient, parameters: Parameters) -> Iterable[tuple[Any, ...]]:
    return _picked("self_time", _waterfall(client, parameters))


def _trace_services(client: CollectorClient, parameters: Parameters) -> Iterable[tuple[Any, ...]]:
    spans = _waterfall(client, parameters)
    for service in {span["service_name"] for span in spans}:
        own = [span["self_time_ns"] / 1e6 for span in spans if span["service_name"] == service]
        yield service, len(own), sum(own)


def _critical_path(client: CollectorClient, parameters: Parameters) -> Iterable[tuple[Any, ...]]:
    answer = _get(client, f"/api/v1/traces/{parameters['trace_id']}/waterfall", {})
    ids = answer["sid"]
    return [(ids[16 * row : 16 * row + 16], (to_us - from_us) * 1e3) for row, from_us, to_us in answer["crit"]]


def _span(client: CollectorClient, parameters: Parameters) -> Iterable[tuple[Any, ...]]:
    span = _get(client, f"/api/v1/traces/{parameters['trace_id']}/spans/{parameters['span_id']}", {})
    yield span["span_id"], span["name"], span["duration_ns"]


def _events(client: CollectorClient, parameters: Parameters) -> Iterable[tuple[Any, ...]]:
    answer = _get(client, f"/api/v1/traces/{parameters['trace_id']}/events", {})
    return _picked("events", answer["events"])


def _trace_edges(client: CollectorClient, parameters: Parameters) -> Iterable[tuple[Any, ...]]:
    return _picked("trace_edges", _get(client, f"/api/v1/traces/{parameters['trace_id']}/graph", {})["edges"])


_SHOWN: dict[str, Callable[[CollectorClient, Parameters], Iterable[tuple[Any, ...]]]] = {
    "numbers": _numbers,
    "services": _services,
    "operations": _operations,
    "edges": _edges,
    "service_rates": _service_rates,
    "latency_heatmap": _latency_heatmap,
    "ranked": _ranked,
    "error_groups": _error_groups,
    "traces": _traces,
    "spans": _spans,
    "logs": _logs,
    "trace": _trace,
    "trace_services": _trace_services,
    "self_time": _self_time,
    "critical_path": _critical_path,
    "span": _span,
    "events": _events,
    "trace_edges": _trace_edges,
}
PANELS = tuple(_SHOWN)


def _picked(panel: str, rows: Iterable[Mapping[str, Any]]) -> list[tuple[Any, ...]]:
    return [tuple(row[name] for name in _COLUMNS[panel]) for row in rows]


def _sorted(rows: Iterable[tuple[Any, ...]]) -> Numbers:
    """Numbers to four digits, which is what a page shows at most; the API and SQL order ties differently."""
    return sorted((tuple(map(_rounded, row)) for row in rows), key=repr)


def _rounded(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    return float(f"{value:.4g}")


def _get(client: CollectorClient, path: str, parameters: Parameters) -> dict[str, Any]:
    answer = client.get(f"{path}?{urlencode(parameters)}" if parameters else path)
    assert answer.is_ok, (path, answer.body)
    decoded: dict[str, Any] = answer.json()
    return decoded
