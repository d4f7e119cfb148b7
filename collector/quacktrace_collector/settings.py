"""What a collector can be told: one declared row a setting, from which `--help`, the variables and the docs follow."""

from __future__ import annotations

import argparse
import ipaddress
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from quacktrace.errors import UsageError

__all__ = ["SETTINGS", "Setting", "Settings", "add_setting_arguments", "read_settings"]


@dataclass(frozen=True)
class Settings:
    """Everything `quacktrace_collector.app.serve` needs to know; made once, at the entry point."""

    data_dir: Path
    """Folder of the database; created when it does not exist."""
    host: str = "127.0.0.1"
    """Address of both ports."""
    port: int = 4318
    """OTLP/HTTP, the API and the dashboard; 0 takes a free one."""
    grpc_port: int = 4317
    """OTLP/gRPC; 0 takes a free one."""
    retention_s: float = 7 * 86_400.0
    """Age, counted from arrival, past which whole sealed files are deleted."""
    max_size_bytes: int = 10_000_000_000
    """Size of the sealed files past which the oldest are deleted."""
    least_free_bytes: int = 300_000_000
    """Free space on the data folder's disk below which nothing new is taken."""
    write_token: str | None = None
    """Bearer token that ingest asks for."""
    read_token: str | None = None
    """Bearer token that the API and the dashboard ask for."""
    cors_origins: tuple[str, ...] = ()
    """Origins whose pages may send telemetry from a browser."""
    tls_cert: Path | None = None
    """Certificate chain, PEM."""
    tls_key: Path | None = None
    """Private key of the certificate, PEM."""
    open_browser: bool = True
    """Open the dashboard in a browser once it answers, when there is a display."""


class Setting(NamedTuple):
    """One row: a field of `Settings`, how it is given on the command line and in the environment, what it means."""

    field: str
    flag: str
    variable: str
    metavar: str
    default: str | None
    """As a person would type it; None where there is none."""
    parse: Callable[[str], Any]
    summary: str


def add_setting_arguments(parser: argparse.ArgumentParser) -> None:
    """Give `parser` one option a row, and `--no-browser`."""
    for row in SETTINGS:
        default = f" (default: {row.default})" if row.default else ""
        parser.add_argument(
            row.flag,
            dest=row.field,
            metavar=row.metavar,
            action=_Joined if row.parse is _origins else "store",
            default=None,
            help=f"{row.summary}{default} [{row.variable}]",
        )
    parser.add_argument("--no-browser", action="store_true", help="do not open a browser")


def read_settings(arguments: argparse.Namespace, environ: Mapping[str, str]) -> Settings:
    """An option beats its variable, which beats the default; UsageError says in one line what to change."""
    values: dict[str, Any] = {}
    for row in SETTINGS:
        given = getattr(arguments, row.field, None)
        text, origin = (given, row.flag) if given is not None else (environ.get(row.variable) or None, row.variable)
        if text is None:
            continue
        try:
            values[row.field] = row.parse(text)
        except ValueError as error:
            raise UsageError(f"{origin} {text!r}: {error}") from error
    values.setdefault("data_dir", _default_data_dir())
    settings = Settings(**values, open_browser=not getattr(arguments, "no_browser", False))
    _check(settings)
    return settings


def _check(settings: Settings) -> None:
    if not _is_loopback(settings.host) and not (settings.write_token and settings.read_token):
        raise UsageError(
            f"--host {settings.host} can be reached from other machines: give --write-token and --read-token"
            " (or QUACKTRACE_WRITE_TOKEN and QUACKTRACE_READ_TOKEN), or leave --host at 127.0.0.1"
        )
    if bool(settings.tls_cert) != bool(settings.tls_key):
        raise UsageError("--tls-cert and --tls-key belong together: give both, or neither")
    for path in (settings.tls_cert, settings.tls_key):
        if path is not None and not path.is_file():
            raise UsageError(f"{path} is not a file: --tls-cert and --tls-key name PEM files")
    if settings.port == settings.grpc_port != 0:
        raise UsageError(f"--port and --grpc-port are both {settings.port}: gRPC needs a port of its own")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _default_data_dir() -> Path:
    import platformdirs

    return Path(platformdirs.user_data_dir("quacktrace", appauthor=False))


def _path(text: str) -> Path:
    return Path(text).expanduser().absolute()


def _host(text: str) -> str:
    if not text.strip():
        raise ValueError("an address is needed, for instance 127.0.0.1")
    return text.strip().strip("[]")


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) > 65_535:
        raise ValueError("a port is a number from 1 to 65535, or 0 for a free one")
    return int(text)


_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}


def _duration_s(text: str) -> float:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smhdw])", text.strip())
    if match is None or float(match[1]) == 0:
        raise ValueError("a duration is a number with a unit: 30m, 12h, 7d, 4w")
    return float(match[1]) * _SECONDS[match[2]]


_BYTES = {"K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "KI": 2**10, "MI": 2**20, "GI": 2**30, "TI": 2**40}


def _size_bytes(text: str) -> int:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMGT]I?)B?", text.strip().upper())
    if match is None or float(match[1]) == 0:
        raise ValueError("a size is a number with a unit: 500MB, 10GB, 2GiB")
    return int(float(match[1]) * _BYTES[match[2]])


def _token(text: str) -> str:
    if not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError("a token is printable ASCII without spaces")
    return text


class _Joined(argparse.Action):
    """An option given several times is as one whose values are separated by commas."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        before = getattr(namespace, self.dest)
        setattr(namespace, self.dest, f"{before},{values}" if before else values)


def _origins(text: str) -> tuple[str, ...]:
    origins = tuple(origin.strip().rstrip("/") for origin in text.split(",") if origin.strip())
    for origin in origins:
        if origin != "*" and not re.fullmatch(r"https?://[^/\s]+", origin):
            raise ValueError("an origin looks like https://shop.example; several are separated by commas")
    return origins


# QUACKTRACE_PORT is no good name: Kubernetes sets it to `tcp://…` in every pod beside a service called quacktrace.
SETTINGS: tuple[Setting, ...] = (
    Setting("data_dir", "--data", "QUACKTRACE_DATA", "DIR", "the user's data folder", _path, "where traces are kept"),
    Setting("host", "--host", "QUACKTRACE_HOST", "H", "127.0.0.1", _host, "address to listen on"),
    Setting(
        "port", "--port", "QUACKTRACE_HTTP_PORT", "N", "4318", _port, "port of OTLP/HTTP, the API and the dashboard"
    ),
    Setting("grpc_port", "--grpc-port", "QUACKTRACE_GRPC_PORT", "N", "4317", _port, "port of OTLP/gRPC"),
    Setting("retention_s", "--retention", "QUACKTRACE_RETENTION", "AGE", "7d", _duration_s, "keep traces this long"),
    Setting("max_size_bytes", "--max-size", "QUACKTRACE_MAX_SIZE", "SIZE", "10GB", _size_bytes, "keep at most this"),
    Setting(
        "least_free_bytes",
        "--min-free",
        "QUACKTRACE_MIN_FREE",
        "SIZE",
        "300MB",
        _size_bytes,
        "disk space to leave free",
    ),
    Setting("write_token", "--write-token", "QUACKTRACE_WRITE_TOKEN", "T", None, _token, "token that sending asks for"),
    Setting("read_token", "--read-token", "QUACKTRACE_READ_TOKEN", "T", None, _token, "token that reading asks for"),
    Setting(
        "cors_origins",
        "--cors-origin",
        "QUACKTRACE_CORS_ORIGIN",
        "O",
        None,
        _origins,
        "origin whose pages may send telemetry; again or with commas for more",
    ),
    Setting("tls_cert", "--tls-cert", "QUACKTRACE_TLS_CERT", "F", None, _path, "certificate chain, PEM: serve TLS"),
    Setting("tls_key", "--tls-key", "QUACKTRACE_TLS_KEY", "F", None, _path, "private key of the certificate, PEM"),
)
