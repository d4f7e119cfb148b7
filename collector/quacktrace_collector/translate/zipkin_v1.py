"""Zipkin's v1 spans as v2: one object holds both halves there, told apart by core annotations."""

from __future__ import annotations

from typing import Any, Final

from quacktrace_collector.translate.json_values import objects

_SIDES: Final = (("CLIENT", "cs", "cr"), ("SERVER", "sr", "ss"), ("PRODUCER", "ms", "ws"), ("CONSUMER", "wr", "mr"))
_CORE: Final = frozenset(value for _, *values in _SIDES for value in values)
_REMOTE: Final = {"sa": "CLIENT", "ca": "SERVER", "ma": ""}


def is_v1(span: dict[str, Any]) -> bool:
    """v1 has binaryAnnotations, and endpoints within annotations; v2 has neither."""
    if "binaryAnnotations" in span:
        return True
    annotations = span.get("annotations")
    return (
        "localEndpoint" not in span
        and isinstance(annotations, list)
        and any(isinstance(annotation, dict) and "endpoint" in annotation for annotation in annotations)
    )


def v2_spans(document: Any) -> list[dict[str, Any]]:
    """The same spans as v2 writes them; TranslationError where a list or an object is something else."""
    return [half for place, span in objects(document, "") for half in _halves(span, place)]


def _halves(span: dict[str, Any], place: str) -> list[dict[str, Any]]:
    annotations = [found for _, found in objects(span.get("annotations"), f"{place}.annotations")]
    binary = [found for _, found in objects(span.get("binaryAnnotations"), f"{place}.binaryAnnotations")]
    core = {found.get("value"): found for found in annotations if found.get("value") in _CORE}
    halves: list[dict[str, Any]] = []
    for kind, begins, ends in _SIDES:
        if begins in core or ends in core:
            halves.append(_half(span, kind, core.get(begins), core.get(ends)))
    if not halves:
        endpoint = next((found["endpoint"] for found in (*annotations, *binary) if found.get("endpoint")), None)
        halves.append({**_ids(span), "timestamp": span.get("timestamp"), "duration": span.get("duration")})
        halves[0]["localEndpoint"] = endpoint
    if len(halves) > 1:
        for half in halves[1:]:
            half["shared"] = True
    elif halves[0].get("kind") == "SERVER" and span.get("timestamp") is None:
        halves[0]["shared"] = True  # a v1 client alone says when the span began; a server that joined it does not
    for half in halves:
        half.update(tags={}, annotations=[])
    for found in annotations:
        if found.get("value") not in _CORE:
            _owner(halves, found)["annotations"].append(
                {"timestamp": found.get("timestamp"), "value": found.get("value")}
            )
    for found in binary:
        _add_binary(halves, found)
    return halves


def _ids(span: dict[str, Any]) -> dict[str, Any]:
    return {key: span[key] for key in ("traceId", "id", "parentId", "name", "debug") if span.get(key) is not None}


def _half(
    span: dict[str, Any], kind: str, begins: dict[str, Any] | None, ends: dict[str, Any] | None
) -> dict[str, Any]:
    first, last = (found.get("timestamp") if found else None for found in (begins, ends))
    timestamp = span.get("timestamp") if kind == "CLIENT" or first is None else None
    duration = span.get("duration") if timestamp is not None else None
    if duration is None and isinstance(first, int) and isinstance(last, int):
        duration = max(0, last - first)
    endpoint = (begins or ends or {}).get("endpoint")
    return {
        **_ids(span),
        "kind": kind,
        "timestamp": first if timestamp is None else timestamp,
        "duration": duration,
        "localEndpoint": endpoint,
    }


def _owner(halves: list[dict[str, Any]], found: dict[str, Any]) -> dict[str, Any]:
    """The half of the service that wrote the annotation, else the first."""
    service = _service(found.get("endpoint"))
    return next((half for half in halves if _service(half.get("localEndpoint")) == service), halves[0])


def _add_binary(halves: list[dict[str, Any]], found: dict[str, Any]) -> None:
    key, value = found.get("key"), found.get("value")
    if key in _REMOTE and value in (True, "true", 1):
        side = next((half for half in halves if half.get("kind") == _REMOTE[key]), halves[0])
        side["remoteEndpoint"] = found.get("endpoint")
    elif key == "lc" and not value:
        _owner(halves, found).setdefault("localEndpoint", found.get("endpoint"))
    elif isinstance(key, str):
        _owner(halves, found)["tags"][key] = value


def _service(endpoint: Any) -> Any:
    return endpoint.get("serviceName") if isinstance(endpoint, dict) else None
