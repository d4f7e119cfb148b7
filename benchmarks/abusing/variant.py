"""A thing to send, and ways to say it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from abusing.actions import new_trace, request
from abusing.target import PROTOBUF, Target, parsed

Run = Callable[[Target], str]


@dataclass(frozen=True)
class Variant:
    """A thing to send, and the statuses it may be answered with."""

    input: str
    expected: str
    prepare: Callable[[], Run]
    is_slow: bool = False


def post(
    what: str, expected: str, body: Callable[[], bytes], headers: dict[str, str] = PROTOBUF, path: str = "/v1/traces"
) -> Variant:
    def prepare() -> Run:
        made = body()
        return lambda one: str(one.post(made, headers, path).status)

    return Variant(what, expected, prepare)


def talk(what: str, expected: str, said: Callable[[], bytes], *, half_close: bool = False) -> Variant:
    """The first status that raw bytes are answered with."""

    def prepare() -> Run:
        made = said()
        return lambda one: str(parsed(one.raw(made, half_close=half_close, seconds=20)).status)

    return Variant(what, expected, prepare)


def good(spans: int = 3) -> bytes:
    return request(new_trace(), spans)
