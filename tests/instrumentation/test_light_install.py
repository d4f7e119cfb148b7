"""A service gets OpenTelemetry and nothing else from us: the built wheel, without extras, in a new environment."""

from __future__ import annotations

import json
import subprocess
import sys
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
FORBIDDEN = {"aiohttp", "click", "dash", "duckdb", "flask", "numpy", "plotly", "pyarrow", "rich"}


@pytest.fixture(scope="module")
def light_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of a venv that holds the wheel and what it requires."""
    folder = tmp_path_factory.mktemp("light")
    build = [sys.executable, "-m", "build", "--wheel", "--outdir", str(folder), str(ROOT)]
    _run_installer(build)
    venv.create(folder / "venv", with_pip=False)
    python = folder / "venv" / "bin" / "python"
    (wheel,) = folder.glob("*.whl")
    _run_installer([sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", str(wheel)])
    return python


def _run_installer(command: list[str]) -> None:
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode and ("NewConnectionError" in result.stderr or "name resolution" in result.stderr):
        pytest.skip("no package index can be reached from here")
    assert result.returncode == 0, result.stdout + result.stderr


def _output(python: Path, code: str) -> str:
    return subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout


@pytest.mark.slow
def test_light_install_pulls_opentelemetry_only(light_python: Path) -> None:
    names = json.loads(
        _output(
            light_python,
            "import importlib.metadata as m, json; print(json.dumps([d.name.lower() for d in m.distributions()]))",
        )
    )
    assert FORBIDDEN.isdisjoint(names)
    assert "opentelemetry-sdk" in names


@pytest.mark.slow
def test_light_install_lists_all_commands_and_names_the_missing_extra(light_python: Path) -> None:
    quacktrace = light_python.parent / "quacktrace"
    overview = subprocess.run([quacktrace], capture_output=True, text=True, check=True).stdout
    assert "run     run a program instrumented" in overview
    assert 'up      start the collector and the dashboard (needs pip install "quacktrace[collector]")' in overview
    result = subprocess.run([quacktrace, "up"], capture_output=True, text=True, check=False)
    assert result.returncode == 2
    assert 'pip install "quacktrace[collector]"' in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.mark.slow
def test_light_install_instruments_a_program(light_python: Path) -> None:
    code = "from opentelemetry import trace; print(type(trace.get_tracer_provider()).__module__)"
    command = [
        light_python.parent / "quacktrace",
        "run",
        "--endpoint",
        "http://127.0.0.1:1",
        "--",
        "python",
        "-c",
        code,
    ]
    environment = {"PATH": str(light_python.parent)}
    result = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    assert (result.stdout, result.stderr) == ("opentelemetry.sdk.trace\n", "")
