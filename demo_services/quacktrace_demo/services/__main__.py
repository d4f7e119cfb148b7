"""Runs one service of the shop: `python -m quacktrace_demo.services order --registry URL --shop DIR`."""

from __future__ import annotations

import importlib
import sys

from quacktrace_demo.chassis.service import serve


def main() -> None:
    """The first argument names the service; its module has `routes`, and `WORKERS` if it also works by itself."""
    name = sys.argv.pop(1)
    module = importlib.import_module(f"quacktrace_demo.services.{name.replace('-', '_')}")
    serve(name, module.routes, workers=getattr(module, "WORKERS", ()))


if __name__ == "__main__":
    main()
