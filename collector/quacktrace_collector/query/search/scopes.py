"""Which spans a list is about: roots, entries of their services, or all."""

from __future__ import annotations

from typing import Final, Literal

Scope = Literal["root", "entry", "all"]
SCOPES: Final[tuple[Scope, ...]] = ("root", "entry", "all")

_PARENT: Final = (
    "select 1 from spans as parent where parent.trace_id = listed.trace_id and parent.span_id = listed.parent_span_id"
)
_SQL: Final[dict[Scope, str]] = {
    "all": "true",
    "root": "parent_span_id is null",
    # No parent, or one in another service, or an unknown one and a kind that others call.
    "entry": (
        "(parent_span_id is null"
        f" or not exists ({_PARENT} and parent.service_name = listed.service_name)"
        f" and (kind in ('SERVER', 'CONSUMER') or exists ({_PARENT})))"
    ),
}


def scope_sql(scope: Scope) -> str:
    """A condition on `spans as listed`."""
    return _SQL[scope]
