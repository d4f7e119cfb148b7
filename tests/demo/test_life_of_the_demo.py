"""How the demo starts, tells, and ends: nothing of it stays behind, however it ends."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

if TYPE_CHECKING:
    from tests.demo.conftest import RunningDemo, Shop

pytestmark = pytest.mark.slow

PROCESSES = 12
"""The demo, its collector, and ten services."""


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = (sys.executable, "-m", "quacktrace", "demo", *arguments)
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def test_each_address_is_told_on_one_line(shop: Shop) -> None:
    labels = ("dashboard", "OTLP/HTTP", "OTLP/gRPC", "the shop", "switchboard", "data", "the answers")
    assert all(shop.demo.told(label) for label in labels)


def test_faults_are_switched_and_told_by_the_command_line(shop: Shop) -> None:
    data = ("--data", str(shop.demo.data))
    switched = run(*data, "--fault", "n-plus-one", "on")
    assert (switched.returncode, switched.stdout) == (0, "n-plus-one is on: n+1 queries\n")
    assert "ON  n-plus-one" in run(*data, "--faults").stdout
    run(*data, "--fault", "n-plus-one", "off")
    told = run(*data, "--faults").stdout
    assert "ON " not in told
    assert re.search(r"Z to \S+Z +n-plus-one \(person\)", told)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--fault", "fox", "on"), "there is no fault 'fox'; there are: slow-provider,"),
        (("--fault", "bad-deploy", "maybe"), "a fault is switched `on` or `off`"),
        (("--fault", "bad-deploy", "on"), "no demo runs on"),
        (("--rate", "0"), "--rate 0: customers a second"),
    ],
)
def test_a_wrong_command_line_is_one_line_that_says_what_to_do(
    tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    result = run("--data", str(tmp_path), *arguments)
    assert result.returncode == 2
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_a_wrong_option_of_the_collector_is_told_in_its_own_words(tmp_path: Path) -> None:
    result = run("--data", str(tmp_path), "--port", "duck")
    assert result.returncode == 1
    assert "collector did not start: quacktrace up: --port 'duck': a port is a number" in result.stderr


def test_a_taken_port_is_told_and_nothing_stays_behind(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        result = run("--data", str(tmp_path), "--no-browser", "--port", port, "--grpc-port", "0")
    assert result.returncode == 1
    assert port in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_a_service_that_dies_is_told_the_others_go_on_and_ctrl_c_ends_them(
    start_demo: Callable[..., RunningDemo],
) -> None:
    demo = start_demo()
    family = demo.family()
    assert len(family) >= PROCESSES
    os.kill(demo.member("inventory-2").pid, signal.SIGKILL)
    while not demo.told("quacktrace demo: inventory-2"):
        assert demo.process.poll() is None
    assert demo.told("quacktrace demo: inventory-2").startswith("was ended by SIGKILL")
    assert demo.end() == 0
    assert [process for process in family if process.is_running()] == []


def test_no_process_outlives_a_demo_that_is_killed(start_demo: Callable[..., RunningDemo]) -> None:
    demo = start_demo()
    family = demo.family()
    assert demo.end(signal.SIGKILL) == -signal.SIGKILL
    assert psutil.wait_procs(family, timeout=30)[1] == []


def test_a_second_demo_on_the_same_folder_is_refused_and_the_first_goes_on(shop: Shop) -> None:
    result = run("--data", str(shop.demo.data), "--no-browser", "--port", "0", "--grpc-port", "0")
    assert result.returncode == 1
    assert str(shop.demo.data) in result.stderr
    assert shop.ask("GET", "/users/42")[1] == 200


def test_the_demo_ends_when_its_collector_dies(start_demo: Callable[..., RunningDemo]) -> None:
    demo = start_demo()
    family = demo.family()
    os.kill(demo.member("up").pid, signal.SIGKILL)
    assert demo.end(signal.SIGCONT) == 1
    assert demo.told("quacktrace demo: collector").startswith("was ended by SIGKILL")
    assert psutil.wait_procs(family, timeout=30)[1] == []
