"""The commands that talk to a running collector, against a real one."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from quacktrace_collector.client import ConnectionFailedError, connect
from quacktrace_collector.decode import decode_spans
from quacktrace_collector.errors import QueryRefusedError
from quacktrace_collector.store import Store
from real_processes import RunningCollector, clean_environment, running_collector

SERVICE = "shop\x1b[31m\u202e"


def quacktrace(collector: RunningCollector, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "quacktrace", *arguments],
        input=stdin.encode(),
        capture_output=True,
        env=clean_environment(QUACKTRACE_URL=collector.url),
        timeout=120,
        check=False,
    )


def traces_request() -> ExportTraceServiceRequest:
    """Three spans of a service with a hostile name."""
    traces = ExportTraceServiceRequest()
    resource = traces.resource_spans.add()
    resource.resource.attributes.add(key="service.name").value.string_value = SERVICE
    spans = resource.scope_spans.add().spans
    for number in range(3):
        spans.add(
            trace_id=b"\1" * 16,
            span_id=bytes(7) + bytes([number + 1]),
            name=f"span {number}",
            start_time_unix_nano=1_700_000_000_000_000_000,
            end_time_unix_nano=1_700_000_001_000_000_000,
        )
    return traces


@pytest.fixture(scope="module")
def imported(collector: RunningCollector, tmp_path_factory: pytest.TempPathFactory) -> RunningCollector:
    """Three spans of a service with a hostile name and two log records, imported from files."""
    folder = tmp_path_factory.mktemp("files")
    traces = traces_request()
    logs = ExportLogsServiceRequest()
    records = logs.resource_logs.add().scope_logs.add().log_records
    records.add(time_unix_nano=1_700_000_000_000_000_000).body.string_value = "a"
    records.add(time_unix_nano=1_700_000_000_000_000_000).body.string_value = "b"
    (folder / "traces.pb").write_bytes(traces.SerializeToString())
    (folder / "logs.pb").write_bytes(logs.SerializeToString())
    result = quacktrace(collector, "import", str(folder / "traces.pb"), str(folder / "logs.pb"))
    assert result.returncode == 0, result.stderr
    traces_line, logs_line, summary = result.stdout.decode().splitlines()
    assert [line.split(": ")[1] for line in (traces_line, logs_line)] == ["3 spans", "2 log records"]
    assert summary == "2 files, 3 spans stored, 2 log records stored, 0 duplicates, 0 rejected"
    return collector


QUERY = "select span_id, service_name, duration_ns from spans order by span_id limit 2"


def test_sql_prints_a_table_without_control_characters(imported: RunningCollector) -> None:
    result = quacktrace(imported, "sql", QUERY)
    assert result.returncode == 0, result.stderr
    lines = result.stdout.decode().splitlines()
    assert lines[0].split() == ["span_id", "service_name", "duration_ns"]
    assert lines[2].split() == ["0000000000000001", "shop\\x1b[31m\\u202e", "1000000000"]
    assert lines[-1] == "(2 rows)"


def test_sql_prints_json_csv_arrow_and_parquet(imported: RunningCollector) -> None:
    expected = [{"span_id": f"000000000000000{n}", "service_name": SERVICE, "duration_ns": 10**9} for n in (1, 2)]
    assert json.loads(quacktrace(imported, "sql", "--format", "json", QUERY).stdout) == expected
    text = quacktrace(imported, "sql", "--format", "csv", QUERY).stdout.decode()
    assert [row["span_id"] for row in csv.DictReader(io.StringIO(text))] == [row["span_id"] for row in expected]
    with pa.ipc.open_stream(quacktrace(imported, "sql", "--format", "arrow", QUERY).stdout) as reader:
        assert reader.read_all().to_pylist() == expected
    parquet = quacktrace(imported, "sql", "--format", "parquet", QUERY).stdout
    assert pq.read_table(pa.BufferReader(parquet)).to_pylist() == expected


def test_sql_reads_the_query_from_standard_input(imported: RunningCollector) -> None:
    result = quacktrace(imported, "sql", "--format", "csv", "-", stdin="select count(*) as n\nfrom spans")
    assert result.stdout.decode().split() == ["n", "3"]


def test_sql_reads_the_query_from_a_file_and_describes_the_schema(imported: RunningCollector, tmp_path: Path) -> None:
    (tmp_path / "q.sql").write_text("select count(*) as n from spans")
    assert quacktrace(imported, "sql", "--format", "csv", "-f", str(tmp_path / "q.sql")).stdout.startswith(b"n\r\n")
    assert quacktrace(imported, "sql", "-f", str(tmp_path / "none.sql")).returncode == 2
    listed = quacktrace(imported, "sql", r"\d").stdout.decode()
    assert "spans" in listed
    assert "red(from_time, to_time" in listed
    described = quacktrace(imported, "sql", r"\d spans").stdout.decode()
    assert "trace_id" in described
    assert "TIMESTAMP_NS" in described
    assert quacktrace(imported, "sql", r"\d nope").returncode == 2


def test_python_client_gives_arrow_rows_and_errors(imported: RunningCollector) -> None:
    rows = connect(imported.url).sql("select 1 as a, 'x' as b union all select 2, 'y' order by a")
    assert (rows.columns, len(rows), list(rows)) == (["a", "b"], 2, [(1, "x"), (2, "y")])
    assert rows.arrow().column("a").to_pylist() == [1, 2]
    assert rows.dicts()[1] == {"a": 2, "b": "y"}
    assert len(connect(imported.url).sql("from range(300000)").arrow()) == 300_000
    with pytest.raises(QueryRefusedError) as refused:
        connect(imported.url).sql("select nme from spans")
    assert refused.value.position == 7
    with pytest.raises(ConnectionFailedError):
        connect("http://127.0.0.1:9").sql("select 1")


def test_wrong_sql_is_one_line_that_says_where(imported: RunningCollector) -> None:
    result = quacktrace(imported, "sql", "select nme\nfrom spans")
    assert result.returncode == 1
    assert result.stdout == b""
    assert result.stderr.decode().count("\n") == 1
    assert "nme" in result.stderr.decode()


def test_import_goes_on_after_a_file_that_is_none(imported: RunningCollector, tmp_path: Path) -> None:
    (tmp_path / "bad.json").write_text('{"resourceSpans": 3}')
    (tmp_path / "good.json").write_text('{"resourceSpans": []}')
    span = '{"resourceSpans": [{"scopeSpans": [{"spans": [{"traceId": "zz", "spanId": "1"}]}]}]}'
    (tmp_path / "ids.json").write_text(span)
    paths = [str(tmp_path / name) for name in ("absent.pb", "bad.json", "ids.json", "good.json")]
    result = quacktrace(imported, "import", *paths)
    assert result.returncode == 1
    errors = result.stderr.decode().splitlines()
    assert len(errors) == 2
    assert "absent.pb: No such file" in errors[0]
    assert "bad.json: JSON, but no traces: neither resourceSpans nor resourceLogs in it" in errors[1]
    ids, good, summary = result.stdout.decode().splitlines()
    assert f"{tmp_path / 'ids.json'}: 0 spans, 1 rejected (trace_id must be 16 bytes" in ids
    assert good == f"{tmp_path / 'good.json'}: 0 spans"
    assert summary.endswith("0 duplicates, 1 rejected")


def test_a_file_imported_again_is_told_as_duplicates(imported: RunningCollector, tmp_path: Path) -> None:
    path = tmp_path / "zipkin.json"
    path.write_text(json.dumps([{"traceId": "5", "id": f"{n}", "timestamp": 1} for n in range(1, 4)]))
    summaries = [quacktrace(imported, "import", str(path)).stdout.decode().splitlines()[-1] for _ in range(2)]
    assert summaries == [
        "1 file, 3 spans stored, 0 log records stored, 0 duplicates, 0 rejected",
        "1 file, 0 spans stored, 0 log records stored, 3 duplicates, 0 rejected",
    ]


def test_export_writes_what_import_reads_again(imported: RunningCollector, tmp_path: Path) -> None:
    written = quacktrace(imported, "export", "--trace", "01" * 16, "--from", "2023-01-01T00:00:00Z")
    assert written.returncode == 0, written.stderr
    path = tmp_path / "spans.jsonl.gz"
    assert quacktrace(imported, "export", "--trace", "01" * 16, "-o", str(path)).returncode == 0
    assert gzip.decompress(path.read_bytes()) == written.stdout
    (line,) = written.stdout.splitlines()
    (resource,) = json.loads(line)["resourceSpans"]
    assert [span["name"] for span in resource["scopeSpans"][0]["spans"]] == ["span 0", "span 1", "span 2"]
    again = quacktrace(imported, "import", str(path)).stdout.decode().splitlines()[-1]
    assert again == "1 file, 0 spans stored, 0 log records stored, 3 duplicates, 0 rejected"


def test_export_writes_parquet_and_leaves_nothing_half_written(imported: RunningCollector, tmp_path: Path) -> None:
    path = tmp_path / "spans.parquet"
    result = quacktrace(imported, "export", "--format", "parquet", "--service", SERVICE, "-o", str(path))
    assert result.returncode == 0, result.stderr
    assert pq.read_table(path)["service_name"].to_pylist() == [SERVICE] * 3
    refused = quacktrace(imported, "export", "--from", "never", "-o", str(tmp_path / "other"))
    assert (refused.returncode, refused.stdout) == (1, b"")
    assert refused.stderr.decode().count("\n") == 1
    assert "from" in refused.stderr.decode()
    assert list(tmp_path.iterdir()) == [path]


def test_export_reads_a_folder_that_no_collector_has(imported: RunningCollector, tmp_path: Path) -> None:
    in_use = quacktrace(imported, "export", "--data", str(imported.data_dir))
    assert in_use.returncode == 1
    assert "is in use" in in_use.stderr.decode()
    absent = quacktrace(imported, "export", "--data", str(tmp_path / "absent"))
    assert "there is no such folder" in absent.stderr.decode()
    store = Store(tmp_path / "data")
    store.append(decode_spans([traces_request().SerializeToString()], received_at_ns=1), None)
    store.close()
    offline = quacktrace(imported, "export", "--data", str(tmp_path / "data"))
    assert offline.stdout == quacktrace(imported, "export", "--trace", "01" * 16).stdout


def test_refused_request_tells_the_collectors_reason(imported: RunningCollector, tmp_path: Path) -> None:
    (tmp_path / "refused.json").write_text('{"resourceSpans": [3]}')
    result = quacktrace(imported, "import", str(tmp_path / "refused.json"))
    assert result.returncode == 1
    assert "refused.json: refused with 400: resourceSpans" in result.stderr.decode()


def test_doctor_finds_its_own_row(collector: RunningCollector) -> None:
    result = quacktrace(collector, "doctor", "--endpoint", collector.url)
    marks = [line.split()[:2] for line in result.stdout.decode().splitlines()]
    assert marks == [["OK", hop] for hop in ("environment", "SDK", "exporter", "port", "export", "row")]
    assert result.returncode == 0


def test_second_collector_on_the_same_folder_is_one_line(collector: RunningCollector) -> None:
    result = quacktrace(collector, "up", "--data", str(collector.data_dir), "--port", "0", "--grpc-port", "0")
    assert result.returncode == 1
    assert f"{collector.data_dir} is in use" in result.stderr.decode()
    assert result.stderr.decode().count("\n") == 1


@pytest.mark.parametrize("option", ["--port", "--grpc-port"])
def test_taken_port_is_one_line_that_names_the_option(collector: RunningCollector, tmp_path: Path, option: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        ports = {"--port": "0", "--grpc-port": "0", option: str(listener.getsockname()[1])}
        result = quacktrace(
            collector, "up", "--data", str(tmp_path), "--no-browser", *(text for pair in ports.items() for text in pair)
        )
    assert result.returncode == 1
    error = result.stderr.decode()
    assert f"choose another port with {option}" in error
    assert error.startswith("quacktrace up: cannot listen on 127.0.0.1:")
    assert error.count("\n") == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_collector_stops_cleanly_when_asked(tmp_path: Path, number: signal.Signals) -> None:
    with running_collector(tmp_path) as running:
        os.kill(running.process.pid, number)
        assert running.process.wait(30) == 0
    assert "Traceback" not in (tmp_path / "collector.log").read_text()


def test_tokens_are_asked_for_and_taken_from_the_environment(tmp_path: Path, imported: RunningCollector) -> None:
    with running_collector(tmp_path, "--write-token", "w", "--read-token", "r") as guarded:
        refused = quacktrace(guarded, "sql", "select 1")
        assert refused.returncode == 1
        assert "token" in refused.stderr.decode()
        (tmp_path / "empty.json").write_text('{"resourceSpans": []}')
        refused = quacktrace(guarded, "import", str(tmp_path / "empty.json"))
        assert "QUACKTRACE_WRITE_TOKEN" in refused.stderr.decode()
        assert quacktrace(guarded, "sql", "select 1", "--token", "r").returncode == 0
        assert quacktrace(guarded, "import", str(tmp_path / "empty.json"), "--token", "w").returncode == 0
