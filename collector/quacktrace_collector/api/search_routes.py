"""The routes around a search: lists with columns, facets, the heatmap, completion, export, and what finds nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from aiohttp import web

from quacktrace_collector.api import parameters
from quacktrace_collector.api.in_thread import in_thread, response_in_thread, times
from quacktrace_collector.api.list_export import csv_file, otlp_file
from quacktrace_collector.api.saved_searches import add_saved_searches
from quacktrace_collector.api.trace_search import (
    filters_in_force,
    own_span_conditions,
    span_conditions,
    trace_cases,
    without_filter,
)
from quacktrace_collector.errors import BadRequestError
from quacktrace_collector.query.search.columns import trace_values
from quacktrace_collector.query.search.completions import complete_keys, complete_values
from quacktrace_collector.query.search.facets import FACET_KEYS, span_facets, trace_facets
from quacktrace_collector.query.search.heatmap import span_heatmap, trace_heatmap
from quacktrace_collector.query.search.scopes import SCOPES, Scope
from quacktrace_collector.query.search.span_list import SPAN_ORDERS, find_spans
from quacktrace_collector.query.traces import ORDERS, find_traces
from quacktrace_collector.query.window import Window
from quacktrace_collector.store import Store

_MOST_KEYS: Final = 16
_LONGEST_KEY: Final = 256
_MOST_ROWS: Final = 1_000

Parameters = parameters.Parameters
Answer = Mapping[str, Any]


def add_search_routes(app: web.Application) -> None:
    """Register them."""
    add_saved_searches(app)
    app.add_routes(
        [
            web.get("/api/v1/traces", _traces),
            web.get("/api/v1/spans", _spans),
            web.get("/api/v1/facets", _facets),
            web.get("/api/v1/heatmap", _heatmap),
            web.get("/api/v1/completions", _completions),
            web.get("/api/v1/no_match", _no_match),
            web.get("/api/v1/download", _download),
        ]
    )


async def _traces(request: web.Request) -> web.Response:
    answer = _trace_list(request.query)
    return await in_thread(request, answer)


async def _spans(request: web.Request) -> web.Response:
    answer = _span_list(request.query, _scope(request.query) or "all")
    return await in_thread(request, answer)


async def _facets(request: web.Request) -> web.Response:
    asked, scope = parameters.time_range(request.query), _scope(request.query)
    keys = _keys(request.query, "keys") or FACET_KEYS
    if scope is None:
        cases, wanted = trace_cases(request.query), span_conditions(request.query)
    else:
        cases, wanted = [], own_span_conditions(request.query)

    def answer(store: Store) -> Answer:
        window = Window(asked.from_ns, asked.to_ns, store.data_range())
        if scope is None:
            return {**times(window), **trace_facets(store, window, cases, wanted, keys=keys)}
        return {**times(window), **span_facets(store, window, wanted, scope=scope, keys=keys)}

    return await in_thread(request, answer)


async def _heatmap(request: web.Request) -> web.Response:
    asked, scope = parameters.time_range(request.query), _scope(request.query)
    cases = trace_cases(request.query) if scope is None else []
    wanted = own_span_conditions(request.query)

    def answer(store: Store) -> Answer:
        window = Window(asked.from_ns, asked.to_ns, store.data_range())
        if scope is None:
            return {**times(window), **trace_heatmap(store, window, cases)}
        return {**times(window), **span_heatmap(store, window, wanted, scope=scope)}

    return await in_thread(request, answer)


async def _completions(request: web.Request) -> web.Response:
    asked = parameters.time_range(request.query)
    key, prefix = parameters.text(request.query, "key"), parameters.text(request.query, "prefix") or ""

    def answer(store: Store) -> Answer:
        window = Window(asked.from_ns, asked.to_ns, store.data_range())
        if key is None:
            return {"keys": complete_keys(store, window, prefix)}
        return {"key": key, "values": complete_values(store, window, key, prefix)}

    return await in_thread(request, answer)


async def _no_match(request: web.Request) -> web.Response:
    asked = parameters.time_range(request.query)
    scope = _scope(request.query)
    tried = [(one, without_filter(request.query, one)) for one in filters_in_force(request.query)]
    lists = [_any_list(query, scope) for _, query in tried]

    def answer(store: Store) -> Answer:
        window = Window(asked.from_ns, asked.to_ns, store.data_range())
        filters = [
            {"filter": one.text, "parameter": one.parameter, "rest": one.rest, "finds_without": bool(found(store))}
            for (one, _), found in zip(tried, lists, strict=True)
        ]
        return {**times(window), "filters": filters}

    return await in_thread(request, answer)


async def _download(request: web.Request) -> web.Response:
    scope = _scope(request.query)
    file_format = parameters.choice(request.query, "format", ("csv", "otlp"), default="csv")
    keys = _keys(request.query, "columns")
    found = _trace_list(request.query) if scope is None else _span_list(request.query, scope)
    name = "traces" if scope is None else "spans"

    def work(store: Store) -> web.Response:
        rows = found(store)[name]
        return csv_file(rows, keys, name=name) if file_format == "csv" else otlp_file(store, rows, name=name)

    return await response_in_thread(request, work)


def _trace_list(query: Parameters) -> Any:
    asked = parameters.time_range(query)
    cases = trace_cases(query)
    keys = _keys(query, "columns")
    limit = parameters.integer(query, "limit", default=50, most=_MOST_ROWS)
    order = parameters.choice(query, "order", ORDERS, default="newest")

    def answer(store: Store) -> Answer:
        window = Window(asked.from_ns, asked.to_ns, store.data_range())
        found = find_traces(store, window, cases, limit=limit, order=order)
        if keys:
            values = trace_values(store, window, [trace["trace_id"] for trace in found.traces], keys)
            for trace in found.traces:
                trace["values"] = values.get(trace["trace_id"], [None] * len(keys))
        return {**times(window), "truncated": found.truncated, "columns": keys, "traces": found.traces}

    return answer


def _span_list(query: Parameters, scope: Scope) -> Any:
    asked = parameters.time_range(query)
    wanted = own_span_conditions(query)
    keys = _keys(query, "columns")
    limit = parameters.integer(query, "limit", default=50, most=_MOST_ROWS)
    order = parameters.choice(query, "order", SPAN_ORDERS, default="newest")

    def answer(store: Store) -> Answer:
        window = Window(asked.from_ns, asked.to_ns, store.data_range())
        found = find_spans(store, window, wanted, scope=scope, keys=keys, limit=limit, order=order)
        return {**times(window), "truncated": found.truncated, "columns": keys, "spans": found.spans}

    return answer


def _any_list(query: Parameters, scope: Scope | None) -> Any:
    """Whether anything is found at all."""
    one = {**query, "limit": "1", "columns": "", "order": "newest"}
    found = _trace_list(one) if scope is None else _span_list(one, scope)
    return lambda store: found(store)["traces" if scope is None else "spans"]


def _scope(query: Parameters) -> Scope | None:
    """None where traces are wanted."""
    if query.get("scope") == "trace":
        return None
    return parameters.choice(query, "scope", SCOPES)


def _keys(query: Parameters, name: str) -> list[str]:
    """Keys separated by commas."""
    keys = list(dict.fromkeys(key.strip() for key in (parameters.text(query, name) or "").split(",")))
    keys = [key for key in keys if key]
    if len(keys) > _MOST_KEYS or any(len(key) > _LONGEST_KEY for key in keys):
        raise BadRequestError(
            f"{name} has more than {_MOST_KEYS} keys or one of more than {_LONGEST_KEY} characters", hint="use fewer"
        )
    return keys
