"""A list of abuse from elsewhere, on a real collector: `benchmarks/abuse.py` sends it, and measures what it costs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from real_processes import clean_environment

PROGRAM = Path(__file__).parents[2] / "benchmarks" / "abuse.py"
# Those without seconds of waiting; full disks, signals and kills have tests of their own.
LISTED = """
001 002 006 007 008 009 010 013 014 016 021 024 025 027 028 029 032 033 034 035 039 040 042 043 052
053 057 059 060 061 062 063 064 067 068 070 071 073 075 076 077 078 079 081 082 084 086 087 090 091
092 093 095 096 097 099 100 102 105 106 109 112 113 115 116 118 120 121 122
"""


def test_listed_abuse_is_answered_as_listed_and_valid_spans_are_stored_after_it(test_data: Path) -> None:
    cases = test_data.parent / "abuse" / "ingest_abuse.json"
    if not cases.is_file():
        pytest.skip("the folder of abuse lists is not beside QUACKTRACE_TEST_DATA")
    only = ",".join(f"I{number}" for number in LISTED.split())
    ended = subprocess.run(
        [sys.executable, str(PROGRAM), "--list", str(cases), "--only", only],
        env=clean_environment(),
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert ended.stdout, ended.stderr
    report = json.loads(ended.stdout)
    assert report["wrong"] == []
    assert report["cases"] + len(report["left_out"]) == len(LISTED.split())
