"""Turns errors into `{"error": {"code", "message", "hint"}}`; the only place that knows of both."""

from __future__ import annotations

import logging
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler

from quacktrace_collector.api.answers import json_answer
from quacktrace_collector.errors import QuacktraceError, QueryRefusedError, SearchSyntaxError

_log = logging.getLogger(__name__)

_RETRYABLE: Final = frozenset({429, 503})
_CODES: Final = {404: "not_found", 405: "method_not_allowed", 413: "too_large"}


@web.middleware
async def error_middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Nothing that goes wrong shows a traceback to the client; what was not foreseen is logged with one."""
    try:
        return await handler(request)
    except QuacktraceError as error:
        return error_answer(error)
    except web.HTTPException as refusal:
        if refusal.status < 400 or not request.path.startswith(("/api/", "/v1/")):
            raise
        code = _CODES.get(refusal.status, "bad_request")
        answer = _answer(refusal.status, code, f"{request.method} {request.path}: {refusal.reason}", "see docs/api.md")
        if refusal.status == 405 and "Allow" in refusal.headers:
            answer.headers["Allow"] = refusal.headers["Allow"]
        return answer
    except (ConnectionError, TimeoutError):
        raise
    except Exception:
        # Whatever it is, the client gets a clear answer and the next request is served.
        _log.exception("%s %s failed", request.method, request.path)
        return _answer(500, "internal", "this should not have happened", "the collector's log has the details")


def error_answer(error: QuacktraceError) -> web.Response:
    """The error as the client sees it."""
    position = error.position if isinstance(error, QueryRefusedError | SearchSyntaxError) else None
    answer = _answer(error.status, error.code, error.message, error.hint, position=position)
    if error.status in _RETRYABLE:
        answer.headers["Retry-After"] = "1"
    return answer


def _answer(status: int, code: str, message: str, hint: str, *, position: int | None = None) -> web.Response:
    described: dict[str, object] = {"code": code, "message": message, "hint": hint}
    if position is not None:
        described["position"] = position
    return json_answer({"error": described}, status=status)
