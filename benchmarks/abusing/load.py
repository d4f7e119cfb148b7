"""Clients that post and send again what was not acknowledged."""

from __future__ import annotations

import http.client
import random
import threading
import time
from collections import Counter
from collections.abc import Callable

from abusing.actions import COUNT, request
from abusing.target import PATIENCE_S, PROTOBUF, Target


class Load:
    """Clients that post and send again what was not acknowledged, as SDKs do."""

    def __init__(self, port: int, clients: int = 4) -> None:
        self.port = port
        self.statuses: Counter[int] = Counter()
        self.acknowledged = 0
        self.retry_after: set[str] = set()
        self.longest_s = 0.0
        self._pending: list[int | None] = [None] * clients
        self._sequence = random.getrandbits(20) << 20
        self._acknowledged: set[int] = set()
        self._lock = threading.Lock()

    def run_for(self, seconds: float) -> None:
        """Post all the time."""
        deadline = time.monotonic() + seconds
        self.run_until(lambda: time.monotonic() > deadline)

    def run_until(self, holds: Callable[[], bool]) -> None:
        """Post until something holds, for a minute at most."""
        give_up = time.monotonic() + PATIENCE_S
        stopping = threading.Event()
        threads = [threading.Thread(target=self._client, args=(slot, stopping)) for slot in range(len(self._pending))]
        for thread in threads:
            thread.start()
        while not holds() and time.monotonic() < give_up:
            time.sleep(0.05)
        stopping.set()
        for thread in threads:
            thread.join()

    def finish(self, one: Target) -> None:
        """Send what is left, and see that every acknowledged span is there once, and no request in part."""
        self.run_until(lambda: True)
        for number in self._pending:
            if number is not None:
                assert one.post(request(number), PROTOBUF).status == 200
        spans, distinct = map(int, map(str, one.rows(COUNT)[0]))
        assert spans == distinct, f"{spans - distinct} spans are doubled"
        found = {str(row[0]) for row in one.rows("select trace_id from spans group by all having count(*) = 10")}
        lost = [number for number in self._acknowledged if f"{number + 1:032x}" not in found]
        assert not lost, f"{len(lost)} acknowledged requests are lost or half stored"

    def refusals(self) -> str:
        """The statuses other than success."""
        assert self.retry_after <= {"1"}, self.retry_after
        return "|".join(str(status) for status in self.statuses if status not in (0, 200)) or "200"

    def _client(self, slot: int, stopping: threading.Event) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        while not stopping.is_set():
            number = self._pending[slot]
            if number is None:
                with self._lock:
                    self._sequence += 1
                    number = self._pending[slot] = self._sequence
            status, retry_after, began = 0, "", time.monotonic()
            try:
                connection.request("POST", "/v1/traces", request(number), PROTOBUF)
                answer = connection.getresponse()
                answer.read()
                status, retry_after = answer.status, answer.headers.get("Retry-After", "")
            except (OSError, http.client.HTTPException):
                connection.close()
            with self._lock:
                self.longest_s = max(self.longest_s, time.monotonic() - began)
                self.statuses[status] += 1
                if status == 200:
                    self._acknowledged.add(number)
                    self.acknowledged += 1
                    self._pending[slot] = None
                elif status:
                    self.retry_after.add(retry_after)
            if status != 200:
                stopping.wait(0.05)
        connection.close()
