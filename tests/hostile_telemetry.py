"""Telemetry whose every text is an attempt to become code: thirty of them, each in every field that OTLP has."""

from __future__ import annotations

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from quacktrace.client import CollectorClient

__all__ = ["PAYLOADS", "send_hostile"]

_CODE = "window.pwned=1"
PAYLOADS = (
    f"<script>{_CODE}</script>",
    f"</script><script>{_CODE}</script>",
    f"<img src=x onerror={_CODE}>",
    f"<svg onload={_CODE}>",
    f"<svg><script>{_CODE}</script></svg>",
    f"<svg><animate onbegin={_CODE} attributeName=x dur=1s>",
    f"<iframe srcdoc='<script>parent.{_CODE}</script>'></iframe>",
    f'<iframe src="javascript:parent.{_CODE}"></iframe>',
    f"<body onload={_CODE}>",
    f"<details open ontoggle={_CODE}>x</details>",
    f"<input autofocus onfocus={_CODE}>",
    f"<video><source onerror={_CODE}></video>",
    f"<marquee onstart={_CODE}>x</marquee>",
    f"<math><mi xlink:href='javascript:{_CODE}'>x</mi></math>",
    f"javascript:{_CODE}",
    f"JaVaScRiPt:{_CODE}//",
    f"data:text/html,<script>opener.{_CODE}</script>",
    f'" onmouseover="{_CODE}" x="',
    f"' onmouseover='{_CODE}' x='",
    f"`${{{_CODE}}}`",
    f"${{{_CODE}}}{{{{{_CODE}}}}}%{{{_CODE}}}",
    f"[x](javascript:{_CODE})",
    f"![x](http://elsewhere.example/{_CODE})",
    "<link rel=stylesheet href=http://elsewhere.example/x.css>",
    "<style>@import 'http://elsewhere.example/x.css'</style>",
    '<base href="http://elsewhere.example/">',
    '<meta http-equiv=refresh content="0;url=http://elsewhere.example/">',
    f"-->]]><script>{_CODE}</script><!--",
    f"\u202e<img src=x onerror={_CODE}>\u0000\u2028",
    f"'; drop table spans; --<a href='http://elsewhere.example' ping>{_CODE}</a>",
)


def send_hostile(client: CollectorClient, now_ms: float) -> list[str]:
    """Send a trace and log records for each payload; returns the ids of the traces."""
    spans, logs, ids = ExportTraceServiceRequest(), ExportLogsServiceRequest(), []
    for number, text in enumerate(PAYLOADS):
        trace_id = (0xBAD0000 + number).to_bytes(16, "big")
        start = int((now_ms - 1000 * (number + 10)) * 1e6)
        of_resource = spans.resource_spans.add(schema_url=text)
        resource = of_resource.resource
        resource.attributes.extend(_attributes(text))
        for key in ("service.name", "service.namespace", "service.version", "service.instance.id"):
            resource.attributes.append(_text(key, text))
        of_scope = of_resource.scope_spans.add(schema_url=text)
        of_scope.scope.name, of_scope.scope.version = text, text
        of_scope.scope.attributes.extend(_attributes(text))
        for at in range(4):
            span = of_scope.spans.add(trace_id=trace_id, span_id=(number * 8 + at + 1).to_bytes(8, "big"), name=text)
            span.parent_span_id = (number * 8 + 1).to_bytes(8, "big") if at else b""
            span.kind = (2, 3, 4, 1)[at]
            span.start_time_unix_nano, span.end_time_unix_nano = start + at * 1000, start + 5_000_000
            span.trace_state = f"x={text}"
            span.status.code, span.status.message = 2, text
            span.attributes.extend(_attributes(text))
            for key in _KNOWN_KEYS:
                span.attributes.append(_text(key, text))
            event = span.events.add(name=text if at else "exception", time_unix_nano=start + 2000)
            event.attributes.extend(_attributes(text))
            for key in ("exception.type", "exception.message", "exception.stacktrace"):
                event.attributes.append(_text(key, f'{text}\n  File "{text}", line 1, in {text}\n{text}'))
            link = span.links.add(trace_id=trace_id, span_id=(number * 8 + 2).to_bytes(8, "big"), trace_state=text)
            link.attributes.extend(_attributes(text))
        of_logs = logs.resource_logs.add(resource=resource)
        written = of_logs.scope_logs.add(scope=of_scope.scope)
        record = written.log_records.add(trace_id=trace_id, span_id=(number * 8 + 1).to_bytes(8, "big"))
        record.time_unix_nano, record.severity_number, record.severity_text = start + 1000, 17, text
        record.body.string_value, record.event_name = text, text
        record.attributes.extend(_attributes(text))
        ids.append(trace_id.hex())
    for path, request in (("/v1/traces", spans), ("/v1/logs", logs)):
        answer = client.post(path, request.SerializeToString(), content_type="application/x-protobuf")
        assert answer.is_ok, answer.body
    return ids


_KNOWN_KEYS = (
    *("http.request.method", "http.route", "url.full", "url.path", "db.system.name", "db.query.text", "db.namespace"),
    *("messaging.system", "messaging.destination.name", "rpc.system", "rpc.service", "rpc.method", "peer.service"),
    *("server.address", "user_agent.original", "code.function.name", "code.file.path", "error.type", "enduser.id"),
)


def _attributes(text: str) -> list[KeyValue]:
    """The payload as a key, as a value, and inside a list and a map."""
    inside = AnyValue()
    inside.array_value.values.add(string_value=text)
    inside.array_value.values.add().kvlist_value.values.append(_text(text, text))
    return [_text(f"key {text}", text), KeyValue(key="deep", value=inside)]


def _text(key: str, value: str) -> KeyValue:
    return KeyValue(key=key, value=AnyValue(string_value=value))
