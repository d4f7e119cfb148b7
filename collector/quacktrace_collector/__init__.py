"""The quacktrace collector: receives OpenTelemetry data, stores it in DuckDB and answers questions about it."""

from __future__ import annotations

from importlib.metadata import version

__all__ = ["__version__"]

__version__ = version("quacktrace")
