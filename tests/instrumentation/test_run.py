"""`quacktrace run` becomes the program, instruments it, and otherwise leaves it as it was."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import venv
from collections.abc import Sequence
from pathlib import Path

import pytest

from quacktrace.errors import UsageError
from quacktrace.run import instrumented_environment
from quacktrace.service_name import guess_service_name

RUN = (sys.executable, "-m", "quacktrace", "run", "--")
# Nothing listens on port 1, so these programs run without a collector.
NO_COLLECTOR = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}


def environment(**more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "PYTHONPATH"))}
    return {**kept, **more}


def program(folder: Path, source: str) -> str:
    path = folder / "program.py"
    path.write_text(textwrap.dedent(source))
    return str(path)


def run(command: Sequence[str], **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, env=environment(**more), timeout=60, check=False)


def test_console_and_exit_status_are_those_of_the_bare_program(tmp_path: Path) -> None:
    script = program(
        tmp_path,
        """
        import logging, sys
        logging.getLogger("shop").error("before any configuration")
        logging.warning("configures the console")
        logging.getLogger("shop").warning("after it")
        print("done", sys.argv[1:])
        sys.exit(7)
        """,
    )
    bare = run([sys.executable, script, "--", "-x"])
    instrumented = run([*RUN, sys.executable, script, "--", "-x"], **NO_COLLECTOR)
    assert (instrumented.stdout, instrumented.stderr) == (bare.stdout, bare.stderr)
    assert instrumented.returncode == bare.returncode == 7


def test_missing_collector_costs_one_line(tmp_path: Path) -> None:
    script = program(
        tmp_path,
        """
        import logging
        from opentelemetry import trace
        for number in range(4):
            with trace.get_tracer("t").start_as_current_span("s"):
                logging.getLogger("shop").error("order %d", number)
            trace.get_tracer_provider().force_flush()
        """,
    )
    result = run([*RUN, sys.executable, script], OTEL_EXPORTER_OTLP_TIMEOUT="1", **NO_COLLECTOR)
    complaints = [line for line in result.stderr.splitlines() if "order" not in line]
    assert len(complaints) == 1
    assert complaints[0].startswith("quacktrace: telemetry is not getting through, the program runs on")
    assert result.returncode == 0


def test_signal_reaches_the_program_itself(tmp_path: Path) -> None:
    script = program(tmp_path, "import os; print(os.getpid(), flush=True); input()")
    with subprocess.Popen(
        [*RUN, sys.executable, script],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment(**NO_COLLECTOR),
    ) as process:
        assert process.stdout is not None
        assert int(process.stdout.readline()) == process.pid
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == -signal.SIGTERM


def test_program_and_its_python_children_are_instrumented(tmp_path: Path) -> None:
    script = program(
        tmp_path,
        """
        import subprocess, sys
        CODE = "from opentelemetry import trace; print(trace.get_tracer_provider().resource.attributes['service.name'])"
        exec(CODE)
        sys.stdout.flush()
        subprocess.run([sys.executable, "-c", CODE], check=True)
        """,
    )
    result = run([*RUN, sys.executable, script], **NO_COLLECTOR)
    assert result.stdout.split() == ["program", "program"], result.stderr


def test_a_sitecustomize_of_the_environment_still_runs(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("print('theirs')")
    result = run([*RUN, sys.executable, "-c", "print('program')"], PYTHONPATH=str(tmp_path), **NO_COLLECTOR)
    # Once for the quacktrace command itself, which is a Python too.
    assert result.stdout.split() == ["theirs", "theirs", "program"]


def test_modules_of_the_working_directory_do_not_stand_in_for_pythons(tmp_path: Path) -> None:
    (tmp_path / "cwd").mkdir()
    (tmp_path / "cwd" / "queue.py").write_text("raise SystemExit('the wrong queue')")
    script = program(tmp_path, "import queue; print(queue.Queue.__name__)")
    # -P, for `python -m quacktrace` would look into the working directory by itself, as the installed command does not.
    command = [sys.executable, "-P", "-m", "quacktrace", "run", "--", sys.executable, script]
    result = subprocess.run(
        command, cwd=tmp_path / "cwd", capture_output=True, text=True, env=environment(**NO_COLLECTOR), check=False
    )
    assert (result.stdout, result.stderr) == ("Queue\n", "")


def test_django_finds_its_settings_in_the_working_directory() -> None:
    assert os.getcwd() in instrumented_environment(["x"], {"DJANGO_SETTINGS_MODULE": "s"})["PYTHONPATH"].split(
        os.pathsep
    )


def test_interpreter_without_quacktrace_runs_on_and_says_what_to_install(tmp_path: Path) -> None:
    venv.create(tmp_path / "other", with_pip=False)
    python = str(tmp_path / "other" / "bin" / "python")
    child = f"import subprocess; subprocess.run([{python!r}, '-c', 'print(2)'], check=True); print(1)"
    result = run([*RUN, python, "-c", child], **NO_COLLECTOR)
    assert sorted(result.stdout.split()) == ["1", "2"]
    assert result.stderr.count("\n") == 1
    assert f"{python} -m pip install quacktrace" in result.stderr


def test_unknown_program_is_one_line() -> None:
    result = run([*RUN, "no-such-program"])
    assert result.returncode == 2
    assert result.stderr.startswith("quacktrace run: no-such-program: no such program")
    assert result.stderr.count("\n") == 1


def test_variables_of_the_user_are_left_alone() -> None:
    theirs = {
        "OTEL_TRACES_EXPORTER": "console",
        "OTEL_METRICS_EXPORTER": "otlp",
        "OTEL_BSP_SCHEDULE_DELAY": "9000",
        "OTEL_SEMCONV_STABILITY_OPT_IN": "http/dup",
        "OTEL_RESOURCE_ATTRIBUTES": "service.name=theirs,team=a",
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4317",
    }
    result = instrumented_environment(["python", "app.py"], theirs)
    assert {name: result[name] for name in theirs} == theirs
    assert "OTEL_SERVICE_NAME" not in result


@pytest.mark.parametrize(
    ("endpoint", "environ", "told"),
    [
        (None, {}, ("http://127.0.0.1:4318", "http/protobuf")),
        (None, {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318"}, ("http://c:4318", "http/protobuf")),
        (None, {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4317/"}, ("http://c:4317/", "grpc")),
        (None, {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:5318"}, ("http://c:5318", "http/protobuf")),
        (None, {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, (None, "grpc")),
        (None, {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://c:9"}, (None, None)),
        ("http://c:4317", {}, ("http://c:4317", "grpc")),
        ("https://traces.example", {}, ("https://traces.example", "http/protobuf")),
        ("http://c:9", {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, ("http://c:9", "grpc")),
    ],
)
def test_protocol_follows_the_endpoint(
    endpoint: str | None, environ: dict[str, str], told: tuple[str | None, str | None]
) -> None:
    result = instrumented_environment(["x"], environ, endpoint=endpoint)
    assert (result.get("OTEL_EXPORTER_OTLP_ENDPOINT"), result.get("OTEL_EXPORTER_OTLP_PROTOCOL")) == told


def test_endpoint_that_is_no_url_is_refused() -> None:
    with pytest.raises(UsageError, match="is not a URL"):
        instrumented_environment(["x"], {}, endpoint="localhost:4317")


@pytest.mark.parametrize(
    ("command", "name"),
    [
        ("python orders.py --port 1", "orders"),
        ("python3.12 -u -W error services/orders/app.py", "orders"),
        ("python -m shop.payments", "payments"),
        ("python -m shop.payments.main", "payments"),
        ("python -X dev -m uvicorn shop.main:app", "shop"),
        ("flask --app billing run", "billing"),
        ("python -m flask --app=billing run", "billing"),
        ("gunicorn -w 2 orders.wsgi:app", "orders"),
        ("uvicorn inventory.main:create_app() --factory", "inventory"),
        ("celery -A tasks worker", "tasks"),
        ("/usr/local/bin/inventory-server --verbose", "inventory-server"),
        ("./start.sh", "start"),
        ("python manage.py runserver", "warehouse"),
        ("flask run", "warehouse"),
        ("python -c pass", "python"),
    ],
)
def test_service_name_is_guessed_from_the_command(
    command: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "warehouse").mkdir()
    monkeypatch.chdir(tmp_path / "warehouse")
    assert guess_service_name(command.split(), {}) == name
