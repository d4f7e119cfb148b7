"""Subcommands of `quacktrace` that belong to the collector: arguments and thin calls, light to import."""
