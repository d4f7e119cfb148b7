"""The dashboard as a WSGI application: its pages fit together, and its headers keep text from becoming code."""

from __future__ import annotations

import base64
import gzip
import hashlib
import re
from collections import Counter
from collections.abc import Iterator

import pytest
from dash import Dash
from dash.development.base_component import Component

from quacktrace_dashboard.app import create_app, create_dash
from quacktrace_dashboard.page import Page, match_page
from quacktrace_dashboard.pages import PAGES
from quacktrace_dashboard.shell import shell_layout

NOBODY = "http://127.0.0.1:9"
VARIABLES = {"trace_id": "0" * 32}


@pytest.fixture(scope="module")
def app() -> Dash:
    return create_dash(NOBODY)


def ids_of(component: Component) -> Iterator[str]:
    if own := getattr(component, "id", None):
        yield str(own)
    yield from (str(child.id) for child in component._traverse() if getattr(child, "id", None))


def test_every_id_is_used_once_over_all_pages() -> None:
    layouts = [shell_layout(PAGES), *(page.layout(VARIABLES) for page in PAGES)]
    ids = Counter(name for layout in layouts for name in ids_of(layout))
    assert [name for name, count in ids.items() if count > 1] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.path)
def test_the_ids_of_a_page_begin_with_its_prefix(page: Page) -> None:
    ids = list(ids_of(page.layout(VARIABLES)))
    assert ids
    assert [name for name in ids if not name.startswith(f"{page.id_prefix}-")] == []


def test_every_page_of_the_product_is_there_once() -> None:
    paths = [page.path for page in PAGES]
    assert sorted(paths) == sorted(["/", "/services", "/traces", "/trace/<trace_id>", "/hotspots", "/logs", "/sql"])
    keys = [page.key for page in PAGES if page.key]
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize(
    ("pathname", "path", "variables"),
    [
        ("/traces", "/traces", {}),
        ("/traces/", "/traces", {}),
        ("/trace/abc", "/trace/<trace_id>", {"trace_id": "abc"}),
        ("/", "/", {}),
        ("", "/", {}),
    ],
)
def test_a_path_finds_its_page(pathname: str, path: str, variables: dict[str, str]) -> None:
    found = match_page(PAGES, pathname)
    assert found is not None
    assert (found[0].path, found[1]) == (path, variables)


@pytest.mark.parametrize("pathname", ["/nothing", "/trace/a/b", "/traces/x"])
def test_a_path_of_no_page_finds_none(pathname: str) -> None:
    assert match_page(PAGES, pathname) is None


def test_only_our_scripts_may_run(app: Dash) -> None:
    answer = app.server.test_client().get("/")
    policy = {
        name: sources
        for name, _, sources in (
            part.strip().partition(" ") for part in answer.headers["Content-Security-Policy"].split(";")
        )
    }
    assert "unsafe" not in policy["script-src"]
    assert policy["default-src"] == "'none'"
    assert policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'"
    inline = re.findall(r"<script(?![^>]*(?:src=|application/json))[^>]*>(.*?)</script>", answer.text, re.DOTALL)
    assert len(inline) == 1
    for script in inline:
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy["script-src"]


def test_callbacks_name_only_components_that_a_page_has(app: Dash) -> None:
    layouts = [shell_layout(PAGES), *(page.layout(VARIABLES) for page in PAGES)]
    known = {name for layout in layouts for name in ids_of(layout)}
    outputs = re.compile(r"(?:^|\.\.|\.\.\.)([\w-]+)\.")
    for output, callback in app.callback_map.items():
        named = {one["id"] for one in (*callback["inputs"], *callback["state"])} | set(outputs.findall(output))
        assert named - known == set(), output


def test_scripts_and_styles_are_one_file_each_kept_for_ever_and_compressed_once(app: Dash) -> None:
    browser = app.server.test_client()
    text = browser.get("/trace/abc").text
    assert 'data-up="../"' in text
    assert re.findall(r"""(?:src|href)="(/[^"]*)\"""", text) == ["/"] + [page.path for page in PAGES if page.icon]
    for kind in ("js", "css"):
        (name,) = re.findall(rf'"\.\./(assets/all-\w+\.{kind})"', text)
        plain = browser.get(f"/{name}")
        assert plain.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        for _ in range(2):  # the second time from memory
            packed = browser.get(f"/{name}", headers={"Accept-Encoding": "gzip"})
            assert packed.headers["Content-Encoding"] == "gzip"
            assert packed.headers["Cache-Control"] == plain.headers["Cache-Control"]
            assert packed.headers["X-Content-Type-Options"] == "nosniff"
            assert gzip.decompress(packed.data).decode() == plain.text
        assert "immutable" not in browser.get(f"/assets/all-0123.{kind}").headers.get("Cache-Control", "")


def test_all_scripts_of_a_page_are_small_enough(app: Dash) -> None:
    browser = app.server.test_client()
    names = re.findall(r'(?:data-src|src|href)="([^"]+\.js)"', browser.get("/").text)
    sizes = [len(browser.get(f"/{name}", headers={"Accept-Encoding": "gzip"}).data) for name in set(names)]
    assert 500_000 < sum(sizes) < 1_300_000


def test_nothing_on_the_page_comes_from_another_host(app: Dash) -> None:
    text = app.server.test_client().get("/").text
    assert re.findall(r"""(?:src|href)=["'](?:https?:)?//[^"']+""", text) == []


@pytest.mark.parametrize(
    "path", ["/", "/assets/shell/00-core.js", "/_dash-layout", "/_dash-component-suites/dash/none.js"]
)
def test_every_answer_carries_the_security_headers(app: Dash, path: str) -> None:
    with app.server.test_client().get(path) as answer:
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert answer.headers["Referrer-Policy"] == "same-origin"


def test_two_dashboards_in_one_process_do_not_meet(app: Dash) -> None:
    assert callable(create_app(NOBODY))
    assert len(create_dash(NOBODY).callback_map) == len(app.callback_map)


@pytest.mark.parametrize(
    "forged",
    [
        {},
        [],
        "text",
        {"output": "none.children", "outputs": {"id": "none", "property": "children"}, "inputs": []},
        {"output": "shell-content.children", "outputs": [], "inputs": [{"id": [], "property": 5, "value": {}}]},
    ],
)
def test_a_callback_that_no_page_asks_for_is_refused_in_one_line(
    app: Dash, caplog: pytest.LogCaptureFixture, forged: object
) -> None:
    answer = app.server.test_client().post("/_dash-update-component", json=forged)
    assert answer.status_code == 400
    assert not any(record.exc_info for record in caplog.records)
