"""Settings come from options, then variables, then defaults; a wrong one is one line that says what to change."""

from __future__ import annotations

import argparse
from dataclasses import fields
from pathlib import Path

import pytest

from quacktrace.errors import UsageError
from quacktrace_collector.settings import SETTINGS, Settings, add_setting_arguments, read_settings


def read(*options: str, **environ: str) -> Settings:
    parser = argparse.ArgumentParser()
    add_setting_arguments(parser)
    return read_settings(parser.parse_args(options), environ)


def test_every_field_is_a_row() -> None:
    assert {row.field for row in SETTINGS} == {field.name for field in fields(Settings)} - {"open_browser"}


def test_the_defaults_that_rows_tell_are_the_defaults() -> None:
    told = read(*(text for row in SETTINGS[1:] if row.default for text in (row.flag, row.default)))
    assert told == read()


def test_option_beats_variable_beats_default() -> None:
    assert read().port == 4318
    assert read(QUACKTRACE_HTTP_PORT="5000").port == 5000
    assert read("--port", "6000", QUACKTRACE_HTTP_PORT="5000").port == 6000
    assert read(QUACKTRACE_HTTP_PORT="").port == 4318


def test_values_are_read_with_their_units(tmp_path: Path) -> None:
    settings = read(
        *("--data", str(tmp_path), "--retention", "36h", "--max-size", "1.5GiB", "--no-browser"),
        *("--cors-origin", "https://a.example, http://b.example:8080/"),
        *("--cors-origin", "http://c.example"),
    )
    assert settings.data_dir == tmp_path
    assert settings.retention_s == 36 * 3600
    assert settings.max_size_bytes == 3 * 2**29
    assert settings.cors_origins == ("https://a.example", "http://b.example:8080", "http://c.example")
    assert not settings.open_browser


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--port", "http"), "--port 'http': a port is a number from 1 to 65535"),
        (("--port", "70000"), "a port is a number from 1 to 65535"),
        (("--port", "4317"), "--port and --grpc-port are both 4317"),
        (("--retention", "7"), "a duration is a number with a unit"),
        (("--retention", "0d"), "a duration is a number with a unit"),
        (("--max-size", "lots"), "a size is a number with a unit"),
        (("--cors-origin", "shop.example"), "an origin looks like https://shop.example"),
        (("--write-token", "two words"), "a token is printable ASCII"),
        (("--tls-cert", "cert.pem"), "--tls-cert and --tls-key belong together"),
        (("--tls-cert", "no.pem", "--tls-key", "no.key"), "is not a file"),
        (("--host", "0.0.0.0"), "give --write-token and --read-token"),
        (("--host", "::"), "give --write-token and --read-token"),
        (("--host", "192.168.0.9", "--write-token", "w"), "give --write-token and --read-token"),
    ],
)
def test_wrong_setting_says_what_to_change(options: tuple[str, ...], message: str) -> None:
    with pytest.raises(UsageError) as refused:
        read(*options)
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


def test_wrong_variable_is_named() -> None:
    with pytest.raises(UsageError, match=r"^QUACKTRACE_HTTP_PORT 'tcp://10\.0\.0\.1:4318': a port is a number"):
        read(QUACKTRACE_HTTP_PORT="tcp://10.0.0.1:4318")


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "[::1]", "localhost"])
def test_loopback_needs_no_token(host: str) -> None:
    assert read("--host", host).host == host.strip("[]")


def test_any_host_will_do_with_both_tokens() -> None:
    assert read("--host", "0.0.0.0", "--write-token", "w", QUACKTRACE_READ_TOKEN="r").read_token == "r"
