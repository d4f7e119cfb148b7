"""User SQL: a gate over the parsed statement, workers with a DuckDB of their own, and a library of views and macros."""
