"""Resources and scopes: parsed once per distinct pair, then recognised by their wire bytes."""

from __future__ import annotations

import hashlib
import threading
from collections import Counter, OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

import orjson
from opentelemetry.proto.common.v1.common_pb2 import EntityRef, InstrumentationScope, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.semconv._incubating.attributes import deployment_attributes
from opentelemetry.semconv.attributes import service_attributes

from quacktrace_collector.decode.any_value import any_value_text
from quacktrace_collector.decode.decoded import Origin
from quacktrace_collector.decode.limits import (
    MAX_ATTRIBUTES,
    MAX_KEY_BYTES,
    MAX_NAME_BYTES,
    MAX_SERVICE_NAME_BYTES,
    cut_text,
)
from quacktrace_collector.schema import ORIGIN_COLUMNS

UNKNOWN_SERVICE: Final = "unknown_service"
_LARGEST_COUNT: Final = (1 << 32) - 1


class OriginKey(NamedTuple):
    """What makes an origin, as it came over the wire."""

    resource: bytes
    resource_schema_url: str
    scope: bytes
    scope_schema_url: str


@dataclass(frozen=True, slots=True)
class ParsedOrigin:
    """An origin and what was changed to make it."""

    origin: Origin
    normalised: Mapping[str, int]


class OriginCache:
    """The origins seen most recently, bounded by number and by the bytes of their keys. Thread-safe."""

    def __init__(self, *, max_origins: int = 16_384, max_bytes: int = 32 << 20) -> None:
        self._max_origins = max_origins
        self._max_bytes = max_bytes
        self._bytes = 0
        self._origins: OrderedDict[OriginKey, ParsedOrigin] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: OriginKey) -> ParsedOrigin:
        """The origin of this key, parsed if it is not remembered."""
        with self._lock:
            known = self._origins.get(key)
            if known is not None:
                self._origins.move_to_end(key)
                return known
            parsed = parse_origin(key)
            self._origins[key] = parsed
            self._bytes += _size(key)
            while len(self._origins) > self._max_origins or self._bytes > self._max_bytes:
                self._bytes -= _size(self._origins.popitem(last=False)[0])
            return parsed


def parse_origin(key: OriginKey) -> ParsedOrigin:
    """Read resource and scope with the official classes; both were accepted by them before."""
    resource, scope = Resource.FromString(key.resource), InstrumentationScope.FromString(key.scope)
    normalised: Counter[str] = Counter()
    resource_texts = _attribute_texts(resource.attributes, normalised)
    scope_texts = _attribute_texts(scope.attributes, normalised)
    columns = {
        "service_name": _service_name(resource_texts.texts, normalised),
        "service_namespace": _named(resource_texts, service_attributes.SERVICE_NAMESPACE),
        "service_version": _named(resource_texts, service_attributes.SERVICE_VERSION),
        "service_instance_id": _named(resource_texts, service_attributes.SERVICE_INSTANCE_ID),
        "deployment_environment": _named(resource_texts, deployment_attributes.DEPLOYMENT_ENVIRONMENT_NAME)
        or _named(resource_texts, deployment_attributes.DEPLOYMENT_ENVIRONMENT),
        "resource_json": resource_texts.json(),
        "resource_types": resource_texts.types(),
        "resource_dropped_attributes_count": _sum(resource.dropped_attributes_count, resource_texts.dropped),
        "resource_entity_refs": _entity_refs(resource.entity_refs, normalised),
        "resource_schema_url": _cut(key.resource_schema_url, normalised),
        "scope_name": _cut(scope.name, normalised),
        "scope_version": _cut(scope.version, normalised),
        "scope_attributes_json": scope_texts.json(),
        "scope_attributes_types": scope_texts.types(),
        "scope_dropped_attributes_count": _sum(scope.dropped_attributes_count, scope_texts.dropped),
        "scope_schema_url": _cut(key.scope_schema_url, normalised),
    }
    return ParsedOrigin(Origin(_origin_id(key), tuple(columns[name] for name in ORIGIN_COLUMNS)), +normalised)


@dataclass(frozen=True, slots=True)
class _Texts:
    texts: dict[str, tuple[str, str]]
    dropped: int

    def json(self) -> str:
        return orjson.dumps({key: text for key, (text, _) in self.texts.items()}).decode()

    def types(self) -> str:
        return "".join(letter for _, letter in self.texts.values())


def _attribute_texts(attributes: Iterable[KeyValue], normalised: Counter[str]) -> _Texts:
    """The rules of `attribute_columns`, for the few attributes of a resource or scope."""
    texts: dict[str, tuple[str, str]] = {}
    dropped = 0
    for attribute in attributes:
        key = _cut(attribute.key, normalised, MAX_KEY_BYTES)
        if not key:
            dropped += 1
            continue
        if texts.pop(key, None) is not None:
            normalised["duplicate_key"] += 1
        text, letter = any_value_text(attribute.value)
        normalised["truncated"] += _was_cut(attribute, text, letter)
        texts[key] = (text, letter)
    kept = dict(list(texts.items())[:MAX_ATTRIBUTES])
    dropped += len(texts) - len(kept)
    normalised["truncated"] += dropped
    return _Texts(kept, dropped)


def _was_cut(attribute: KeyValue, text: str, letter: str) -> bool:
    return letter == "s" and text != attribute.value.string_value


def _service_name(texts: dict[str, tuple[str, str]], normalised: Counter[str]) -> str:
    text, letter = texts.get(service_attributes.SERVICE_NAME, ("", "n"))
    name = cut_text(text, MAX_SERVICE_NAME_BYTES)
    if name != text or letter != "s" or not name:
        normalised["service"] += 1
    return name or UNKNOWN_SERVICE


def _named(attributes: _Texts, key: str) -> str:
    return cut_text(attributes.texts.get(key, ("", "n"))[0], MAX_NAME_BYTES)


def _entity_refs(references: Iterable[EntityRef], normalised: Counter[str]) -> str:
    rendered = [
        {
            "schemaUrl": _cut(reference.schema_url, normalised),
            "type": _cut(reference.type, normalised),
            "idKeys": [_cut(key, normalised, MAX_KEY_BYTES) for key in reference.id_keys[:MAX_ATTRIBUTES]],
            "descriptionKeys": [
                _cut(key, normalised, MAX_KEY_BYTES) for key in reference.description_keys[:MAX_ATTRIBUTES]
            ],
        }
        for reference in references
    ]
    normalised["truncated"] += max(0, len(rendered) - MAX_ATTRIBUTES)
    return orjson.dumps(rendered[:MAX_ATTRIBUTES]).decode() if rendered else ""


def _cut(text: str, normalised: Counter[str], limit: int = MAX_NAME_BYTES) -> str:
    cut = cut_text(text, limit)
    normalised["truncated"] += cut != text
    return cut


def _sum(count: int, more: int) -> int:
    return min(count + more, _LARGEST_COUNT)


def _origin_id(key: OriginKey) -> int:
    digest = hashlib.blake2b(digest_size=8)
    for part in (key.resource, key.resource_schema_url.encode(), key.scope, key.scope_schema_url.encode()):
        digest.update(len(part).to_bytes(8, "little"))
        digest.update(part)
    return int.from_bytes(digest.digest(), "little")


def _size(key: OriginKey) -> int:
    return 512 + len(key.resource) + len(key.scope) + len(key.resource_schema_url) + len(key.scope_schema_url)
