"""The routes that find out what changed: `GET /api/v1/diagnose` and `POST /api/v1/compare`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from aiohttp import web

from quacktrace_collector.api import parameters
from quacktrace_collector.api.in_thread import in_thread, times
from quacktrace_collector.api.trace_search import own_span_conditions
from quacktrace_collector.errors import BadRequestError, BodyTooLargeError
from quacktrace_collector.query.compare import DURATION, MOST_SPANS, Side, compare
from quacktrace_collector.query.diagnose import diagnose
from quacktrace_collector.query.search.recent import recent_range
from quacktrace_collector.query.window import Window
from quacktrace_collector.store import Store

Answer = Mapping[str, Any]
Parameters = parameters.Parameters

_MOST_BODY_BYTES: Final = 1 << 16
_RANGE: Final = ("from", "to")
_FILTERS: Final = ("q", "service", "operation", "status", "min_duration", "max_duration")
_TOLD_BY: Final = {"status": "status", "min_duration": DURATION, "max_duration": DURATION}


def add_diagnosis_routes(app: web.Application) -> None:
    """Register them."""
    app.add_routes([web.get("/api/v1/diagnose", _diagnose), web.post("/api/v1/compare", _compare)])


async def _diagnose(request: web.Request) -> web.Response:
    asked = parameters.time_range(request.query)
    baseline_from_ns, baseline_to_ns = (
        parameters.moment(request.query, name) for name in ("baseline_from", "baseline_to")
    )
    if baseline_from_ns is not None and baseline_to_ns is not None and baseline_from_ns > baseline_to_ns:
        raise BadRequestError("baseline_from is later than baseline_to", hint="swap them")

    def answer(store: Store) -> Answer:
        window = Window(asked.from_ns, asked.to_ns, store.data_range())
        return {
            **times(window),
            **diagnose(store, window, baseline_from_ns=baseline_from_ns, baseline_to_ns=baseline_to_ns),
        }

    return await in_thread(request, answer)


async def _compare(request: web.Request) -> web.Response:
    body = await _json_object(request)
    asked = _texts(body, "the request", (*_RANGE, "selection", "baseline"), but=("selection", "baseline"))
    chosen = _filters(body, "selection")
    if not any(chosen.get(name) for name in _FILTERS):
        raise BadRequestError(
            "the selection has no filter", hint='send {"selection": {"service": "cart", "min_duration": "1s"}}'
        )
    alike = {name: chosen[name] for name in ("service", "operation") if name in chosen}
    usual = alike if body.get("baseline") is None else _filters(body, "baseline")
    given = {key for name, key in _TOLD_BY.items() if name in chosen}
    selection, baseline = (_side(asked, filters) for filters in (chosen, usual))

    def answer(store: Store) -> Answer:
        extent = store.data_range()
        sides = (
            Side(
                recent_range(store, Window(side.range.from_ns, side.range.to_ns, extent), spans=MOST_SPANS),
                side.conditions,
            )
            for side in (selection, baseline)
        )
        window = Window(selection.range.from_ns, selection.range.to_ns, extent)
        return {**times(window), **compare(store, *sides, given=given)}

    return await in_thread(request, answer)


def _side(asked: Parameters, filters: Parameters) -> Side:
    own_range = {name: filters[name] for name in _RANGE if name in filters}
    return Side(parameters.time_range(own_range or asked), own_span_conditions(filters))


def _filters(body: Mapping[str, Any], name: str) -> Parameters:
    value = body.get(name)
    if isinstance(value, str):
        return {"q": value}
    if not isinstance(value, dict):
        raise BadRequestError(f'"{name}" is missing or not an object', hint=f'send {{"{name}": {{"service": "cart"}}}}')
    return _texts(value, name, (*_RANGE, *_FILTERS))


def _texts(values: Mapping[str, Any], where: str, allowed: tuple[str, ...], *, but: tuple[str, ...] = ()) -> Parameters:
    """Parameters as they stand in a URL; a number is milliseconds."""
    unknown = sorted(set(values) - set(allowed))
    if unknown:
        raise BadRequestError(f"{where} has an unknown {unknown[0][:40]!r}", hint=f"there are {', '.join(allowed)}")
    texts = {}
    for name, value in values.items():
        if name in but or value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, str | int):
            raise BadRequestError(f"{name} of {where} is not a text", hint="put it in quotes")
        texts[name] = str(value).encode("utf-8", "replace").decode()
    return texts


async def _json_object(request: web.Request) -> dict[str, Any]:
    raw = b""
    while len(raw) <= _MOST_BODY_BYTES and not request.content.at_eof():
        raw += await request.content.read(_MOST_BODY_BYTES + 1 - len(raw))
    if len(raw) > _MOST_BODY_BYTES:
        raise BodyTooLargeError("a comparison is described in at most 64 KiB", hint="shorten the filters")
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise BadRequestError("the body is not a JSON object", hint='send {"selection": {"service": "cart"}}')
    return body
