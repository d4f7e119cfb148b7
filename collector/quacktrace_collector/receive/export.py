"""One export request from its decompressed body to its answer, whatever transport it came by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import orjson
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from quacktrace_collector.errors import BodyTooLargeError, MalformedBodyError
from quacktrace_collector.ingest import Ingest
from quacktrace_collector.metrics import Metrics
from quacktrace_collector.receive.encodings import Encoding
from quacktrace_collector.receive.validate import Validator
from quacktrace_collector.signal_kinds import Signal

METRICS_NOT_STORED: Final = "metrics are accepted but not stored: quacktrace keeps traces and logs"

_RESPONSES: Final[dict[Signal, Any]] = {
    Signal.TRACES: ExportTraceServiceResponse,
    Signal.LOGS: ExportLogsServiceResponse,
    Signal.METRICS: ExportMetricsServiceResponse,
}
_REJECTED_FIELDS: Final = {
    Signal.TRACES: ("rejected_spans", "rejectedSpans"),
    Signal.LOGS: ("rejected_log_records", "rejectedLogRecords"),
    Signal.METRICS: ("rejected_data_points", "rejectedDataPoints"),
}


@dataclass(frozen=True, slots=True)
class ExportAnswer:
    """What partial_success says; nothing for a full success."""

    signal: Signal
    rejected: int = 0
    message: str = ""
    received: int = 0
    """Spans or log records that the request held."""

    def encoded(self, encoding: Encoding) -> bytes:
        """The response message of the signal."""
        if encoding is not Encoding.PROTOBUF:
            return self._json()
        if not self.rejected and not self.message:
            return b""
        response = _RESPONSES[self.signal]()
        setattr(response.partial_success, _REJECTED_FIELDS[self.signal][0], self.rejected)
        response.partial_success.error_message = self.message
        body: bytes = response.SerializeToString()
        return body

    def _json(self) -> bytes:
        if not self.rejected and not self.message:
            return b"{}"
        partial: dict[str, str] = {"errorMessage": self.message}
        if self.rejected:
            partial[_REJECTED_FIELDS[self.signal][1]] = str(self.rejected)
        return orjson.dumps({"partialSuccess": partial})


class Exporter:
    """Validates export requests, hands them to ingest and makes the answer."""

    def __init__(self, ingest: Ingest, metrics: Metrics, validator: Validator) -> None:
        self._ingest = ingest
        self._metrics = metrics
        self._validator = validator

    async def export(self, signal: Signal, encoding: Encoding, body: bytes) -> ExportAnswer:
        """Returns once everything that was accepted is on disk.

        Raises:
            MalformedBodyError, BodyTooLargeError, OverloadedError, StoreUnavailableError: nothing was stored.
        """
        if signal is not Signal.METRICS:
            self._ingest.check_room(len(body))  # before it costs anything
        try:
            accepted = await self._validator.validate(signal, encoding, body)
        except (MalformedBodyError, BodyTooLargeError) as error:
            self.count_refusal(error.code)
            raise
        for kind, count in accepted.normalised.items():
            self._metrics.count("qt_ingest_normalised_total", count, kind=kind)
        if signal is Signal.METRICS:
            self._metrics.count("qt_ingest_received_metrics_total", accepted.records)
            self._ingest.give_back_later()
            return ExportAnswer(signal, 0, METRICS_NOT_STORED if accepted.records else "")
        if accepted.records == 0:
            return ExportAnswer(signal)
        outcome = await self._ingest.submit(signal, accepted.body)
        return ExportAnswer(signal, sum(outcome.rejected.values()), outcome.message, outcome.received)

    def count_refusal(self, reason: str) -> None:
        """Count a request that was refused as a whole."""
        self._metrics.count("qt_ingest_rejected_requests_total", reason=reason)
        self._ingest.give_back_later()
