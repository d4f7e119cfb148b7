"""Ask a running collector over HTTP, with nothing but the standard library."""

from __future__ import annotations

import ipaddress
import json
import os
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.message import Message
from http.client import HTTPException
from typing import Any

from quacktrace.errors import QuacktraceError, UsageError

__all__ = ["DEFAULT_URL", "Answer", "CollectorClient", "CollectorUnreachableError", "default_url"]

DEFAULT_URL = "http://127.0.0.1:4318"


class CollectorUnreachableError(QuacktraceError):
    """Nothing answers at the collector's URL."""


@dataclass(frozen=True)
class Answer:
    """What came back, whatever its status."""

    status: int
    headers: Message
    body: bytes

    @property
    def is_ok(self) -> bool:
        return 200 <= self.status < 300

    def json(self) -> Any:
        """The body as JSON; None when it is none."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    def error(self) -> dict[str, Any]:
        """The API's error object, OTLP's Status, or one made of whatever has answered; `message` is always there."""
        document = self.json()
        error = document.get("error") if isinstance(document, dict) else None
        if isinstance(error, dict) and "message" in error:
            return error
        if isinstance(document, dict) and isinstance(document.get("message"), str):
            return document
        return {"message": f"the answer was {self.status}: {self.body[:200].decode('utf-8', 'replace') or 'no text'}"}


class CollectorClient:
    """One collector, by its base URL."""

    def __init__(self, url: str, *, token: str | None = None, timeout_s: float = 60.0) -> None:
        parts = urllib.parse.urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise UsageError(f"{url!r} is not the URL of a collector, such as {DEFAULT_URL}")
        self.url = url.rstrip("/")
        self._token = token
        self._timeout_s = timeout_s
        # A proxy that the environment names has no way to this machine's loopback.
        proxies = urllib.request.ProxyHandler({} if _is_loopback(parts.hostname) else None)
        self._opener = urllib.request.build_opener(proxies)

    def get(self, path: str, **parameters: str) -> Answer:
        """GET, with query parameters."""
        return self._ask(self._request(path, parameters))

    def download(self, path: str, write: Callable[[bytes], object], **parameters: str) -> Answer:
        """GET, handing the body of a good answer over in pieces; the answer has none then.

        Raises:
            CollectorUnreachableError: nothing answers, or the answer broke off.
        """
        return self._ask(self._request(path, parameters), write)

    def post(
        self,
        path: str,
        body: bytes,
        *,
        content_type: str,
        accept: str = "application/json",
        write: Callable[[bytes], object] | None = None,
    ) -> Answer:
        """POST `body`; with `write` the body of a good answer is handed over in pieces, as `download` does."""
        request = urllib.request.Request(f"{self.url}{path}", data=body, method="POST")
        request.add_header("Content-Type", content_type)
        request.add_header("Accept", accept)
        return self._ask(request, write)

    def _request(self, path: str, parameters: Mapping[str, str]) -> urllib.request.Request:
        query = f"?{urllib.parse.urlencode(parameters)}" if parameters else ""
        return urllib.request.Request(f"{self.url}{path}{query}")

    def _ask(self, request: urllib.request.Request, write: Callable[[bytes], object] | None = None) -> Answer:
        try:
            response = self._open(request)
        except urllib.error.HTTPError as error:
            return Answer(error.code, error.headers, error.read())
        with response:
            while write is not None and (piece := self._read(response, 1 << 20)):
                write(piece)
            return Answer(response.status, response.headers, b"" if write else self._read(response))

    def _open(self, request: urllib.request.Request) -> Any:
        """A good answer, not read yet; HTTPError is any other answer."""
        if self._token:
            request.add_header("Authorization", f"Bearer {self._token}")
        try:
            return self._opener.open(request, timeout=self._timeout_s)
        except urllib.error.HTTPError:
            raise
        except (OSError, HTTPException) as error:
            reason = getattr(error, "reason", None) or error
            raise CollectorUnreachableError(
                f"no collector answers at {self.url} ({reason}): start one with `quacktrace up`,"
                " or name it with --url or QUACKTRACE_URL"
            ) from error

    def _read(self, response: Any, size: int = -1) -> bytes:
        try:
            content: bytes = response.read(size)
        except (OSError, HTTPException) as error:
            raise CollectorUnreachableError(f"the answer of {self.url} broke off ({error!r})") from error
        return content


def default_url() -> str:
    """QUACKTRACE_URL, else the port that `quacktrace up` takes by default."""
    return os.environ.get("QUACKTRACE_URL") or DEFAULT_URL


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
