"""What later spans must know of earlier ones: facts of each span by its key, and references that found nobody yet."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, Final, TypeVar

import numpy as np
import numpy.typing as npt

from quacktrace_collector.store.rollups.frame import Texts, Words
from quacktrace_collector.store.rollups.histogram import Integers
from quacktrace_collector.store.seen import Keys

_WORD_BYTES: Final = 60

Flags = npt.NDArray[np.bool_]
_Columns = TypeVar("_Columns", "Facts", "References")


@dataclass(slots=True)
class Facts:
    """Spans in order of their keys, 24 bytes each; texts are numbers of the part's words."""

    key: Keys
    service: npt.NDArray[np.int32]
    node: npt.NDArray[np.int32]
    """The inferred node that the span counts as a call of; NO_NODE for none, also once the callee has arrived."""
    family: npt.NDArray[np.uint8]
    minute: npt.NDArray[np.int32]
    bucket: npt.NDArray[np.int16]
    is_error: Flags


@dataclass(slots=True)
class References:
    """Parents and linked spans that have not arrived, with what is known of the spans that refer to them."""

    target: Keys
    is_link: Flags
    service: npt.NDArray[np.int32]
    name: npt.NDArray[np.int32]
    kind: npt.NDArray[np.uint8]
    family: npt.NDArray[np.uint8]
    minute: npt.NDArray[np.int32]
    bucket: npt.NDArray[np.int16]
    is_error: Flags
    duration_ns: Integers


@dataclass(slots=True)
class Part:
    """Spans that were folded together."""

    facts: Facts
    references: References
    words: list[str]
    size_bytes: int
    arrived_s: float
    """By the monotonic clock."""

    @staticmethod
    def of(facts: Facts, references: References, words: Words) -> Part:
        """Keeps only the words that it needs, as names of operations can be many and long."""
        kept = Words()
        facts = _renumbered(facts, words.values, kept, ("service", "node"))
        references = _renumbered(references, words.values, kept, ("service", "name"))
        size = sum(len(text) + _WORD_BYTES for text in kept.values)
        for columns in (facts, references):
            size += sum(getattr(columns, field.name).nbytes for field in fields(columns))
        return Part(facts, references, kept.values, size, time.monotonic())

    def in_words(self, numbers: npt.NDArray[np.int32], words: Words) -> Integers:
        """Numbers of this part's words as numbers of others."""
        return Texts(numbers.astype(np.int64), self.words).in_words(words)


def take(columns: _Columns, rows: npt.NDArray[Any]) -> _Columns:
    """These rows of every column."""
    return type(columns)(**{field.name: getattr(columns, field.name)[rows] for field in fields(columns)})


def find(sorted_keys: Keys, wanted: Keys) -> tuple[Integers, Flags]:
    """Where each wanted key stands, and whether it does."""
    if not len(sorted_keys):
        return np.zeros(len(wanted), np.int64), np.zeros(len(wanted), np.bool_)
    places = np.minimum(np.searchsorted(sorted_keys, wanted), len(sorted_keys) - 1)
    return places, sorted_keys[places] == wanted


def join_parts(parts: Sequence[Part]) -> Part:
    """One part with the spans and references of all."""
    if len(parts) == 1:
        return parts[0]
    words = Words()
    facts = _joined([_renumbered(part.facts, part.words, words, ("service", "node")) for part in parts])
    references = [_renumbered(part.references, part.words, words, ("service", "name")) for part in parts]
    return Part.of(take(facts, np.argsort(facts.key)), join_references(references), words)


def join_references(parts: Sequence[References]) -> References:
    """Those of all, which have the same words."""
    return _joined(parts)


def _renumbered(columns: _Columns, values: list[str], words: Words, texts: Sequence[str]) -> _Columns:
    changed = {}
    for name in texts:
        numbers = getattr(columns, name)
        present = numbers >= 0
        changed[name] = numbers.copy()
        changed[name][present] = Texts(numbers[present].astype(np.int64), values).in_words(words)
    return type(columns)(**{field.name: getattr(columns, field.name) for field in fields(columns)} | changed)


def _joined(parts: Sequence[_Columns]) -> _Columns:
    return type(parts[0])(
        **{field.name: np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(parts[0])}
    )
