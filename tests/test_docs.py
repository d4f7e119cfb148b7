"""The documentation says what is so: settings, commands, options and links are checked against the code."""

from __future__ import annotations

import argparse
import os
import re
import shlex
from pathlib import Path

import pytest

from quacktrace.commands import command_names, load_command
from quacktrace.run import DEFAULTS
from quacktrace_collector.settings import SETTINGS

ROOT = Path(__file__).parent.parent
OPERATIONS = ROOT / "docs" / "operations.md"
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]


def settings_table() -> str:
    rows = (
        f"| `{row.flag} {row.metavar}` | `{row.variable}` | {row.default or ''} | {row.summary} |" for row in SETTINGS
    )
    return "\n".join(["| option | variable | default | |", "|---|---|---|---|", *rows])


def command_lines() -> list[str]:
    """Every `quacktrace …` line of a console block, as far as its first shell operator."""
    blocks = re.findall(r"```console\n(.*?)```", "\n".join(page.read_text("utf-8") for page in PAGES), re.DOTALL)
    lines = (line.strip() for block in blocks for line in block.splitlines())
    return [line.split(" > ")[0].split(" | ")[0] for line in lines if line.startswith("quacktrace ")]


def test_operations_page_has_the_settings_as_they_are() -> None:
    text = OPERATIONS.read_text("utf-8")
    block = re.compile(r"(<!-- settings: [^\n]*-->\n).*?(<!-- /settings -->)", re.DOTALL)
    current = block.sub(lambda found: f"{found[1]}{settings_table()}\n{found[2]}", text)
    if os.environ.get("UPDATE_DOCS"):
        OPERATIONS.write_text(current, "utf-8")
    else:
        assert text == current, "run `make docs`"


def test_instrumenting_page_has_every_default_that_run_sets() -> None:
    text = (ROOT / "docs" / "instrumenting.md").read_text("utf-8")
    for variable, value in DEFAULTS.items():
        assert re.search(rf"`{variable}`.*`{value}`", text), variable


@pytest.mark.parametrize("name", command_names())
def test_every_command_is_documented(name: str) -> None:
    assert any(f"quacktrace {name}" in page.read_text("utf-8") for page in PAGES)


@pytest.mark.parametrize("line", command_lines())
def test_command_line_of_the_docs_is_understood(line: str) -> None:
    _, name, *arguments = shlex.split(line)
    parser = argparse.ArgumentParser()
    load_command(name).add_arguments(parser)
    parser.parse_args(arguments)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_to_files_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text("utf-8"))
    missing = [target for target in targets if "://" not in target and not (page.parent / target).exists()]
    assert missing == []
