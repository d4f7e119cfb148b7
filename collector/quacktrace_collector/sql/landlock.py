"""Linux's Landlock for a worker: no file can be written, made, cut or removed, no program started, no TCP port used.

The engine's `allowed_directories` lets a directory be written too, and a limit on file sizes does not keep a file from
being cut to nothing. Should a statement pass the gate that writes, the kernel refuses it.
"""

from __future__ import annotations

import ctypes
import struct
import sys

__all__ = ["forbid_writing"]

_PR_SET_NO_NEW_PRIVS = 38
_SYS_CREATE_RULESET = 444
_SYS_RESTRICT_SELF = 446
_VERSION_OF_ABI = 1

# Bits of LANDLOCK_ACCESS_FS_*: all but reading a file (2) and a directory (3), by the version that brought them.
_EXECUTE_WRITE_REMOVE_MAKE = sum(1 << bit for bit in (0, 1, *range(4, 13)))
_SINCE_VERSION = {2: 1 << 13, 3: 1 << 14}
_BIND_AND_CONNECT_TCP = 0b11
_NET_SINCE_VERSION = 4


def forbid_writing() -> bool:
    """Confine this thread and those it starts; call it before any library starts its own. False where there is none."""
    if sys.platform != "linux":
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    version = libc.syscall(_SYS_CREATE_RULESET, None, 0, _VERSION_OF_ABI)
    if version < 1:
        return False
    access = _EXECUTE_WRITE_REMOVE_MAKE | sum(bit for since, bit in _SINCE_VERSION.items() if version >= since)
    attributes = struct.pack("Q", access)
    if version >= _NET_SINCE_VERSION:
        attributes += struct.pack("Q", _BIND_AND_CONNECT_TCP)
    ruleset = libc.syscall(_SYS_CREATE_RULESET, attributes, len(attributes), 0)
    if ruleset < 0:
        return False
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    # No rule is added: what the ruleset handles is allowed nowhere.
    return bool(libc.syscall(_SYS_RESTRICT_SELF, ruleset, 0) == 0)
