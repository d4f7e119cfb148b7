"""A cache of the values used last, of so many bytes together."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, TypeVar

_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class _Kept:
    value: Any
    size_bytes: int


class RecentValues:
    """Thread-safe; two threads that miss the same thing both make it."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._size_bytes = 0
        self._lock = threading.Lock()
        self._kept: OrderedDict[Hashable, _Kept] = OrderedDict()

    @property
    def size_bytes(self) -> int:
        """Of all that is kept."""
        return self._size_bytes

    def get(self, key: Hashable, make: Callable[[], _Value], size_of: Callable[[_Value], int]) -> _Value:
        """What is kept under the key, else what `make` gives, of so many bytes."""
        with self._lock:
            kept = self._kept.get(key)
            if kept is not None:
                self._kept.move_to_end(key)
                value: _Value = kept.value
                return value
        value = make()
        with self._lock:
            if key not in self._kept:
                self._kept[key] = _Kept(value, size_of(value))
                self._size_bytes += self._kept[key].size_bytes
            while self._size_bytes > self._most_bytes and len(self._kept) > 1:
                self._size_bytes -= self._kept.popitem(last=False)[1].size_bytes
        return value
