"""One collector for a module of tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from real_processes import RunningCollector, running_collector


@pytest.fixture(scope="module")
def collector(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningCollector]:
    with running_collector(tmp_path_factory.mktemp("collector")) as running:
        yield running
