"""The `quacktrace` command: finds its subcommands, and ends each in one line."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from quacktrace import __version__
from quacktrace.cli import main
from quacktrace.commands import Command, command_names, load_command
from quacktrace.errors import MissingExtraError
from quacktrace.terminal import colour, printable

QUACKTRACE = (sys.executable, "-m", "quacktrace")


def test_overview_lists_every_command_with_its_summary(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    printed = capsys.readouterr().out
    for name in ("demo", "doctor", "import", "run", "sql", "up"):
        assert f"  {name}" in printed
        assert load_command(name).summary in printed


@pytest.mark.parametrize("name", command_names())
def test_every_command_explains_itself(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main([name, "--help"])
    assert left.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: quacktrace {name}")


def test_version_is_the_package_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"quacktrace {__version__}\n"


def test_unknown_command_is_one_line_that_names_the_others(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["upp"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("quacktrace upp: there is no command 'upp'; there are: demo, doctor")
    assert error.count("\n") == 1


def test_missing_extra_names_the_pip_line() -> None:
    command = Command("up", "start", lambda parser: None, lambda arguments: 0, "collector", ("no_such_module",))
    with pytest.raises(MissingExtraError, match=r'pip install "quacktrace\[collector\]"'):
        command.check_installed()


def test_no_collector_is_one_line_that_says_how_to_start_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sql", "select 1", "--url", "http://127.0.0.1:1"]) == 1
    error = capsys.readouterr().err
    assert "start one with `quacktrace up`" in error
    assert error.count("\n") == 1


def test_ctrl_c_ends_without_a_traceback() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        command = [*QUACKTRACE, "sql", "select 1", "--url", url]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
            connection, _ = listener.accept()
            with connection:
                process.send_signal(signal.SIGINT)
                _, error = process.communicate(timeout=60)
    assert (process.returncode, error) == (130, "")


def test_reader_that_goes_away_is_no_error() -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    try:
        result = subprocess.run([*QUACKTRACE, "--help"], stdout=write_end, stderr=subprocess.PIPE, check=False)
    finally:
        os.close(write_end)
    assert (result.returncode, result.stderr) == (141, b"")


def test_colour_is_for_terminals_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (tmp_path / "out").open("w") as file:
        assert colour("text", "1", file) == "text"
    controller, terminal = os.openpty()
    with os.fdopen(controller), os.fdopen(terminal, "w") as stream:
        monkeypatch.delenv("NO_COLOR", raising=False)
        monkeypatch.setenv("TERM", "xterm")
        assert colour("text", "1", stream) == "\x1b[1mtext\x1b[0m"
        monkeypatch.setenv("NO_COLOR", "1")
        assert colour("text", "1", stream) == "text"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("GET /über/鴨", "GET /über/鴨"),
        ("a\nb\tc\r", "a\\nb\\tc\\r"),
        ("\x1b[2J\x07\x9b31m", "\\x1b[2J\\x07\\x9b31m"),
        ("user\u202egnp.exe", "user\\u202egnp.exe"),
        ("\udcff", "\\udcff"),
    ],
)
def test_control_characters_are_shown_not_obeyed(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_doctor_stops_at_the_port_when_nothing_listens() -> None:
    result = subprocess.run(
        [*QUACKTRACE, "doctor", "--endpoint", "http://127.0.0.1:1"], capture_output=True, text=True, check=False
    )
    marks = [line.split()[:2] for line in result.stdout.splitlines() if line.startswith(("OK", "FAIL"))]
    assert marks == [["OK", "environment"], ["OK", "SDK"], ["OK", "exporter"], ["FAIL", "port"]]
    assert "fix: start a collector there with `quacktrace up`" in result.stdout
    assert result.returncode == 1
