"""OTLP request bodies to Arrow tables, without a Python object per span."""

from __future__ import annotations

from quacktrace_collector.decode.decoded import Decoded, Origin, RequestOutcome
from quacktrace_collector.decode.logs import decode_logs
from quacktrace_collector.decode.spans import decode_spans

__all__ = ["Decoded", "Origin", "RequestOutcome", "decode_logs", "decode_spans"]
