"""The process in which large bodies are validated: `python -m quacktrace_collector.receive.validation_child BYTES`.

20 MB of empty spans cost the official parser 1.8 GB, so it runs here under RLIMIT_AS. Requests come in on standard
input and answers leave on standard output, each a frame: a fixed header, then payloads. The end of input ends it.
"""

from __future__ import annotations

import resource
import struct
import sys
from typing import BinaryIO, Final

import orjson

from quacktrace_collector.errors import BodyTooLargeError, MalformedBodyError
from quacktrace_collector.receive.accept import Accepted, accepted_request
from quacktrace_collector.receive.encodings import Encoding
from quacktrace_collector.signal_kinds import Signal
from quacktrace_collector.unused_memory import give_back_memory

REQUEST_HEADER: Final = struct.Struct("<BBQ")
"""Place of the signal, place of the encoding, bytes of the body."""
ANSWER_HEADER: Final = struct.Struct("<BQQQ")
"""Status, records, bytes of the body or message, bytes of the JSON of what was normalised."""

SIGNALS: Final = tuple(Signal)
ENCODINGS: Final = tuple(Encoding)
OK, MALFORMED, TOO_LARGE = range(3)


def main(max_address_space_bytes: int) -> None:
    """Answer requests until the input ends."""
    resource.setrlimit(resource.RLIMIT_AS, (max_address_space_bytes, max_address_space_bytes))
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    while header := source.read(REQUEST_HEADER.size):
        signal, encoding, size = REQUEST_HEADER.unpack(header)
        _answer(sink, SIGNALS[signal], ENCODINGS[encoding], source.read(size))
        give_back_memory()


def _answer(sink: BinaryIO, signal: Signal, encoding: Encoding, body: bytes) -> None:
    try:
        accepted = accepted_request(signal, encoding, body)
    except MalformedBodyError as error:
        _write(sink, MALFORMED, Accepted(error.message.encode(), 0))
    except BodyTooLargeError as error:
        _write(sink, TOO_LARGE, Accepted(error.message.encode(), 0))
    else:
        _write(sink, OK, accepted)


def _write(sink: BinaryIO, status: int, answer: Accepted) -> None:
    normalised = orjson.dumps(dict(answer.normalised))
    sink.write(ANSWER_HEADER.pack(status, answer.records, len(answer.body), len(normalised)))
    sink.write(answer.body)
    sink.write(normalised)
    sink.flush()


if __name__ == "__main__":
    main(int(sys.argv[1]))
