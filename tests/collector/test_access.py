"""Tokens and the sign-in page: a whole collector that asks for a token, as a browser and as a script meet it."""

from __future__ import annotations

import ssl
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from quacktrace_collector.app import Addresses, running
from quacktrace_collector.login import COOKIE
from quacktrace_collector.settings import Settings

READ, WRITE = "read-me", "write-me"
PAGE = {"Accept": "text/html"}


@pytest.fixture
async def guarded(tmp_path: Path) -> AsyncIterator[Addresses]:
    settings = Settings(data_dir=tmp_path, port=0, grpc_port=0, read_token=READ, write_token=WRITE)
    async with running(settings) as addresses:
        yield addresses


@pytest.fixture
async def browser() -> AsyncIterator[aiohttp.ClientSession]:
    """Keeps cookies, those of an IP address too."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
        yield session


async def sign_in(browser: aiohttp.ClientSession, http: str, token: str, following: str = "/") -> tuple[int, Any, str]:
    form = {"token": token, "next": following}
    async with browser.post(f"{http}/login", data=form, allow_redirects=False) as answer:
        return answer.status, answer.headers, await answer.text()


async def test_a_person_signs_in_once_and_reads_from_then_on(
    guarded: Addresses, browser: aiohttp.ClientSession
) -> None:
    http = guarded.http_url
    async with browser.get(f"{http}/traces?service=a%26b", headers=PAGE, allow_redirects=False) as answer:
        assert (answer.status, answer.headers["Location"]) == (303, "/login?next=%2Ftraces%3Fservice%3Da%2526b")
    async with browser.get(f"{http}{answer.headers['Location']}") as page:
        assert 'value="/traces?service=a%26b"' in await page.text()

    status, headers, text = await sign_in(browser, http, "guess")
    assert (status, "Set-Cookie" in headers) == (401, False)
    assert "This is not the read token." in text

    status, headers, _ = await sign_in(browser, http, READ, "/traces?service=a%26b")
    assert (status, headers["Location"]) == (303, "/traces?service=a%26b")
    assert "HttpOnly" in headers["Set-Cookie"]
    assert "SameSite=Lax" in headers["Set-Cookie"]
    assert READ not in headers["Set-Cookie"]

    async with browser.get(f"{http}/api/v1/services") as answer:
        assert answer.status == 200
    async with browser.post(f"{http}/v1/traces", data=b"") as answer:
        assert answer.status == 401, "a session reads, it does not write"
    async with browser.post(f"{http}/logout", allow_redirects=False) as answer:
        assert answer.status == 303
    async with browser.get(f"{http}/api/v1/services") as answer:
        assert answer.status == 401


async def test_a_script_sends_its_token_and_is_told_when_it_does_not(guarded: Addresses) -> None:
    async with aiohttp.ClientSession() as script:
        url = f"{guarded.http_url}/api/v1/services"
        for headers, status in (
            ({}, 401),
            (PAGE, 401),
            ({"Authorization": f"Bearer {WRITE}"}, 401),
            ({"Cookie": f"{COOKIE}={READ}"}, 401),
            ({"Authorization": f"bearer {READ}"}, 200),
        ):
            async with script.get(url, headers=headers) as answer:
                assert answer.status == status, headers
        protobuf = {"Content-Type": "application/x-protobuf"}
        for token, status in ((READ, 401), (WRITE, 200)):
            headers = {**protobuf, "Authorization": f"Bearer {token}"}
            async with script.post(f"{guarded.http_url}/v1/traces", data=b"", headers=headers) as answer:
                assert answer.status == status
        async with script.get(f"{guarded.http_url}/healthz") as answer:
            assert answer.status == 200


async def test_signing_in_leads_nowhere_else(guarded: Addresses, browser: aiohttp.ClientSession) -> None:
    for following in ("//evil.example/", "/\\evil.example", "https://evil.example/", "/\r\nX: y", ""):
        _, headers, _ = await sign_in(browser, guarded.http_url, READ, following)
        assert headers["Location"] == "/"


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that nobody signed, and its key."""
    path, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-days",
        "1",
    ]
    command += ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"]
    try:
        subprocess.run([*command, "-keyout", str(key), "-out", str(path)], check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("no openssl here to make a certificate with")
    return path, key


async def test_over_tls_the_session_is_for_tls_only(
    tmp_path: Path, browser: aiohttp.ClientSession, certificate: tuple[Path, Path]
) -> None:
    path, key = certificate
    settings = Settings(data_dir=tmp_path / "data", port=0, grpc_port=0, read_token=READ, tls_cert=path, tls_key=key)
    trusting = ssl.create_default_context(cafile=str(path))
    async with running(settings) as addresses:
        assert addresses.http_url.startswith("https://")
        form = {"token": READ, "next": "/"}
        async with browser.post(
            f"{addresses.http_url}/login", data=form, ssl=trusting, allow_redirects=False
        ) as answer:
            assert "Secure" in answer.headers["Set-Cookie"]
        async with browser.get(f"{addresses.http_url}/api/v1/services", ssl=trusting) as answer:
            assert answer.status == 200
        async with browser.get(f"{addresses.http_url}/", headers=PAGE, ssl=trusting) as answer:
            assert "<title>" in await answer.text()
