"""Who may import whom, as data: the folders are the architecture."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

PACKAGES = {
    "quacktrace": ROOT / "instrumentation" / "quacktrace",
    "quacktrace_collector": ROOT / "collector" / "quacktrace_collector",
    "quacktrace_dashboard": ROOT / "dashboard" / "quacktrace_dashboard",
    "quacktrace_demo": ROOT / "demo_services" / "quacktrace_demo",
}

# Nothing imports the dashboard: the collector mounts it by an entry point, and it asks the collector over HTTP.
ALLOWED = {
    "quacktrace": frozenset[str](),
    "quacktrace_collector": frozenset({"quacktrace"}),
    "quacktrace_dashboard": frozenset[str](),
    "quacktrace_demo": frozenset({"quacktrace"}),
}

FOLDERS = frozenset({"instrumentation", "collector", "dashboard", "demo_services"})

# Modules that a service's environment or a command line imports: the standard library and OpenTelemetry, no more.
LIGHT = frozenset({"opentelemetry", "google"})


def modules(package: str) -> Iterator[Path]:
    yield from sorted(PACKAGES[package].rglob("*.py"))


def imported_names(path: Path) -> Iterator[str]:
    """Dotted names that a file imports anywhere, in functions too; a relative import stays within its own folder."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), str(path))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.module or ""


@pytest.mark.parametrize("package", PACKAGES)
def test_a_component_imports_only_those_its_arrows_point_to(package: str) -> None:
    others = PACKAGES.keys() - ALLOWED[package] - {package}
    wrong = {
        (str(path.relative_to(ROOT)), name)
        for path in modules(package)
        for name in imported_names(path)
        if name.split(".")[0] in others
    }
    assert wrong == set()


def test_nothing_imports_through_the_folder_names() -> None:
    paths = [*(path for package in PACKAGES for path in modules(package)), *(ROOT / "tests").rglob("*.py")]
    wrong = {
        (str(path.relative_to(ROOT)), name)
        for path in paths
        for name in imported_names(path)
        if name.split(".")[0] in FOLDERS
    }
    assert wrong == set()


def test_instrumentation_imports_only_opentelemetry_and_the_standard_library() -> None:
    import sys

    known = sys.stdlib_module_names | LIGHT | {"quacktrace"}
    wrong = {
        (path.name, name)
        for path in modules("quacktrace")
        for name in imported_names(path)
        if name.split(".")[0] not in known
    }
    assert wrong == set()


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_is_typed_and_its_modules_say_what_they_hold(package: str) -> None:
    assert (PACKAGES[package] / "py.typed").exists()
    silent = [path.name for path in modules(package) if ast.get_docstring(ast.parse(path.read_text("utf-8"))) is None]
    assert silent == []
