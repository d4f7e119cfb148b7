"""The stock `opentelemetry-instrument` with no OTEL variable at all, against a collector on the default ports."""

from __future__ import annotations

import socket
import subprocess
from pathlib import Path

import pytest

from real_processes import clean_environment, running_collector

PROGRAM = """
import logging
from opentelemetry import trace
with trace.get_tracer("stock").start_as_current_span("stock span"):
    logging.getLogger("stock").error("stock record")
"""


def test_stock_instrument_without_variables_lands_spans_and_logs(tmp_path: Path) -> None:
    for port in (4317, 4318):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                pytest.skip(f"port {port} is taken, and the stock tool knows no other without a variable")
    (tmp_path / "program.py").write_text(PROGRAM)
    with running_collector(tmp_path, "--port", "4318", "--grpc-port", "4317") as collector:
        result = subprocess.run(
            ["opentelemetry-instrument", "python", str(tmp_path / "program.py")],
            capture_output=True,
            text=True,
            env=clean_environment(),
            timeout=120,
            check=True,
        )
        assert (result.stdout, result.stderr) == ("", "")
        assert collector.rows("select service_name, name from spans") == [("unknown_service:python", "stock span")]
        assert collector.rows("select body, spans.name from logs join spans using (trace_id, span_id)") == [
            ("stock record", "stock span")
        ]
