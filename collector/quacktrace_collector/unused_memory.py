"""Gives memory that nothing uses any more back to the system.

One request of 20 MiB leaves some 40 MB in the allocators of Arrow (mimalloc) and of ptars (the C library's); this takes
about a millisecond and brings the process back to where it was. Not for every request: call it when there is time.
"""

from __future__ import annotations

import ctypes
import gc
import sys


def give_back_memory() -> None:
    """Collect garbage, then empty the allocators' free lists."""
    gc.collect()
    empty_free_lists()


def empty_free_lists() -> None:
    """Only that: what a large answer took goes back, and nobody waits for the interpreter's lock meanwhile."""
    pyarrow = sys.modules.get("pyarrow")  # not imported for this: the validation child lives without it
    if pyarrow is not None:
        pyarrow.default_memory_pool().release_unused()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
