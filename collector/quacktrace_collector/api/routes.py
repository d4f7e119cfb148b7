"""The reading routes of /api/v1: parameters are checked on the event loop, everything else happens in a thread."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import aclosing
from typing import Any

from aiohttp import hdrs, web

from quacktrace_collector.api import parameters
from quacktrace_collector.api.answers import encode
from quacktrace_collector.api.diagnosis_routes import add_diagnosis_routes
from quacktrace_collector.api.graph_route import add_graph_route
from quacktrace_collector.api.in_thread import add_executor, in_thread, response_in_thread, times
from quacktrace_collector.api.search_routes import add_search_routes
from quacktrace_collector.api.trace_ids import parse_span_id, parse_trace_id
from quacktrace_collector.api.trace_search import span_conditions
from quacktrace_collector.app_keys import LIVE
from quacktrace_collector.query.error_groups import error_groups
from quacktrace_collector.query.explain import explain
from quacktrace_collector.query.hotspots import hotspots
from quacktrace_collector.query.linked_from import linked_from
from quacktrace_collector.query.log_attributes import parse_attribute_terms
from quacktrace_collector.query.log_counts import log_counts
from quacktrace_collector.query.logs import SEVERITIES, LogFilter, find_logs
from quacktrace_collector.query.namespaces import namespaces
from quacktrace_collector.query.services import operations, services
from quacktrace_collector.query.span_detail import span_detail
from quacktrace_collector.query.span_matches import span_matches
from quacktrace_collector.query.timestamps import EARLIEST_NS
from quacktrace_collector.query.trace_context import load_trace_context
from quacktrace_collector.query.trace_events import trace_events
from quacktrace_collector.query.trace_export import export_trace
from quacktrace_collector.query.trace_graph import trace_graph
from quacktrace_collector.query.trace_spans import load_trace_spans
from quacktrace_collector.query.waterfall import waterfall
from quacktrace_collector.query.window import Window
from quacktrace_collector.store import Store
from quacktrace_collector.time_range import TimeRange

Answer = Mapping[str, Any]


def add_routes(app: web.Application) -> None:
    """Register everything under /api/v1 that reads, except SQL."""
    add_executor(app)
    app.on_shutdown.append(_end_live_streams)
    add_search_routes(app)
    add_diagnosis_routes(app)
    add_graph_route(app)
    trace = "/api/v1/traces/{trace_id}"
    app.add_routes(
        [
            web.get("/api/v1/services", _services),
            web.get("/api/v1/operations", _operations),
            web.get("/api/v1/namespaces", _namespaces),
            web.get(trace, _trace),
            web.get(f"{trace}/waterfall", _waterfall),
            web.get(f"{trace}/explain", _explain),
            web.get(f"{trace}/events", _trace_events),
            web.get(f"{trace}/graph", _trace_graph),
            web.get(f"{trace}/matches", _matches),
            web.get(f"{trace}/spans/{{span_id}}", _span),
            web.get(f"{trace}/spans/{{span_id}}/linked_from", _linked_from),
            web.get("/api/v1/logs", _logs),
            web.get("/api/v1/logs/counts", _log_counts),
            web.get("/api/v1/hotspots", _hotspots),
            web.get("/api/v1/errors", _errors),
            web.get("/api/v1/live", _live),
            # The dashboard answers every path that nobody else does; below /api that would hide a typing error.
            web.route("*", "/api/{unknown:.*}", _unknown),
        ]
    )


async def _services(request: web.Request) -> web.Response:
    asked = parameters.time_range(request.query)

    def answer(store: Store) -> Answer:
        window = Window(asked.from_ns, asked.to_ns, store.data_range()).in_whole_minutes()
        return {**times(window), "services": services(store, window)}

    return await in_thread(request, answer)


async def _operations(request: web.Request) -> web.Response:
    asked = parameters.time_range(request.query)
    service = parameters.required_text(request.query, "service")

    def answer(store: Store) -> Answer:
        window = Window(asked.from_ns, asked.to_ns, store.data_range()).in_whole_minutes()
        return {**times(window), "service": service, "operations": operations(store, window, service=service)}

    return await in_thread(request, answer)


async def _namespaces(request: web.Request) -> web.Response:
    asked = parameters.time_range(request.query)

    def answer(store: Store) -> Answer:
        window = Window(asked.from_ns, asked.to_ns, store.data_range())
        return {**times(window), "namespaces": namespaces(store, window)}

    return await in_thread(request, answer)


async def _trace(request: web.Request) -> web.Response:
    trace_id = parse_trace_id(request.match_info["trace_id"])
    return await in_thread(request, lambda store: export_trace(store, trace_id))


async def _waterfall(request: web.Request) -> web.Response:
    trace_id = parse_trace_id(request.match_info["trace_id"])
    known = request.headers.get(hdrs.IF_NONE_MATCH, "")
    accept_encoding = request.headers.get(hdrs.ACCEPT_ENCODING, "")

    def answer(store: Store) -> web.Response:
        spans = load_trace_spans(store, trace_id)
        context = load_trace_context(store, trace_id, spans)
        etag = f'W/"2-{spans.version}-{len(context.event_names)}-{len(context.span_ids_with_logs)}"'
        if known == "*" or etag in [tag.strip() for tag in known.split(",")]:
            return web.Response(status=304, headers={hdrs.ETAG: etag, hdrs.CACHE_CONTROL: "no-cache"})
        body, headers = encode(waterfall(trace_id, spans, context), accept_encoding=accept_encoding)
        return web.Response(body=body, headers={**headers, hdrs.ETAG: etag})

    return await response_in_thread(request, answer)


async def _explain(request: web.Request) -> web.Response:
    trace_id = parse_trace_id(request.match_info["trace_id"])
    return await in_thread(request, lambda store: explain(store, trace_id))


async def _span(request: web.Request) -> web.Response:
    trace_id = parse_trace_id(request.match_info["trace_id"])
    span_id = parse_span_id(request.match_info["span_id"])
    return await in_thread(request, lambda store: span_detail(store, trace_id, span_id))


async def _linked_from(request: web.Request) -> web.Response:
    trace_id = parse_trace_id(request.match_info["trace_id"])
    span_id = parse_span_id(request.match_info["span_id"])
    return await in_thread(request, lambda store: linked_from(store, trace_id, span_id))


async def _trace_events(request: web.Request) -> web.Response:
    trace_id = parse_trace_id(request.match_info["trace_id"])
    return await in_thread(request, lambda store: trace_events(store, trace_id))


async def _trace_graph(request: web.Request) -> web.Response:
    trace_id = parse_trace_id(request.match_info["trace_id"])
    return await in_thread(request, lambda store: trace_graph(store, trace_id))


async def _matches(request: web.Request) -> web.Response:
    trace_id = parse_trace_id(request.match_info["trace_id"])
    wanted = span_conditions(request.query)
    return await in_thread(request, lambda store: span_matches(store, trace_id, wanted))


async def _logs(request: web.Request) -> web.Response:
    query = request.query
    asked, wanted = _log_filter(query)
    limit = parameters.integer(query, "limit", default=200, most=5000)
    newest_first = parameters.choice(query, "order", ("newest", "oldest")) != "oldest"

    def answer(store: Store) -> Answer:
        window = Window(asked.from_ns, asked.to_ns, store.data_range("logs"))
        found = find_logs(store, window.narrowed, wanted, limit=limit, newest_first=newest_first)
        return {**times(window), "truncated": found.truncated, "logs": found.logs}

    return await in_thread(request, answer)


async def _log_counts(request: web.Request) -> web.Response:
    asked, wanted = _log_filter(request.query)
    most_buckets = parameters.integer(request.query, "buckets", default=60, most=200)

    def answer(store: Store) -> Answer:
        window = Window(asked.from_ns, asked.to_ns, store.data_range("logs"))
        return {**times(window), **log_counts(store, window, wanted, most_buckets=most_buckets)}

    return await in_thread(request, answer)


def _log_filter(query: parameters.Parameters) -> tuple[TimeRange, LogFilter]:
    trace_id, span_id = parameters.text(query, "trace_id"), parameters.text(query, "span_id")
    severity = parameters.choice(query, "severity", tuple(SEVERITIES))
    wanted = LogFilter(
        text=parameters.text(query, "q"),
        min_severity_number=SEVERITIES[severity] if severity else None,
        service=parameters.text(query, "service"),
        trace_id=parse_trace_id(trace_id) if trace_id else None,
        span_id=parse_span_id(span_id) if span_id else None,
        attributes=parse_attribute_terms(parameters.text(query, "attribute") or ""),
    )
    # Whoever names a trace wants its records, whenever they were.
    return parameters.time_range(query, default_from_ns=EARLIEST_NS if trace_id else None), wanted


async def _hotspots(request: web.Request) -> web.Response:
    asked = parameters.time_range(request.query)
    most_buckets = parameters.integer(request.query, "buckets", default=60, most=200)
    service = parameters.text(request.query, "service")

    def answer(store: Store) -> Answer:
        window = Window(asked.from_ns, asked.to_ns, store.data_range()).in_whole_minutes()
        return {**times(window), **hotspots(store, window, most_buckets=most_buckets, service=service)}

    return await in_thread(request, answer)


async def _errors(request: web.Request) -> web.Response:
    asked = parameters.time_range(request.query)
    service = parameters.text(request.query, "service")
    limit = parameters.integer(request.query, "limit", default=50, most=500)

    def answer(store: Store) -> Answer:
        window = Window(asked.from_ns, asked.to_ns, store.data_range())
        return {**times(window), "groups": error_groups(store, window, service=service, limit=limit)}

    return await in_thread(request, answer)


async def _live(request: web.Request) -> web.StreamResponse:
    async with aclosing(request.app[LIVE].listen()) as events:
        first = await anext(events)
        response = web.StreamResponse(
            headers={
                hdrs.CONTENT_TYPE: "text/event-stream",
                hdrs.CACHE_CONTROL: "no-store",
                "X-Accel-Buffering": "no",
                "X-Content-Type-Options": "nosniff",
            }
        )
        await response.prepare(request)
        await response.write(first)
        async for event in events:
            await response.write(event)
    return response


async def _unknown(request: web.Request) -> web.StreamResponse:
    for resource in request.app.router.resources():
        if resource is not request.match_info.route.resource:
            _, allowed_methods = await resource.resolve(request)
            if allowed_methods and hdrs.METH_ANY not in allowed_methods:
                raise web.HTTPMethodNotAllowed(request.method, allowed_methods)
    raise web.HTTPNotFound


async def _end_live_streams(app: web.Application) -> None:
    await app[LIVE].close()
