"""Sends a collector what nobody should, and looks what it answers, what it stores and what it costs.

    python benchmarks/abuse.py [--list ingest_abuse.json] [--only I024,V7] [--quick]

The cases are those of `abusing/` and of a list from elsewhere, whose `recipes.py` lies beside it: each is a request,
or an action by its name. After each of them nothing may have answered 5xx unless that is expected, and
a valid span must be stored. Noted are the milliseconds until it was, the longest wait for `/healthz` meanwhile, the
collector's CPU and peak memory, and at the end how much memory it kept. Prints one JSON object; exits with 1 if a case
went wrong. Actions that need a disk of their own are left out where this is not root.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from abusing import ACTIONS, all_variants
from abusing.actions import NotHereError
from abusing.target import Heartbeat, Target, target

SLOW_ACTIONS = frozenset({"slow_body", "stall_storage", "disk_full", "regex", "sigterm", "kill9"})


@dataclass(frozen=True)
class Case:
    """One thing to do, and what may come of it."""

    id: str
    input: str
    expected: str
    prepare: Callable[[], Callable[[Target], str]]
    """Makes what is to be run, which returns the status that was answered, or `-`, and raises AssertionError when an
    effect is missing."""
    metric: str = ""
    is_slow: bool = False


@dataclass
class Report:
    """What came of all."""

    wrong: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    costs: list[dict[str, Any]] = field(default_factory=list)


def listed(path: Path) -> Iterator[Case]:
    """The cases of a list from elsewhere."""
    spec = importlib.util.spec_from_file_location("recipes", path.with_name("recipes.py"))
    assert spec is not None
    assert spec.loader is not None
    recipes = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(recipes)
    for case in json.loads(path.read_text("utf-8")):
        name = case["recipe"].removeprefix("action:")
        if name != case["recipe"]:
            prepare = partial(ACTIONS.get, name, _unknown)
        else:
            prepare = partial(_posted, case["recipe"], vars(recipes))
        slow = name in SLOW_ACTIONS or "1<<30" in case["recipe"]
        yield Case(case["id"], case["input"], str(case["expected_status"]), prepare, case["metric"], is_slow=slow)


def _unknown(_target: Target) -> str:
    raise NotHereError("no such action here")


def variants() -> Iterator[Case]:
    """Our own."""
    for number, variant in enumerate(all_variants(), 1):
        yield Case(f"V{number}", variant.input, variant.expected, variant.prepare, is_slow=variant.is_slow)


def _posted(recipe: str, names: dict[str, Any]) -> Callable[[Target], str]:
    headers, body = eval(recipe, names)
    return lambda one: str(one.post(body, headers).status)


def is_expected(status: str, expected: str) -> bool:
    """Whether a status is one of `200|400`, `4xx`, or anything but a 5xx for `-`."""
    expected = expected.split()[0]
    if expected == "-":
        return not status.startswith("5")
    return any(status == one or (one.endswith("xx") and status[:1] == one[0]) for one in expected.split("|"))


def check(case: Case, one: Target, heart: Heartbeat, report: Report) -> None:
    """Run a case and note what came of it."""
    run, before = case.prepare(), one.metrics()
    one.forget_peak()
    heart.longest_ms()
    resident, cpu_before = one.resident_mb(), one.cpu_ms()
    try:
        status = run(one)
    except NotHereError as error:
        report.left_out.append(f"{case.id}: {error}")
        return
    except (AssertionError, OSError, ValueError, KeyError) as error:
        report.wrong.append(f"{case.id} {case.input}: {error!r}")
        return
    cpu, lag, peak = one.cpu_ms() - cpu_before, heart.longest_ms(), one.peak_mb() - resident
    if not is_expected(status, case.expected):
        report.wrong.append(f"{case.id} {case.input}: {status}, expected {case.expected}")
    try:
        stored_ms = one.store_one()
    except (AssertionError, OSError) as error:
        report.wrong.append(f"{case.id} {case.input}: afterwards {error!r}")
        return
    if case.metric and not _counted(case.metric, before, one.metrics()):
        report.notes.append(f"{case.id}: {case.metric} was not counted")
    costs = {"stored_ms": stored_ms, "lag_ms": lag, "cpu_ms": cpu, "peak_mb": peak, "rss_mb": one.resident_mb()}
    report.costs.append({"id": case.id, "status": status, **{name: round(cost, 1) for name, cost in costs.items()}})


def _counted(metric: str, before: dict[str, float], after: dict[str, float]) -> bool:
    name, _, labels = metric.replace('"', "").rstrip("}").partition("{")
    return any(
        key.startswith(name) and labels in key.replace('"', "") and value > before.get(key, 0)
        for key, value in after.items()
    )


def settled_mb(one: Target) -> float:
    """Resident memory once there was time to give back."""
    time.sleep(2.5)
    return one.resident_mb()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--list", type=Path, default=None)
    parser.add_argument("--only", default="", help="ids, with commas")
    parser.add_argument("--quick", action="store_true", help="leave out what takes more than a few seconds")
    parser.add_argument("--all-costs", action="store_true", help="print those of every case")
    arguments = parser.parse_args()
    cases = [*(listed(arguments.list) if arguments.list else ()), *variants()]
    chosen = set(arguments.only.split(",")) - {""}
    cases = [case for case in cases if case.id in chosen or not (chosen or (arguments.quick and case.is_slow))]
    report = Report()
    with tempfile.TemporaryDirectory() as scratch:
        with target(Path(scratch, "main"), "--min-free", "1MB") as one:
            for _ in range(20):
                one.store_one()
            one.get("/api/v1/services")
            resident = settled_mb(one)
            with Heartbeat(one.port) as heart:
                for case in cases:
                    check(case, one, heart, report)
            kept = settled_mb(one) - resident
            counted = one.metrics()
            log = one.log.read_text(errors="replace")
        if "Traceback" in log:
            report.wrong.append(f"a traceback was logged: {log[log.index('Traceback') :][:3000]}")
        add_up(counted, report)
    stored = sorted(cost["stored_ms"] for cost in report.costs)
    result = {
        "cases": len(report.costs),
        "wrong": report.wrong,
        "notes": report.notes,
        "left_out": report.left_out,
        "stored_ms_p50": statistics.median(stored) if stored else None,
        "stored_ms_max": max(stored, default=None),
        "rss_before_mb": round(resident, 1),
        "rss_kept_mb": round(kept, 1),
        "costs": report.costs if arguments.all_costs else [cost for cost in report.costs if _is_dear(cost)],
    }
    print(json.dumps(result, indent=1))
    return 1 if report.wrong else 0


def add_up(counted: dict[str, float], report: Report) -> None:
    """Received = stored + duplicate + rejected."""

    def total(name: str) -> float:
        return sum(value for key, value in counted.items() if key.partition("{")[0] == f"qt_ingest_{name}_spans_total")

    parts = {name: total(name) for name in ("received", "stored", "duplicate", "rejected")}
    if parts["received"] != parts["stored"] + parts["duplicate"] + parts["rejected"]:
        report.wrong.append(f"does not add up: {parts}")


def _is_dear(cost: dict[str, Any]) -> bool:
    limits = {"stored_ms": 100, "lag_ms": 50, "cpu_ms": 150, "peak_mb": 48}
    return any(cost[name] > limit for name, limit in limits.items())


if __name__ == "__main__":
    sys.exit(main())
