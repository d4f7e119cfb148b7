"""The quacktrace dashboard: a Dash application that knows the collector by its HTTP API only."""
