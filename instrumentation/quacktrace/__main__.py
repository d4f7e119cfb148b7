"""`python -m quacktrace` is the `quacktrace` command."""

from __future__ import annotations

import sys

from quacktrace.cli import main

sys.exit(main())
