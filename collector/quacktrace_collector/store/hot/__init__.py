"""What is not sealed yet: generations of DuckDB, their feed, and reading both back."""
