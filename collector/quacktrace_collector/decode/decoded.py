"""What decoding gives: a table, the origins it refers to, and one outcome a request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Origin:
    """One distinct (resource, scope) pair."""

    origin_id: int
    """64 bits of a hash of the wire bytes, so the same after a restart."""
    values: tuple[object, ...]
    """The columns of `schema.ORIGIN_COLUMNS`, in order."""


@dataclass(frozen=True, slots=True)
class RequestOutcome:
    """What became of one request; received = accepted + the sum of rejected."""

    received: int
    accepted: int
    rejected: Mapping[str, int]
    """Reason to number of spans or log records."""
    message: str
    """For `partial_success.error_message`; '' when nothing was rejected."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """A group of request bodies as one table."""

    table: pa.Table
    """`schema.SPANS` or `schema.LOGS`, in the order of the bodies, without what was rejected."""
    rows: list[int]
    """Rows per body."""
    origins: Mapping[int, Origin]
    """Every origin that the table refers to, by its id."""
    outcomes: list[RequestOutcome]
    """One a body, in order."""
    normalised: Mapping[str, int]
    """How often something was stored otherwise than sent, by kind (truncated, duplicate_key, time, service, …)."""
