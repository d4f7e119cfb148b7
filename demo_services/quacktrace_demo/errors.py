"""What can go wrong in the demo.

DemoError                    base class
├── UpstreamError            another service could not, or would not, answer
│   ├── UpstreamTimeoutError     it took too long
│   ├── UpstreamRefusedError     it answered with an error status
│   ├── NoInstanceError          nobody has registered under its name
│   └── CircuitOpenError         it failed so often that it is left alone for a while
├── UnknownFaultError        no fault has this name
└── NotRunningError          no demo is running on this data folder
"""

from __future__ import annotations

from typing import Any

__all__ = [
    "CircuitOpenError",
    "DemoError",
    "NoInstanceError",
    "NotRunningError",
    "UnknownFaultError",
    "UpstreamError",
    "UpstreamRefusedError",
    "UpstreamTimeoutError",
]


class DemoError(Exception):
    """Anything that the demo raises on purpose."""


class UpstreamError(DemoError):
    """Another service could not, or would not, answer."""

    status = 502
    """What the caller's own client is told."""

    def __init__(self, service: str, message: str) -> None:
        super().__init__(f"{service}: {message}")
        self.service = service


class UpstreamTimeoutError(UpstreamError):
    """It took too long."""

    status = 504

    def __init__(self, service: str, timeout_s: float) -> None:
        super().__init__(service, f"no answer within {timeout_s:g} s")


class UpstreamRefusedError(UpstreamError):
    """It answered with an error status, which is passed on when the request itself was at fault."""

    def __init__(self, service: str, status: int, answer: Any) -> None:
        detail = answer.get("error") if isinstance(answer, dict) else None
        super().__init__(service, f"answered {status}" + (f", {detail}" if detail else ""))
        self.upstream_status = status
        self.status = status if 400 <= status < 500 else 503 if status == 503 else 502


class NoInstanceError(UpstreamError):
    """Nobody has registered under its name."""

    status = 503

    def __init__(self, service: str) -> None:
        super().__init__(service, "no instance is registered")


class CircuitOpenError(UpstreamError):
    """It failed so often that it is left alone for a while."""

    status = 503

    def __init__(self, service: str, retry_in_s: float) -> None:
        super().__init__(service, f"circuit open, next attempt in {retry_in_s:.1f} s")


class UnknownFaultError(DemoError):
    """No fault has this name."""

    def __init__(self, name: str, known: list[str]) -> None:
        super().__init__(f"there is no fault {name!r}; there are: {', '.join(known)}")


class NotRunningError(DemoError):
    """No demo is running on this data folder."""
