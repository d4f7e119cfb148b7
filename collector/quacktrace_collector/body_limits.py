"""What validation and decoding agree on about the size of a body; imports nothing, as the validation child does."""

from __future__ import annotations

from typing import Final

MAX_AS_SENT_BYTES: Final = 1 << 20
"""Larger protobuf bodies are validated and serialised again in a process of their own; smaller ones are decoded as they
were sent, unless their size shows that there is more in them than the decoder read."""
