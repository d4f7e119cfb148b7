"""Errors of the collector, named by what went wrong for the caller.

    QuacktraceError
    ├── BadRequestError
    │   ├── MalformedBodyError
    │   ├── QueryRefusedError
    │   └── SearchSyntaxError
    ├── NotFoundError
    ├── BodyTooLargeError
    ├── UnsupportedMediaError
    ├── QueryTimeoutError
    ├── QueryTooLargeError
    ├── OverloadedError
    ├── StoreUnavailableError
    └── StartupError
        └── DataDirInUseError

The HTTP edge alone turns them into status codes.
"""

from __future__ import annotations


class QuacktraceError(Exception):
    """Something a caller can act on: `code` names it, `hint` says what to do next."""

    status = 500
    code = "internal"

    def __init__(self, message: str, *, hint: str = "", code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        if code is not None:
            self.code = code


class BadRequestError(QuacktraceError):
    """A parameter or body that cannot be understood."""

    status = 400
    code = "bad_request"


class MalformedBodyError(BadRequestError):
    """An export request that cannot be decoded."""

    code = "malformed"


class QueryRefusedError(BadRequestError):
    """SQL that is wrong or not allowed; `position` is the offending character, counted from 0, where known."""

    code = "query_refused"

    def __init__(self, message: str, *, hint: str = "", position: int | None = None) -> None:
        super().__init__(message, hint=hint)
        self.position = position


class SearchSyntaxError(BadRequestError):
    """A search that cannot be read; `position` is the offending character, counted from 0."""

    def __init__(self, message: str, *, hint: str, position: int) -> None:
        super().__init__(message, hint=hint)
        self.position = position


class NotFoundError(QuacktraceError):
    """A trace or span that is not stored."""

    status = 404
    code = "not_found"


class BodyTooLargeError(QuacktraceError):
    """A request body beyond a limit."""

    status = 413
    code = "too_large"


class UnsupportedMediaError(QuacktraceError):
    """A content type or content encoding that is not spoken here."""

    status = 415
    code = "unsupported_media"
    accepted: tuple[str, ...] = ()
    """Content types that are."""


class QueryTimeoutError(QuacktraceError):
    """A query that reached its deadline and was stopped."""

    status = 408
    code = "query_timeout"


class QueryCancelledError(QuacktraceError):
    """A query that somebody stopped."""

    status = 409
    code = "query_cancelled"


class QueryTooLargeError(QuacktraceError):
    """A query whose memory or result passed its cap."""

    status = 413
    code = "query_too_large"


class OverloadedError(QuacktraceError):
    """More work than the queue holds; the client should send the same again in a second."""

    status = 429
    code = "overloaded"


class StoreUnavailableError(QuacktraceError):
    """The store cannot commit now; nothing was acknowledged."""

    status = 503
    code = "store_unavailable"


class StartupError(QuacktraceError):
    """The collector cannot start; the message is the one line to show."""

    code = "startup"


class DataDirInUseError(StartupError):
    """Another process holds the data folder."""

    code = "data_dir_in_use"
