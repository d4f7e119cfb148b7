"""The HTML page that Dash fills: what must be right before the first pixel, and in which order scripts run.

Our own script runs first and draws what it can (`assets/shell/99-start.js`): the frame is here already, and a trace
needs nothing of Dash. It then loads Dash's scripts, which stand here as data. Every address is relative, so that the
page works below any path that a reverse proxy puts in front of ours.
"""

from __future__ import annotations

import html
import re
from typing import Any

import flask
from dash import Dash
from dash.development.base_component import Component

from quacktrace_dashboard.own_files import OwnFiles

__all__ = ["INLINE_SCRIPTS", "frame_html", "install_index"]

# A trace's waterfall is asked for before any other script is even there.
# The theme is set before anything is painted, so a dark page never flashes white. The key is Mantine's own, so its
# provider agrees.
_BOOTSTRAP = """
(function () {
  var scheme = "auto";
  try { scheme = localStorage.getItem("mantine-color-scheme-value") || "auto"; } catch (e) { /* storage is blocked */ }
  if (scheme !== "light" && scheme !== "dark") {
    scheme = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  }
  document.documentElement.setAttribute("data-mantine-color-scheme", scheme);
  var up = document.documentElement.getAttribute("data-up");
  var root = window.quacktraceRoot = new URL(up || ".", location.href).pathname.replace(/\\/$/, "");
  var trace = /^\\/trace\\/([^/]+)\\/?$/.exec(location.pathname.slice(root.length));
  if (trace) {
    var path = root + "/api/v1/traces/" + trace[1] + "/waterfall";
    window.quacktraceEarly = { path: path, response: fetch(path, { headers: { Accept: "application/json" } }) };
    window.quacktraceEarly.response.catch(function () { /* the page asks again and says why */ });
  }
})();
"""

INLINE_SCRIPTS = (_BOOTSTRAP,)

_INDEX = """<!DOCTYPE html>
<html lang="en" data-up="@UP@">
  <head>
    @METAS@
    <meta name="color-scheme" content="light dark">
    <title>@TITLE@</title>
    <link rel="icon" href="@UP@assets/logo.svg" type="image/svg+xml">
    <script>@BOOTSTRAP@</script>
    <link rel="stylesheet" href="@UP@@STYLE@">
    <script src="@UP@@SCRIPT@" defer></script>
    @PRELOADS@
  </head>
  <body>
    @FRAME@
    <div id="react-entry-point"></div>
    <footer>
      @CONFIG@
      @SCRIPTS@
      <script id="_dash-renderer" type="text/plain" data-src=""></script>
    </footer>
  </body>
</html>
"""

_SOURCE = re.compile(r'<script src="/([^"]+)"></script>')
# No page has such a table; Dash lists it whether or not one is used.
_UNUSED = ("dash/dash_table/",)
_DEEPEST = 16  # no page is deeper than two; a path of eight thousand slashes must not become a page of a megabyte


def install_index(app: Dash, own_files: OwnFiles, *, frame: str) -> None:
    """Make `app` answer its pages with ours; `frame` is what is seen before Dash has started."""

    def write(**parts: str) -> str:
        sources = [source for source in _SOURCE.findall(parts["scripts"]) if not any(one in source for one in _UNUSED)]
        up = "../" * min(max(0, flask.request.path.count("/") - 1), _DEEPEST)
        pieces = {
            "UP": up,
            "METAS": parts["metas"],
            "TITLE": html.escape(parts["title"]),
            "BOOTSTRAP": _BOOTSTRAP,
            "STYLE": own_files.file("css").path,
            "SCRIPT": own_files.file("js").path,
            "PRELOADS": "".join(f'<link rel="preload" as="script" href="{up}{source}">' for source in sources),
            "FRAME": frame,
            "CONFIG": parts["config"],
            "SCRIPTS": "".join(f'<script type="text/plain" data-src="{up}{source}"></script>' for source in sources),
        }
        return re.sub("@([A-Z]+)@", lambda match: pieces[match[1]], _INDEX)

    app.interpolate_index = write


def frame_html(component: Component | str | list[Any] | None) -> str:
    """Write components of `dash.html` as HTML, without their ids: Dash draws the same ones with ids later."""
    if component is None:
        return ""
    if isinstance(component, list | tuple):
        return "".join(map(frame_html, component))
    if not isinstance(component, Component):
        return html.escape(str(component))
    given = component.to_plotly_json()
    tag = str(given["type"]).lower()
    attributes = "".join(_attribute(name, value) for name, value in given["props"].items())
    if tag in ("img", "input"):
        return f"<{tag}{attributes}>"
    return f"<{tag}{attributes}>{frame_html(given['props'].get('children'))}</{tag}>"


def _attribute(name: str, value: Any) -> str:
    if name in ("id", "children") or value is None or value is False:
        return ""
    name = {"className": "class", "tabIndex": "tabindex"}.get(name, name)
    if isinstance(value, dict):  # a style
        value = ";".join(f"{key}:{one}px" if isinstance(one, int) else f"{key}:{one}" for key, one in value.items())
    return f' {name}="{html.escape("" if value is True else str(value))}"'
