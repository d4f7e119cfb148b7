"""How often `GET /api/v1/diagnose` names the service at fault, over labelled fault cases; prints one JSON object.

    python benchmarks/diagnosis.py [--data DIR] [--errors none,status,logs] [--baselines normal,default] [--verbose]

DIR (default: the folder `rca` of QUACKTRACE_TEST_DATA) has cases.json and Parquet files of spans. Each case gets a
store of its own with its normal traffic and its own spans at their own times. `normal` names the normal traffic's range
as the baseline; `default` names none. The source has no status: `status` makes spans with logged errors fail, `logs`
stores the errors as log records, `none` leaves them out.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import duckdb
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from quacktrace_collector.decode import decode_logs, decode_spans
from quacktrace_collector.query.diagnose import diagnose
from quacktrace_collector.query.window import Window
from quacktrace_collector.store import Store

_SPANS_A_REQUEST: Final = 20_000
_ERROR: Final = 17
_COLUMNS: Final = (
    "trace_id, span_id, parent_span_id, service, operation, start_unix_nano, duration_ns, "
    "coalesce(log_error_count, 0), json_extract_string(attributes, '$.\"k8s.pod.name\"')"
)


def main() -> None:
    """Run every case with every way of telling errors and baselines."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("QUACKTRACE_TEST_DATA", "."), "rca"))
    parser.add_argument("--errors", default="none,status,logs")
    parser.add_argument("--baselines", default="normal,default")
    parser.add_argument("--verbose", action="store_true")
    asked = parser.parse_args()
    described = json.loads((asked.data / "cases.json").read_text())
    normal = {ref["file"]: ref for ref in described["normal_refs"].values()}
    ranks: dict[str, list[tuple[dict[str, Any], int]]] = defaultdict(list)
    seconds: list[float] = []
    for case in described["cases"]:
        for errors in asked.errors.split(","):
            with tempfile.TemporaryDirectory() as folder:
                store = Store(Path(folder))
                try:
                    for file in (case["normal_ref"], case["file"]):
                        _import(store, asked.data / file, errors=errors)
                    for baseline in asked.baselines.split(","):
                        started = time.perf_counter()
                        ranked = _ask(store, case, normal[case["normal_ref"]] if baseline == "normal" else None)
                        seconds.append(time.perf_counter() - started)
                        names = [one["service_name"] for one in ranked]
                        cause = case["root_cause_service"]
                        rank = names.index(cause) + 1 if cause in names else 0
                        ranks[f"errors {errors}, baseline {baseline}"].append((case, rank))
                        if asked.verbose:
                            first = ranked[0]["sentence"] if ranked else ""
                            print(rank, errors, baseline, case["case_id"], names[:3], first, file=sys.stderr)
                finally:
                    store.close()
    print(json.dumps({"cases": {key: _accuracy(found) for key, found in ranks.items()}, **_times(seconds)}, indent=1))


def _ask(store: Store, case: dict[str, Any], normal: dict[str, Any] | None) -> list[dict[str, Any]]:
    from_ns, to_ns = case["abnormal_window"]
    answer = diagnose(
        store,
        Window(from_ns, to_ns + 1, store.data_range()),
        baseline_from_ns=normal["from_unix_nano"] if normal else None,
        baseline_to_ns=normal["to_unix_nano"] + 1 if normal else None,
    )
    ranked: list[dict[str, Any]] = answer["ranked"]
    return ranked


def _accuracy(found: Sequence[tuple[dict[str, Any], int]]) -> dict[str, Any]:
    groups: dict[str, list[int]] = defaultdict(list)
    for case, rank in found:
        for group in (case["system"], f"{case['system']} {case['fault_type']}"):
            groups[group].append(rank)
    return {
        group: {"cases": len(ranks), **{f"top{n}": sum(0 < rank <= n for rank in ranks) for n in (1, 3, 5)}}
        for group, ranks in sorted(groups.items())
    }


def _times(seconds: list[float]) -> dict[str, float]:
    ordered = sorted(seconds)
    return {"p50_s": round(ordered[len(ordered) // 2], 3), "slowest_s": round(ordered[-1], 3)}


def _import(store: Store, file: Path, *, errors: str) -> None:
    rows = duckdb.sql(f"select {_COLUMNS} from read_parquet($file)", params={"file": str(file)}).fetchall()
    for start in range(0, len(rows), _SPANS_A_REQUEST):
        part = rows[start : start + _SPANS_A_REQUEST]
        store.append(decode_spans([_spans(part, fails=errors == "status")], received_at_ns=time.time_ns()), None)
        if errors == "logs":
            store.append(None, decode_logs([_logs(part)], received_at_ns=time.time_ns()))


def _spans(rows: Sequence[tuple[Any, ...]], *, fails: bool) -> bytes:
    request = ExportTraceServiceRequest()
    for resource, part in _by_resource(rows):
        group = request.resource_spans.add(resource=resource)
        scope = group.scope_spans.add()
        for trace_id, span_id, parent_span_id, _, name, start_ns, duration_ns, error_count, _ in part:
            span = scope.spans.add(
                trace_id=bytes.fromhex(trace_id),
                span_id=bytes.fromhex(span_id),
                parent_span_id=bytes.fromhex(parent_span_id or ""),
                name=name,
                start_time_unix_nano=start_ns,
                end_time_unix_nano=start_ns + duration_ns,
            )
            if fails and error_count:
                span.status.code = span.status.STATUS_CODE_ERROR
    return request.SerializeToString()


def _logs(rows: Sequence[tuple[Any, ...]]) -> bytes:
    request = ExportLogsServiceRequest()
    for resource, part in _by_resource(rows):
        scope = request.resource_logs.add(resource=resource).scope_logs.add()
        for trace_id, span_id, _, _, _, start_ns, _, error_count, _ in part:
            if error_count:
                scope.log_records.add(
                    time_unix_nano=start_ns,
                    severity_number=_ERROR,
                    trace_id=bytes.fromhex(trace_id),
                    span_id=bytes.fromhex(span_id),
                    body=AnyValue(string_value="an error"),
                )
    return request.SerializeToString()


def _by_resource(rows: Sequence[tuple[Any, ...]]) -> Iterator[tuple[Resource, list[tuple[Any, ...]]]]:
    parts: dict[tuple[str, str], list[tuple[Any, ...]]] = defaultdict(list)
    for row in rows:
        parts[row[3], row[8]].append(row)
    for (service, pod), part in parts.items():
        values = {"service.name": service, "k8s.pod.name": pod}
        attributes = [KeyValue(key=key, value=AnyValue(string_value=value)) for key, value in values.items()]
        yield Resource(attributes=attributes), part


if __name__ == "__main__":
    main()
