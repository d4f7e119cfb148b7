"""The three signals of OTLP."""

from __future__ import annotations

from enum import Enum


class Signal(Enum):
    """What an export request carries; the value is the last part of its OTLP/HTTP path."""

    TRACES = "traces"
    LOGS = "logs"
    METRICS = "metrics"
