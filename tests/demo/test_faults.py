"""The switchboard: what is on, since when, and who may switch it off."""

from __future__ import annotations

from pathlib import Path

import pytest

from quacktrace_demo.answers import set_fault, tell_faults
from quacktrace_demo.errors import NotRunningError, UnknownFaultError
from quacktrace_demo.faults import FAULTS, N_PLUS_ONE, SLOW_QUERY, FaultFile, FaultSwitch


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "faults.json"


def test_services_see_a_fault_from_when_it_is_switched_on_until_it_is_off(path: Path) -> None:
    switch, seen = FaultSwitch(path), FaultFile(path)
    assert not seen.is_on(SLOW_QUERY)
    switch.turn_on("slow-query", by="person")
    assert seen.is_on(SLOW_QUERY)
    assert not seen.is_on(N_PLUS_ONE)
    switch.turn_off("slow-query")
    assert not seen.is_on(SLOW_QUERY)


def test_history_tells_when_a_fault_was_on_and_survives_a_restart(path: Path) -> None:
    first = FaultSwitch(path)
    first.turn_on("slow-query", by="cycle")
    again = FaultSwitch(path)
    (period,) = again.periods
    assert (period.name, period.by) == ("slow-query", "cycle")
    assert period.off_at is not None
    assert period.off_at >= period.on_at


def test_switching_on_twice_is_one_period(path: Path) -> None:
    switch = FaultSwitch(path)
    switch.turn_on("slow-query", by="cycle")
    switch.turn_on("slow-query", by="cycle")
    assert len(switch.periods) == 1


def test_the_cycle_does_not_end_what_a_person_switched_on(path: Path) -> None:
    switch = FaultSwitch(path)
    switch.turn_on("slow-query", by="cycle")
    switch.turn_on("slow-query", by="person")
    switch.turn_off("slow-query", only_by="cycle")
    assert switch.is_on("slow-query")


def test_an_unknown_fault_is_refused_with_the_list_of_known_ones(path: Path) -> None:
    with pytest.raises(UnknownFaultError, match=r"no fault 'slow'; there are: .*slow-query"):
        FaultSwitch(path).turn_on("slow", by="person")


def test_every_fault_says_where_to_look_and_what_to_find() -> None:
    pages = {"/", "/services", "/traces", "/hotspots", "/logs", "/sql"}
    assert len(FAULTS) == 9
    assert len({fault.name for fault in FAULTS}) == 9
    assert all(fault.page in pages and fault.does and fault.find for fault in FAULTS)


def test_the_answers_can_be_read_after_the_demo_has_ended(path: Path) -> None:
    FaultSwitch(path).turn_on("bad-deploy", by="cycle")
    told = tell_faults(path.parent)
    assert "off bad-deploy:" in told
    assert "to the end" in told


def test_a_fault_cannot_be_switched_without_a_demo(tmp_path: Path) -> None:
    with pytest.raises(NotRunningError, match="no demo runs on"):
        set_fault(tmp_path, "bad-deploy", on=True)
