"""Serialised KeyValues and AnyValues, read by numpy where they lie: keys, texts and type letters, all at once.

ptars takes 1.8 µs for the ten attributes of a span, and text made of its eight columns takes another 0.4. Left as wire
bytes they take 0.2 in ptars and 0.6 here. What is not one of the four common shapes (string, int, bool, double, written
as the official serialiser does) is read by the official parser, one by one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from google.protobuf.message import DecodeError
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from quacktrace_collector.decode.any_value import any_value_text, double_texts
from quacktrace_collector.decode.arrow_views import Array, Bools, Bytes, offsets_of, strings_from
from quacktrace_collector.decode.limits import MAX_VALUE_BYTES, cut_strings
from quacktrace_collector.errors import MalformedBodyError

_Positions = npt.NDArray[np.int64]

_KEY_TAG, _VALUE_TAG = 0x0A, 0x12
_STRING_TAG, _BOOL_TAG, _INT_TAG, _DOUBLE_TAG = 0x0A, 0x10, 0x18, 0x21
_STRING, _BOOL, _INT, _DOUBLE, _NONE = b"sbidn"
_MAX_VARINT_BYTES: Final = 10


@dataclass(frozen=True, slots=True)
class WireTexts:
    """Values as text, each with its type letter as ASCII."""

    texts: Array
    letters: Bytes


def read_key_values(serialised: Array, normalised: Counter[str]) -> tuple[Array, WireTexts]:
    """Keys and values of a binary array of KeyValues; values beyond MAX_VALUE_BYTES are cut and counted."""
    data, starts, ends = _pieces(serialised)
    tags, key_lengths, key_starts = _field_at(data, starts)
    key_ends = key_starts + key_lengths
    value_tags, value_lengths, value_starts = _field_at(data, key_ends)
    has_value = key_ends < ends
    plain = (tags == _KEY_TAG) & (
        (key_ends == ends) | (has_value & (value_tags == _VALUE_TAG) & (value_starts + value_lengths == ends))
    )
    empty = starts == ends
    plain |= empty
    usable = plain & ~empty
    key_starts, key_ends = np.where(usable, key_starts, ends), np.where(usable, key_ends, ends)
    keys = _texts_at(data, key_starts, key_ends)
    values = _read_any_values(data, np.where(usable & has_value, value_starts, ends), ends, normalised)
    if plain.all():
        return keys, values
    return _with_odd_entries(serialised, ~plain, keys, values, normalised)


def read_any_values(serialised: Array, normalised: Counter[str]) -> WireTexts:
    """The values of a binary array of AnyValues; those beyond MAX_VALUE_BYTES are cut and counted."""
    return _read_any_values(*_pieces(serialised), normalised)


def _read_any_values(data: Bytes, starts: _Positions, ends: _Positions, normalised: Counter[str]) -> WireTexts:
    count = len(starts)
    letters = np.full(count, _NONE, np.uint8)
    tags, lengths, text_starts = _field_at(data, starts)
    tags[starts == ends] = 0
    strings = (tags == _STRING_TAG) & (text_starts + lengths == ends)
    letters[strings] = _STRING
    others: list[Array] = []
    places: list[_Positions] = []
    present = np.bincount(tags, minlength=256)

    if present[_INT_TAG]:
        ints, numbers = _integers(data, starts, ends, np.flatnonzero(tags == _INT_TAG))
        letters[ints] = _INT
        places.append(ints)
        others.append(pa.array(numbers).cast(pa.string()))

    if present[_BOOL_TAG]:
        bools = np.flatnonzero((tags == _BOOL_TAG) & (ends - starts == 2))
        letters[bools] = _BOOL
        places.append(bools)
        others.append(_BOOL_TEXTS.take(pa.array((data[starts[bools] + 1] != 0).astype(np.int32))))

    if present[_DOUBLE_TAG]:
        doubles = np.flatnonzero((tags == _DOUBLE_TAG) & (ends - starts == 9))
        letters[doubles] = _DOUBLE
        places.append(doubles)
        raw = data[starts[doubles][:, None] + np.arange(1, 9)]
        others.append(double_texts(pa.array(np.ascontiguousarray(raw).view(np.float64).reshape(-1))))

    odd = np.flatnonzero((letters == _NONE) & (starts != ends))
    if len(odd):
        rendered = [_official_text(data[starts[place] : ends[place]].tobytes()) for place in odd.tolist()]
        letters[odd] = [ord(letter) for _, letter, _ in rendered]
        normalised["truncated"] += sum(was_cut for _, _, was_cut in rendered)
        places.append(odd)
        others.append(pa.array([text for text, _, _ in rendered], pa.string()))

    texts = _texts_at(data, np.where(strings, text_starts, ends), ends, places, others)
    return WireTexts(cut_strings(texts, MAX_VALUE_BYTES, normalised), letters)


_BOOL_TEXTS: Final = pa.array(["false", "true"])


def _pieces(serialised: Array) -> tuple[Bytes, _Positions, _Positions]:
    offsets = offsets_of(serialised).astype(np.int64)
    buffer = serialised.buffers()[2] if len(serialised) else None
    # One byte more than there is, so that looking at the byte after an empty last piece is no error.
    data = np.zeros(1, np.uint8) if buffer is None or not buffer.size else np.frombuffer(buffer, np.uint8)
    return data, offsets[:-1], offsets[1:]


def _field_at(data: Bytes, starts: _Positions) -> tuple[Bytes, _Positions, _Positions]:
    """Tag, length and start of the payload of the length-delimited field at each position.

    Nonsense where there is no such field or its length takes more than three bytes: the caller compares the ends.
    """
    tags = data.take(starts, mode="clip")
    first = data.take(starts + 1, mode="clip")
    lengths = first.astype(np.int64)
    payloads = starts + 2
    long = np.flatnonzero(first >= 0x80)
    if len(long):
        second = data.take(starts[long] + 2, mode="clip").astype(np.int64)
        lengths[long] = (lengths[long] & 0x7F) | (second & 0x7F) << 7
        payloads[long] += 1
        longer = long[second >= 0x80]
        third = data.take(starts[longer] + 3, mode="clip").astype(np.int64)
        lengths[longer] |= third << 14  # a third byte that has a successor makes a length that matches nothing
        payloads[longer] += 1
    return tags, lengths, payloads


def _integers(
    data: Bytes, starts: _Positions, ends: _Positions, places: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The places that hold nothing but a varint, and its value."""
    sizes = (ends - starts)[places] - 1
    places = places[(sizes >= 1) & (sizes <= _MAX_VARINT_BYTES)]
    sizes = (ends - starts)[places] - 1
    values = np.zeros(len(places), np.uint64)
    sound = np.ones(len(places), np.bool_)
    rest = np.arange(len(places))
    for index in range(_MAX_VARINT_BYTES):
        rest = rest[sizes[rest] > index]
        if not len(rest):
            break
        byte = data[starts[places[rest]] + 1 + index]
        values[rest] |= (byte & 0x7F).astype(np.uint64) << np.uint64(7 * index)
        sound[rest] &= (byte >= 0x80) == (sizes[rest] > index + 1)
    return places[sound], values[sound].view(np.int64)


def _texts_at(
    data: Bytes,
    starts: _Positions,
    ends: _Positions,
    places: Sequence[_Positions] = (),
    replacements: Sequence[Array] = (),
) -> Array:
    """The bytes from each start to its end as strings; the pieces are in order and do not overlap.

    At `places` stand the `replacements`, which are other strings, instead.
    """
    count = len(starts)
    offsets = np.empty(2 * count, np.int32)
    offsets[0::2], offsets[1::2] = starts, ends
    if not count:
        return pa.array([], pa.string())
    # Every other string is what lies between two pieces; it is never looked at.
    texts = strings_from(offsets, data)
    index = np.arange(0, 2 * count, 2)
    if places:
        place = np.concatenate(places)
        index[place] = np.arange(len(texts), len(texts) + len(place))
        texts = pa.concat_arrays([texts, *replacements])
    return texts.take(pa.array(index))


def _official_text(wire: bytes) -> tuple[str, str, bool]:
    try:
        value = AnyValue.FromString(wire)
    except DecodeError as error:
        raise MalformedBodyError(f"a value is not an AnyValue: {error}") from error
    return _text_of(value)


def _text_of(value: AnyValue) -> tuple[str, str, bool]:
    text, letter = any_value_text(value)
    return text, letter, letter == "s" and text != value.string_value


def _with_odd_entries(
    serialised: Array, odd: Bools, keys: Array, values: WireTexts, normalised: Counter[str]
) -> tuple[Array, WireTexts]:
    entries: list[Any] = []
    for wire in serialised.filter(pa.array(odd)).to_pylist():
        try:
            entries.append(KeyValue.FromString(wire))
        except DecodeError as error:
            raise MalformedBodyError(f"an attribute is not a KeyValue: {error}") from error
    rendered = [_text_of(entry.value) for entry in entries]
    normalised["truncated"] += sum(was_cut for _, _, was_cut in rendered)
    mask = pa.array(odd)
    values.letters[odd] = [ord(letter) for _, letter, _ in rendered]
    texts = pc.replace_with_mask(values.texts, mask, pa.array([text for text, _, _ in rendered], pa.string()))
    keys = pc.replace_with_mask(keys, mask, pa.array([entry.key for entry in entries], pa.string()))
    return keys, WireTexts(texts, values.letters)
