"""Names of what a service calls without hearing from it: databases, queues and external hosts.

The same rules as the SQL view `_inferred_calls`, on distinct combinations of attributes instead of spans.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from quacktrace_collector.store.rollups.frame import Texts, Words, group_rows
from quacktrace_collector.store.rollups.histogram import Integers

FAMILIES: Final = ("database", "messaging", "external")
NO_NODE: Final = -1
_IMPLIED_PORTS: Final = frozenset({-1, 80, 443})
_COLUMNS: Final = (
    "db_system",
    "db_namespace",
    "messaging_system",
    "messaging_destination_name",
    "peer_service",
    "rpc_system",
    "server_address",
)
NODE_COLUMNS: Final = (*_COLUMNS, "server_port")


def families(spans: pa.Table) -> npt.NDArray[np.uint8]:
    """For each span the position in FAMILIES of what it would call."""
    is_database, is_messaging = (_is_filled(spans, name) for name in ("db_system", "messaging_system"))
    return np.where(is_database, 0, np.where(is_messaging, 1, 2)).astype(np.uint8)


def called_nodes(spans: pa.Table, service: Integers, words: Words) -> Integers:
    """For each span the word that names what it calls, NO_NODE where nothing does; `service` is its service's word."""
    if not spans.num_rows:
        return np.empty(0, np.int64)
    columns = {name: Texts.of(spans[name]) for name in _COLUMNS}
    server_port: Any = spans["server_port"]
    ports = server_port.fill_null(-1).to_numpy().astype(np.int64)
    groups = group_rows([*(texts.codes for texts in columns.values()), ports, service])
    names = [
        node_name(
            words.values[int(service[row])],
            port=int(ports[row]),
            **{name: texts.values[int(texts.codes[row])] for name, texts in columns.items()},
        )
        for row in groups.first
    ]
    numbers = np.full(len(names), NO_NODE, np.int64)
    named = [index for index, name in enumerate(names) if name is not None]
    numbers[named] = words.numbers(name for name in names if name is not None)
    nodes: Integers = numbers[groups.of_row]
    return nodes


def node_name(
    service: str,
    *,
    db_system: str,
    db_namespace: str,
    messaging_system: str,
    messaging_destination_name: str,
    peer_service: str,
    rpc_system: str,
    server_address: str,
    port: int,
) -> str | None:
    """The id of the inferred node; '' and port -1 stand for absent."""
    address = server_address if not server_address or port in _IMPLIED_PORTS else f"{server_address}:{port}"
    if db_system:
        return _located(db_system, address, db_namespace) if address else f"{db_system}@{service}"
    if messaging_system:
        if address:
            return _located(messaging_system, address, messaging_destination_name)
        if messaging_destination_name:
            return f"{messaging_system}/{messaging_destination_name}"
        return f"{messaging_system}@{service}"
    if peer_service or address:
        return peer_service or address
    return f"{rpc_system}@{service}" if rpc_system else None


def _located(system: str, address: str, part: str) -> str:
    return f"{system}://{address}/{part}" if part else f"{system}://{address}"


def _is_filled(spans: pa.Table, name: str) -> npt.NDArray[np.bool_]:
    texts = Texts.of(spans[name])
    filled = np.array([value != "" for value in texts.values], np.bool_)
    return filled[texts.codes]
