"""Ask the collector's HTTP API: the dashboard's only way to data."""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import Callable, Mapping
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode, urlsplit
from urllib.request import HTTPSHandler, ProxyHandler, Request, build_opener

from quacktrace_dashboard.errors import CollectorUnreachableError, DashboardError, QueryError

__all__ = ["QueryClient"]

# The API's own deadline is shorter, so its explanation arrives before we give up on it.
_TIMEOUT_S = 30.0
_KNOWN_SERVICES_MAX_AGE_S = 10.0


class QueryClient:
    """A client for one collector; safe to share between threads, since every call has a connection of its own.

    A loopback connection costs about 0.1 ms, less than a pool's bookkeeping is worth.
    `request_headers` is asked at every call: it passes on who is looking, so the collector can check access itself.
    """

    def __init__(self, base_url: str, *, request_headers: Callable[[], Mapping[str, str]] = dict) -> None:
        self.base_url = base_url.rstrip("/")
        self._request_headers = request_headers
        # Without a ProxyHandler of its own an opener would obey http_proxy, and send telemetry to whatever it names.
        self._opener = build_opener(ProxyHandler({}), HTTPSHandler(context=_tls_context(base_url)))
        self._known_services: tuple[float, tuple[str, ...]] = (float("-inf"), ())

    def get(self, path: str, parameters: Mapping[str, str | int | float | None] | None = None) -> dict[str, Any]:
        """Return the JSON object at `path`; parameters that are None or empty are left out.

        Raises QueryError with the collector's own words, or CollectorUnreachableError.
        """
        query = urlencode({k: v for k, v in (parameters or {}).items() if v is not None and v != ""})
        return self._ask(Request(f"{self.base_url}{path}{'?' if query else ''}{query}"))

    def post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Send a JSON object and return the JSON object that answers it; raises as `get` does."""
        request = Request(f"{self.base_url}{path}", data=json.dumps(body).encode(), method="POST")
        request.add_header("Content-Type", "application/json")
        return self._ask(request)

    def known_services(self) -> tuple[str, ...]:
        """Return the names of all services ever seen, some seconds old at most; the last known ones on trouble.

        Colours are given out over this set, so that a service keeps its own whatever a page shows.
        """
        asked_at, services = self._known_services
        now = time.monotonic()
        if now - asked_at > _KNOWN_SERVICES_MAX_AGE_S:
            try:
                answer = self.get("/api/v1/services", {"from": 0})
            except DashboardError:
                return services
            services = tuple(service["service_name"] for service in answer["services"])
            self._known_services = (now, services)
        return services

    def _ask(self, request: Request) -> dict[str, Any]:
        request.add_header("Accept", "application/json")
        for name, value in self._request_headers().items():
            request.add_header(name, value)
        try:
            with self._opener.open(request, timeout=_TIMEOUT_S) as response:
                answer = json.load(response)
        except HTTPError as error:
            with error:
                raise _to_query_error(error.code, error.read()) from error
        except (OSError, HTTPException, ValueError) as error:
            raise CollectorUnreachableError(
                f"The collector at {self.base_url} did not answer: {error}",
                hint="Check that `quacktrace up` is running, then retry.",
            ) from error
        if not isinstance(answer, dict):
            raise CollectorUnreachableError(
                f"{self.base_url} answered something that is not the collector's API.",
                hint="Check which program listens on that port.",
            )
        return answer


def _tls_context(base_url: str) -> ssl.SSLContext:
    """Verify every collector but our own, whose certificate names the host that browsers use and not loopback."""
    context = ssl.create_default_context()
    if urlsplit(base_url).hostname in {"127.0.0.1", "::1", "localhost"}:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _to_query_error(status: int, body: bytes) -> QueryError:
    """Read the API's error object; anything else in its place (a proxy's page, say) is reported by its status."""
    try:
        error = json.loads(body)["error"]
        position = error.get("position")
        return QueryError(
            str(error["message"]),
            code=str(error["code"]),
            status=status,
            hint=str(error.get("hint") or ""),
            position=position if isinstance(position, int) else None,
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return QueryError(f"The collector answered with HTTP status {status}.", code="http_error", status=status)
