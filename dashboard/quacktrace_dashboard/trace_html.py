"""A trace as one HTML file: the trace page's own assets around the trace's data, for a machine without quacktrace.

Nothing in it asks a network: a policy inside the file forbids that, and lets no script run but the one that is written
here, so that telemetry cannot become code wherever the file is opened.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

__all__ = ["trace_html"]

_PACKAGE = Path(__file__).parent
_ASSETS = _PACKAGE / "assets"
_STANDALONE = _PACKAGE / "standalone"
_STYLES = ("89-tokens.css", "90-shell.css", "91-icons.css", "9[3-6]-*.css", "20-service-map.css")
_SCRIPTS = (
    *("00-core.js", "04-pasted-ids.js", "04-theme.js", "08-trace-source.js", "08-trace-tree.js"),
    *("09-*.js", "1[0-6]-*.js", "19-map-*.js", "20-map-*.js", "21-service-map.js"),
)
_FONT = re.compile(r'url\("(fonts/[^"]+)"\)')
_SCRIPT_END = re.compile(r"</(?=script)|<!--", re.IGNORECASE)


def trace_html(
    *,
    waterfall: Mapping[str, Any],
    otlp: Mapping[str, Any],
    logs: Mapping[str, Any],
    explanation: Mapping[str, Any],
    picture: Mapping[str, Any],
) -> str:
    """Return the file; the arguments are the API's answers, and the map's picture.

    `quacktrace import` reads the block with the id `otlp`.
    """
    name = " ".join(filter(None, (waterfall.get("root_service_name"), waterfall.get("root_name")))) or "Trace"
    blocks = {"otlp": otlp, "waterfall": waterfall, "logs": logs, "explanation": explanation, "picture": picture}
    script = _script()
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; img-src data:; font-src data:"
    )
    return "".join(
        (
            '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n',
            f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n',
            '<meta name="viewport" content="width=device-width">\n<meta name="color-scheme" content="light dark">\n',
            f"<title>{html.escape(name)} · quacktrace</title>\n<style>\n{_style()}\n</style>\n</head>\n",
            '<body class="qt-file">\n<main id="trace-page" class="qt-trace"></main>\n<div id="shell-toasts"></div>\n',
            *(
                f'<script type="application/json" id="{block}">{_json_in_html(content)}</script>\n'
                for block, content in blocks.items()
            ),
            f"<script>{script}</script>\n</body>\n</html>\n",
        )
    )


def _json_in_html(content: Mapping[str, Any]) -> str:
    """JSON in which nothing can end the script element or begin a comment."""
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


@cache
def _script() -> str:
    files = [path for pattern in _SCRIPTS for path in sorted(_ASSETS.rglob(pattern))]
    files.append(_STANDALONE / "trace-file.js")
    # Each in a function of its own, as in files of their own; what they share they put on `window`.
    text = "".join(f"(function(){{{path.read_text(encoding='utf-8')}}})();\n" for path in files)
    if found := _SCRIPT_END.search(text):
        raise ValueError(f"an asset of the trace page contains {found[0]!r}, which would end the file's script")
    return text


@cache
def _style() -> str:
    files = [path for pattern in _STYLES for path in sorted(_ASSETS.rglob(pattern))]
    files.append(_STANDALONE / "trace-file.css")
    return "\n".join(_FONT.sub(_embedded, path.read_text(encoding="utf-8")) for path in files)


def _embedded(match: re.Match[str]) -> str:
    font = base64.b64encode((_ASSETS / match[1]).read_bytes()).decode()
    return f'url("data:font/woff2;base64,{font}")'
