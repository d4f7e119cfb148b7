"""The routes that find out what changed: `GET /api/v1/diagnose` and `POST /api/v1/compare`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from quacktrace_collector.api import parameters
from quacktrace_collector.api.in_thread import in_thread, times
from quacktrace_collector.errors import BadRequestError
from quacktrace_collector.query.diagnose import diagnose
from quacktrace_collector.query.window import Window
from quacktrace_collector.store import Store

Answer = Mapping[str, Any]


def add_diagnosis_routes(app: web.Application) -> None:
    """Register them."""
    app.add_routes([web.get("/api/v1/diagnose", _diagnose)])


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
