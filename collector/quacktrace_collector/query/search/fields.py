"""What a search, a column or a facet can name: parts of a span, its attributes, its resource's, its events'."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from quacktrace_collector.schema import PROMOTED

FieldKind = Literal["text", "id", "enum", "integer", "duration", "trace_duration", "attribute", "event"]


@dataclass(frozen=True, slots=True)
class Field:
    """One of them."""

    key: str
    """As a person writes it."""
    kind: FieldKind
    column: str = ""
    """The column that has it, for all kinds but `attribute`."""
    attribute: str = ""
    """The key within `maps` or the event's attributes."""
    maps: tuple[str, ...] = ()
    """The columns that may have the attribute; the first that has it counts."""
    allowed: tuple[str, ...] = ()
    """The values that there are, for `enum`."""


STATUSES: Final = ("UNSET", "OK", "ERROR")
KINDS: Final = ("UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER")

_TEXTS: Final = {
    "service": "service_name",
    "service_name": "service_name",
    "service.name": "service_name",
    "namespace": "service_namespace",
    "service.namespace": "service_namespace",
    "service_namespace": "service_namespace",
    "version": "service_version",
    "service.version": "service_version",
    "service_version": "service_version",
    "instance": "service_instance_id",
    "service.instance.id": "service_instance_id",
    "service_instance_id": "service_instance_id",
    "environment": "deployment_environment",
    "deployment_environment": "deployment_environment",
    "deployment.environment.name": "deployment_environment",
    "deployment.environment": "deployment_environment",
    "operation": "name",
    "name": "name",
    "trace_state": "trace_state",
    "status_message": "status_message",
    "scope": "scope_name",
    "scope_name": "scope_name",
    "scope_version": "scope_version",
}
_IDS: Final = ("trace_id", "span_id", "parent_span_id")
_ENUMS: Final = {
    "status": ("status_code", STATUSES),
    "status_code": ("status_code", STATUSES),
    "kind": ("kind", KINDS),
}
# An old key and the new one of the same promoted attribute find the same spans.
_PROMOTED: Final = {key: promoted for promoted in PROMOTED for key in (promoted.column, *promoted.keys)}
# Looking into resources as well costs ten times as much (3 µs a span against 0.3), so it is done for keys that the
# semantic conventions put there, and for `resource.KEY`.
_RESOURCE_NAMESPACES: Final = (
    *("service.", "deployment.", "telemetry.", "host.", "os.", "process.", "container.", "k8s.", "cloud.", "faas."),
    *("aws.", "gcp.", "azure.", "heroku.", "device.", "browser.", "webengine.", "app.installation."),
)

INTRINSIC_KEYS: Final = (
    *("service", "name", "status", "kind", "duration", "span.duration", "version", "environment", "instance"),
    *("namespace", "status_message", "trace_id", "span_id", "parent_span_id", "scope", "event.name"),
)
"""What every span has, under the shortest name."""


def field_of(key: str) -> Field:
    """The field that `key` names; a key that nothing knows is an attribute of the span."""
    lowered = key.lower()
    if lowered in ("duration", "trace.duration"):
        return Field(key, "trace_duration")
    if lowered in ("span.duration", "duration_ns"):
        return Field(key, "duration", column="duration_ns")
    if lowered in _ENUMS:
        column, allowed = _ENUMS[lowered]
        return Field(key, "enum", column=column, allowed=allowed)
    if key in _IDS:
        return Field(key, "id", column=key)
    if key in _TEXTS:
        return Field(key, "text", column=_TEXTS[key])
    if key in _PROMOTED:
        promoted = _PROMOTED[key]
        return Field(key, "integer" if str(promoted.type).startswith("int") else "text", column=promoted.column)
    return _attribute(key)


def _attribute(key: str) -> Field:
    for prefix, column in (("resource.", "resource"), ("span.", "attributes"), ("scope.", "scope_attributes")):
        if key.startswith(prefix) and len(key) > len(prefix):
            return Field(key, "attribute", attribute=key.removeprefix(prefix), maps=(column,))
    if key == "event.name":
        return Field(key, "event", column="name")
    if key.startswith("event.") and len(key) > len("event."):
        return Field(key, "event", attribute=key.removeprefix("event."))
    if key.startswith("exception."):
        return Field(key, "event", attribute=key)
    if key.startswith(_RESOURCE_NAMESPACES):
        return Field(key, "attribute", attribute=key, maps=("attributes", "resource"))
    return Field(key, "attribute", attribute=key, maps=("attributes",))
