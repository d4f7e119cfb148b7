"""From requests down to spans or log records: which body and which origin each one came from."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from quacktrace_collector.decode.arrow_views import Array, elements_of
from quacktrace_collector.decode.decoded import Origin, RequestOutcome
from quacktrace_collector.decode.origins import OriginCache, OriginKey

_ORIGINS: Final = OriginCache()


@dataclass(frozen=True, slots=True)
class Records:
    """All spans or log records of a group of bodies, flat."""

    records: pa.StructArray
    per_body: npt.NDArray[np.int64]
    """How many each body holds."""
    origin_ids: npt.NDArray[np.uint64]
    """The origin of each record."""
    origins: dict[int, Origin]


def flatten_requests(requests: Array, *, scopes: str, records: str, normalised: Counter[str]) -> Records:
    """`requests` holds each body's resources; `scopes` and `records` name the two repeated fields below."""
    of_body, resources = elements_of(requests)
    of_resource, scope_rows = elements_of(resources.field(scopes))
    of_scope, record_rows = elements_of(scope_rows.field(records))
    counts = np.diff(of_scope)
    origins: dict[int, Origin] = {}
    ids = np.zeros(len(counts), np.uint64)
    resource_of_scope = np.repeat(np.arange(len(resources)), np.diff(of_resource)).tolist()
    resource_parts = list(
        zip(resources.field("resource").to_pylist(), resources.field("schema_url").to_pylist(), strict=True)
    )
    scope_parts = zip(scope_rows.field("scope").to_pylist(), scope_rows.field("schema_url").to_pylist(), strict=True)
    for index, (resource, scope) in enumerate(zip(resource_of_scope, scope_parts, strict=True)):
        if counts[index] == 0:
            continue
        parsed = _ORIGINS.get(OriginKey(*resource_parts[resource], *scope))
        ids[index] = parsed.origin.origin_id
        if parsed.origin.origin_id not in origins:
            origins[parsed.origin.origin_id] = parsed.origin
            if parsed.normalised:
                normalised.update(parsed.normalised)
    return Records(
        records=record_rows,
        per_body=np.diff(of_scope[of_resource[of_body]]).astype(np.int64),
        origin_ids=np.repeat(ids, counts),
        origins=origins,
    )


def outcomes_of(
    per_body: npt.NDArray[np.int64], reasons: dict[str, npt.NDArray[np.bool_]], messages: dict[str, str]
) -> list[RequestOutcome]:
    """One a body; `reasons` says for each reason which records it rejects, each record at most once."""
    if not reasons:
        return [RequestOutcome(count, count, {}, "") for count in per_body.tolist()]
    body_of_record = np.repeat(np.arange(len(per_body)), per_body)
    rejected = {
        reason: np.bincount(body_of_record[mask], minlength=len(per_body)).tolist() for reason, mask in reasons.items()
    }
    outcomes = []
    for body, received in enumerate(per_body.tolist()):
        counts = {reason: of_body[body] for reason, of_body in rejected.items() if of_body[body]}
        message = "; ".join(f"{count} rejected: {messages[reason]}" for reason, count in counts.items())
        outcomes.append(RequestOutcome(received, received - sum(counts.values()), counts, message))
    return outcomes
