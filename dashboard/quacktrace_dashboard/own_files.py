"""Our own scripts and styles as one file each: a hundred requests cost a browser more than all that is in them."""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass
from pathlib import Path

import flask
from dash import Dash

__all__ = ["OwnFile", "OwnFiles"]

_ASSETS = Path(__file__).parent / "assets"


@dataclass(frozen=True)
class OwnFile:
    """All assets of one kind in the order of their names."""

    path: str
    """Where it is served, relative to the root: the name changes with the content, so browsers may keep it for ever."""
    text: str


class OwnFiles:
    """Serves the joined files; what changes on disk while a person edits is joined again at the next page."""

    def __init__(self, app: Dash) -> None:
        self._lock = threading.Lock()
        self._joined: dict[str, tuple[object, OwnFile]] = {}
        app.server.add_url_rule("/assets/all-<digest>.js", "own_script", lambda digest: self._answer("js", digest))
        app.server.add_url_rule("/assets/all-<digest>.css", "own_style", lambda digest: self._answer("css", digest))

    def file(self, kind: str) -> OwnFile:
        """Return the `js` or the `css`."""
        paths = sorted(_ASSETS.rglob(f"*.{kind}"), key=lambda path: path.name)
        seen = tuple((path.name, path.stat().st_mtime_ns) for path in paths)
        with self._lock:
            known, file = self._joined.get(kind, (None, OwnFile("", "")))
            if known != seen:
                text = "\n".join(_apart(path.read_text(encoding="utf-8"), kind) for path in paths)
                digest = hashlib.sha256(text.encode()).hexdigest()[:16]
                file = OwnFile(f"assets/all-{digest}.{kind}", text)
                self._joined[kind] = (seen, file)
        return file

    def _answer(self, kind: str, digest: str) -> flask.Response:
        file = self.file(kind)
        response = flask.Response(file.text, mimetype="text/css" if kind == "css" else "text/javascript")
        if digest in file.path:  # a page from before an upgrade gets today's files, and must not keep them
            response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response


def _apart(text: str, kind: str) -> str:
    """Keep a script's names and its failure to itself, as in a file of its own."""
    return (
        text if kind == "css" else f"try {{ (function () {{\n{text}\n}})(); }} catch (error) {{ reportError(error); }}"
    )
