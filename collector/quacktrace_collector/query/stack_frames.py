"""The frame of a stack trace that belongs to the application: where a person would start to look."""

from __future__ import annotations

import re
from typing import Final

_PYTHON: Final = re.compile(r'File "(?P<file>[^"]*)", line \d+, in (?P<function>.*)')
# Java: at shop.Cart.add(Cart.java:12)   JavaScript: at add (/srv/cart.js:1:2), at /srv/cart.js:1:2
# .NET: at Shop.Cart.Add(String sku) in /src/Cart.cs:line 12
_DOTNET: Final = re.compile(r"at (?P<function>[^(]+)\(.*\) in (?P<file>.+):line \d+")
_CALLED: Final = re.compile(r"at (?:async )?(?P<function>[^()]*?) ?\((?P<file>[^()]*)\)")
_BARE: Final = re.compile(r"at (?P<file>\S+?):\d+(?::\d+)?")
_GO: Final = re.compile(r"(?P<file>\S+\.go):\d+")
_LIBRARY: Final = re.compile(
    r"site-packages|dist-packages|/lib/python\d|<frozen |<string>|node_modules|node:|internal/|native code|"
    r"Native Method|Unknown Source|/go/pkg/mod/|/usr/local/go/|/usr/lib/go"
)
_LIBRARY_FUNCTION: Final = re.compile(
    r"(?:java|javax|jdk|sun|jakarta|kotlin|kotlinx|scala|reactor|io\.netty|io\.grpc|org\.springframework|org\.apache|"
    r"org\.eclipse|org\.hibernate|com\.sun|com\.zaxxer|io\.opentelemetry|System|Microsoft)\."
)
_POSITION: Final = re.compile(r"(?::\d+)+$")
_LONGEST: Final = 200


def application_frame(frames: str) -> str | None:
    """`handlers.py in charge` for the innermost frame outside libraries, or the innermost at all; None without frames.

    `frames` are the lines of a stack trace that name a place, in the order of the language: Python ends with the
    innermost, everything else begins with it.
    """
    innermost_first: list[tuple[str, str]] = []
    python: list[tuple[str, str]] = []
    for line in frames.splitlines():
        place = _python_place(line)
        if place:
            python.append(place)
            continue
        place = _other_place(line)
        if place:
            innermost_first.append(place)
    places = python[::-1] or innermost_first
    for file, function in places:
        if not _LIBRARY.search(file) and not _LIBRARY_FUNCTION.match(function):
            return _named(file, function)
    return _named(*places[0]) if places else None


def _python_place(line: str) -> tuple[str, str] | None:
    match = _PYTHON.search(line)
    return (match["file"], match["function"].strip()) if match else None


def _other_place(line: str) -> tuple[str, str] | None:
    line = line.strip()
    for pattern in (_DOTNET, _CALLED, _BARE, _GO):
        match = pattern.match(line)
        if match:
            return _POSITION.sub("", match["file"]), match.groupdict().get("function") or ""
    return None


def _named(file: str, function: str) -> str:
    name = re.split(r"[\\/]", file)[-1] or file
    return (f"{name} in {function}" if function else name)[:_LONGEST]
