"""Logs and metrics."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

from abusing.json_bodies import json_request
from abusing.sizes import nested_field
from abusing.target import JSON, PROTOBUF
from abusing.variant import Variant, good, post


def other_signals() -> Iterator[Variant]:
    largest = (1 << 64) - 1
    for what, fields in (
        ("a trace_id of 3 bytes", {"trace_id": b"abc"}),
        ("a span_id of 1 MB", {"span_id": b"x" * 10**6}),
        ("the largest time", {"time_unix_nano": largest, "observed_time_unix_nano": largest}),
        ("times of 0", {"time_unix_nano": 0}),
        ("a severity of 99", {"severity_number": 99}),
        ("a severity of -5", {"severity_number": -5}),
        ("a severity text of 1 MB", {"severity_text": "s" * 10**6}),
    ):
        yield post(f"log: {what}", "200", lambda fields=fields: log_request(**fields), PROTOBUF, "/v1/logs")
    yield post("log: a body of 10 MB", "200", _large_log, PROTOBUF, "/v1/logs")
    yield post("log: spans on the logs' path", "200|400", good, PROTOBUF, "/v1/logs")
    yield post("log: random bytes", "400", lambda: os.urandom(1000), PROTOBUF, "/v1/logs")
    yield post("log: JSON of spans", "200|400", json_request, JSON, "/v1/logs")
    yield post(
        "log: a body 1,000 deep as JSON",
        "400",
        lambda: (
            b'{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":'
            + b'{"arrayValue":{"values":[' * 1000
            + b"]}}" * 1000
            + b"}]}]}]}"
        ),
        JSON,
        "/v1/logs",
    )
    yield post("log: no body at all", "200", lambda: b"\x0a\x04\x12\x02\x12\x00", PROTOBUF, "/v1/logs")
    yield post(
        "metrics: 100,001 of them",
        "413",
        lambda: nested_field(1, nested_field(2, b"\x12\x00" * 100_001)),
        PROTOBUF,
        "/v1/metrics",
    )
    yield post("metrics: 10 MB", "200", large_metrics, PROTOBUF, "/v1/metrics")
    yield post("metrics: random bytes", "400", lambda: os.urandom(1000), PROTOBUF, "/v1/metrics")


def log_request(**fields: Any) -> bytes:
    message = ExportLogsServiceRequest()
    record = message.resource_logs.add().scope_logs.add().log_records.add(time_unix_nano=5)
    record.body.string_value = "hello"
    for name, value in fields.items():
        setattr(record, name, value)
    body: bytes = message.SerializeToString()
    return body


def _large_log() -> bytes:
    message = ExportLogsServiceRequest.FromString(log_request())
    message.resource_logs[0].scope_logs[0].log_records[0].body.string_value = "x" * 10**7
    body: bytes = message.SerializeToString()
    return body


def large_metrics() -> bytes:
    message = ExportMetricsServiceRequest()
    metrics = message.resource_metrics.add().scope_metrics.add().metrics
    for number in range(50_000):
        metrics.add(name=f"metric {number}").gauge.data_points.add(as_double=1.5).attributes.add(key="k" * 100)
    body: bytes = message.SerializeToString()
    return body
