"""Browser SDKs: pages of the origins that were named may send OTLP, and do nothing else."""

from __future__ import annotations

from served_collector import PROTOBUF, TRUSTED, Collector


async def test_a_preflight_names_what_a_trusted_page_may_send(collector: Collector) -> None:
    url = f"http://127.0.0.1:{collector.port}/v1/traces"
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type,x-id"}
    async with collector.session.options(url, headers={"Origin": TRUSTED} | asked) as answer:
        assert answer.status == 204
        assert answer.headers["Access-Control-Allow-Origin"] == TRUSTED
        assert answer.headers["Access-Control-Allow-Headers"] == "content-type,x-id"
    async with collector.session.options(url, headers={"Origin": "https://evil.example"} | asked) as answer:
        assert answer.status == 403
        assert "Access-Control-Allow-Origin" not in answer.headers
    async with collector.session.post(url, data=b"", headers=PROTOBUF | {"Origin": TRUSTED}) as answer:
        assert (answer.status, answer.headers["Access-Control-Allow-Origin"]) == (200, TRUSTED)


async def test_a_trusted_page_may_send_and_nothing_else(collector: Collector) -> None:
    origin = {"Origin": TRUSTED}
    for path in ("/api/v2/spans", "/healthz", "/api/v1/services"):
        url = f"http://127.0.0.1:{collector.port}{path}"
        for method in ("OPTIONS", "POST", "GET"):
            async with collector.session.request(method, url, headers=origin) as answer:
                assert answer.status == 403
                assert not [name for name in answer.headers if name.startswith("Access-Control")]


async def test_a_page_can_read_why_it_was_refused(collector: Collector) -> None:
    for headers, body, status in ((PROTOBUF, b"\xff", 400), ({"Content-Type": "text/plain"}, b"x", 415)):
        url = f"http://127.0.0.1:{collector.port}/v1/logs"
        async with collector.session.post(url, data=body, headers=headers | {"Origin": TRUSTED}) as answer:
            assert (answer.status, answer.headers["Access-Control-Allow-Origin"]) == (status, TRUSTED)
            # sendBeacon always asks with credentials
            assert answer.headers["Access-Control-Allow-Credentials"] == "true"
            assert answer.headers["Access-Control-Expose-Headers"] == "Retry-After"
            assert answer.headers["Vary"] == "Origin"
