"""What can go wrong between the dashboard and the collector.

DashboardError
├── CollectorUnreachableError
└── QueryError
"""

from __future__ import annotations

__all__ = ["CollectorUnreachableError", "DashboardError", "QueryError"]


class DashboardError(Exception):
    """Anything a page shows as an error card instead of its content."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class CollectorUnreachableError(DashboardError):
    """The collector did not answer at all, or not with something that is its own."""


class QueryError(DashboardError):
    """The collector answered with an error of its own."""

    def __init__(self, message: str, *, code: str, status: int, hint: str = "", position: int | None = None) -> None:
        super().__init__(message, hint=hint)
        self.code = code
        self.status = status
        self.position = position
        """The offending character of the query, counted from 0, where known."""
