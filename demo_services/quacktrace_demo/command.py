"""`quacktrace demo`: a shop of seven services, its customers, and things that go wrong in it."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING

from quacktrace.commands import Command
from quacktrace.errors import UsageError
from quacktrace.terminal import BOLD, DIM, RED, colour, printable

if TYPE_CHECKING:
    from quacktrace_demo.demo import Addresses

__all__ = ["COMMAND"]

RATE = 6.0
SEED = 1


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    from quacktrace_demo.collector import add_shared_arguments

    add_shared_arguments(parser)
    shop = parser.add_argument_group("the shop")
    shop.add_argument("--rate", type=float, default=RATE, metavar="R", help="customers a second (default: %(default)g)")
    shop.add_argument(
        "--seed", type=int, default=SEED, metavar="N", help="of data and customers (default: %(default)s)"
    )
    shop.add_argument("--no-cycle", action="store_true", help="no fault unless you switch it on")
    shop.add_argument("--faults", action="store_true", help="tell what is wrong and what was, and exit")
    shop.add_argument(
        "--fault", nargs=2, metavar=("NAME", "on|off"), help="switch a fault of the running demo, and exit"
    )


def _run(arguments: argparse.Namespace) -> int:
    from quacktrace_demo.answers import set_fault, tell_faults
    from quacktrace_demo.errors import DemoError

    data = _data_dir(arguments)
    shop = data / "shop"
    if arguments.faults:
        print(tell_faults(shop))
        return 0
    if arguments.fault:
        name, state = arguments.fault
        if state not in ("on", "off"):
            raise UsageError(f"--fault {name} {state}: a fault is switched `on` or `off`")
        try:
            print(set_fault(shop, name, on=state == "on"))
        except DemoError as error:
            raise UsageError(str(error)) from error
        return 0
    return _start(arguments, data, shop)


def _start(arguments: argparse.Namespace, data: Path, shop: Path) -> int:
    from quacktrace_demo.collector import read_options
    from quacktrace_demo.demo import DemoOptions, run_demo

    if not 0 < arguments.rate <= 1000:
        raise UsageError(f"--rate {arguments.rate:g}: customers a second, more than 0 and at most 1000")
    wants_browser = not arguments.no_browser and sys.stdout.isatty() and _has_display()
    collector = read_options(arguments, data)
    options = DemoOptions(shop=shop, rate=arguments.rate, seed=arguments.seed, has_cycle=not arguments.no_cycle)

    def announce(addresses: Addresses) -> None:
        print(_announcement(addresses, data, arguments), flush=True)
        if wants_browser:
            webbrowser.open(addresses.collector.url)

    def say(line: str) -> None:
        print(f"{colour('quacktrace demo:', RED)} {printable(line)}", flush=True)

    print(colour("opening the shop …", DIM), flush=True)
    return asyncio.run(run_demo(options, collector, on_ready=announce, say=say))


def _announcement(addresses: Addresses, data: Path, arguments: argparse.Namespace) -> str:
    given = f" --data {data}" if arguments.is_data_given else ""
    rows = (
        ("dashboard", addresses.collector.url),
        ("OTLP/HTTP", addresses.collector.url),
        ("OTLP/gRPC", addresses.collector.grpc_address),
        ("the shop", f"curl {addresses.gateway_url}/users/42"),
        ("switchboard", f"{addresses.control_url}/faults"),
        ("data", str(data)),
        ("the answers", f"quacktrace demo --faults{given}"),
    )
    lines = [f"{colour('quacktrace demo is up', BOLD)}{colour(', Ctrl-C stops it', DIM)}"]
    return "\n".join(lines + [f"  {label:<12} {value}" for label, value in rows])


def _data_dir(arguments: argparse.Namespace) -> Path:
    """The demo's own folder unless told otherwise: its traces have no place among someone's real ones."""
    import platformdirs

    given = arguments.data_dir or os.environ.get("QUACKTRACE_DATA")
    arguments.is_data_given = bool(given)
    default = platformdirs.user_data_dir("quacktrace-demo", appauthor=False)
    return Path(given or default).expanduser().absolute()


def _has_display() -> bool:
    return sys.platform in ("darwin", "win32") or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


COMMAND = Command(
    name="demo",
    summary="start a shop of seven services whose failures are real, traced",
    add_arguments=_add_arguments,
    run=_run,
    extra="all",
    modules=("aiohttp", "dash", "duckdb", "platformdirs", "pyarrow"),
)
