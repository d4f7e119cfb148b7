"""The quacktrace collector: receives OpenTelemetry data, stores it in DuckDB and answers questions about it."""
