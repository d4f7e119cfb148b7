"""What `abuse.py` does to a collector."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from abusing import actions, faults
from abusing.conversations import conversations
from abusing.encodings import encodings
from abusing.fields import fields
from abusing.grpc_calls import grpc_calls
from abusing.headers import headers
from abusing.json_bodies import json_bodies
from abusing.other_signals import other_signals
from abusing.sizes import sizes
from abusing.target import Target
from abusing.variant import Variant
from abusing.zipkin_bodies import zipkin_bodies

__all__ = ["ACTIONS", "all_variants"]

_NAMES = (
    "tiny_chunks slow_body half_body no_read cl_te pipeline resend5 conflict many_services many_events dup_keys like "
    "regex host preflight frame token_query bind_public tls dash_forged"
)
ACTIONS: dict[str, Callable[[Target], str]] = {
    **{name: getattr(actions, name) for name in _NAMES.split()},
    **{name: getattr(faults, name) for name in ("stall_storage", "disk_full", "sigterm", "kill9")},
}
"""By the names that the list uses."""


def all_variants() -> Iterator[Variant]:
    """Each is prepared when its turn comes: some bodies are large."""
    yield from encodings()
    yield from sizes()
    yield from headers()
    yield from conversations()
    yield from fields()
    yield from json_bodies()
    yield from zipkin_bodies()
    yield from other_signals()
    yield from grpc_calls()
