"""Where the time of a trace went: critical path and self time over plain arrays."""
