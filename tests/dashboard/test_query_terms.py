"""Terms of the search language, as the pages write them into links."""

from __future__ import annotations

import pytest

from quacktrace_dashboard.query_terms import equals


@pytest.mark.parametrize(
    ("key", "value", "term"),
    [
        ("version", "2.0.0", "version = 2.0.0"),
        ("http.route", "/product/{id}", 'http.route = "/product/{id}"'),
        ("my key", 'say "*"', '"my key" = "say \\"\\*\\""'),
        ("word", "Or", 'word = "Or"'),
        ("empty", "", 'empty = ""'),
        ("slash", "a\\b", 'slash = "a\\\\b"'),
    ],
)
def test_a_term_finds_this_very_value(key: str, value: str, term: str) -> None:
    assert equals(key, value) == term
