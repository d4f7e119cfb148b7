"""Rules of decoding, one example each."""

from __future__ import annotations

import json
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span

from quacktrace_collector.decode import Decoded, decode_logs, decode_spans
from quacktrace_collector.decode.any_value import any_value_json, any_value_text, double_texts
from quacktrace_collector.decode.limits import TRUNCATION_MARKER
from quacktrace_collector.decode.origins import OriginCache, OriginKey
from quacktrace_collector.errors import MalformedBodyError
from quacktrace_collector.schema import LOGS, ORIGIN_COLUMNS, PROMOTED, SPANS

NOW_NS = 1_795_388_500_000_000_000


SHOP = Resource(attributes=[KeyValue(key="service.name", value=AnyValue(string_value="shop"))])


def span(number: int = 1, **fields: Any) -> Span:
    defaults: dict[str, Any] = {
        "trace_id": b"t" * 16,
        "span_id": number.to_bytes(8, "big"),
        "start_time_unix_nano": NOW_NS,
        "end_time_unix_nano": NOW_NS + 5,
    }
    return Span(**(defaults | fields))


def request(*spans: Span, resource: Resource | None = SHOP) -> bytes:
    resource_spans = ResourceSpans(resource=resource, scope_spans=[ScopeSpans(spans=spans)])
    body: bytes = ExportTraceServiceRequest(resource_spans=[resource_spans]).SerializeToString()
    return body


def attributes(**values: AnyValue) -> list[KeyValue]:
    return [KeyValue(key=key.replace("__", "."), value=value) for key, value in values.items()]


def string(text: str) -> AnyValue:
    return AnyValue(string_value=text)


def decoded(*spans: Span) -> Decoded:
    return decode_spans([request(*spans)], received_at_ns=NOW_NS)


def one(table: pa.Table, column: str) -> Any:
    [value] = table[column].to_pylist()
    return value


def ids(table: pa.Table) -> list[Any]:
    return table["span_id"].to_pylist()


def test_no_bodies_give_an_empty_table() -> None:
    nothing = decode_spans([], received_at_ns=NOW_NS)
    assert (nothing.table.num_rows, nothing.table.schema, nothing.outcomes) == (0, SPANS, [])
    nothing = decode_logs([b""], received_at_ns=NOW_NS)
    assert (nothing.table.num_rows, nothing.table.schema, nothing.rows) == (0, LOGS, [0])


@pytest.mark.parametrize(
    "fields",
    [
        {"trace_id": bytes(16)},
        {"trace_id": b""},
        {"trace_id": b"t" * 8},
        {"span_id": bytes(8)},
        {"span_id": b"s" * 16},
        {"parent_span_id": b"p" * 4},
    ],
)
def test_a_span_with_an_invalid_id_is_rejected_and_its_neighbours_are_kept(fields: dict[str, bytes]) -> None:
    bodies = [request(span(1)), request(span(2), span(3, **fields), span(4)), request(span(5))]
    result = decode_spans(bodies, received_at_ns=NOW_NS)
    assert result.rows == [1, 2, 1]
    assert [int(span_id, 16) for span_id in ids(result.table)] == [1, 2, 4, 5]
    [_, outcome, _] = result.outcomes
    assert (outcome.received, outcome.accepted, dict(outcome.rejected)) == (3, 2, {"invalid_id": 1})
    assert "hex expected" in outcome.message
    assert [outcome.message for outcome in result.outcomes].count("") == 2


def test_an_empty_or_zero_parent_is_null() -> None:
    result = decoded(span(1), span(2, parent_span_id=bytes(8)), span(3, parent_span_id=b"\xab" * 8))
    assert result.table["parent_span_id"].to_pylist() == [None, None, "ab" * 8]


@pytest.mark.parametrize("time_ns", [2**63 - 1, 2**63, 2**64 - 1])
def test_a_span_beyond_the_range_of_timestamps_is_rejected_alone(time_ns: int) -> None:
    result = decoded(span(1), span(2, start_time_unix_nano=time_ns, end_time_unix_nano=time_ns))
    assert result.rows == [1]
    assert dict(result.outcomes[0].rejected) == {"time": 1}
    assert result.outcomes[0].received == 2


def test_a_span_that_is_wrong_in_two_ways_is_counted_once() -> None:
    [outcome] = decoded(span(1, trace_id=b"", start_time_unix_nano=2**64 - 1)).outcomes
    assert (outcome.accepted, dict(outcome.rejected)) == (0, {"invalid_id": 1})


def test_an_end_before_the_start_lasts_no_time_and_keeps_its_end() -> None:
    result = decoded(span(1, end_time_unix_nano=NOW_NS - 10))
    assert one(result.table, "duration_ns") == 0
    assert result.table["end_time"].cast(pa.int64()).to_pylist() == [NOW_NS - 10]
    assert result.normalised == {"time": 1}


def test_of_repeated_keys_the_last_wins() -> None:
    repeated = [
        KeyValue(key="a", value=string("first")),
        KeyValue(key="b", value=AnyValue(int_value=1)),
        KeyValue(key="a", value=AnyValue(bool_value=True)),
    ]
    result = decoded(span(1, attributes=repeated), span(2))
    assert result.table["attributes"].to_pylist()[0] == [{"key": "b", "value": "1"}, {"key": "a", "value": "true"}]
    assert result.table["attributes_types"].to_pylist() == ["ib", ""]
    assert result.normalised == {"duplicate_key": 1}
    assert result.table["dropped_attributes_count"].to_pylist() == [0, 0]


def test_repeated_keys_are_found_among_more_keys_than_fit_the_fast_check(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("quacktrace_collector.decode.attributes._LARGEST_SCRATCH", 3)
    test_of_repeated_keys_the_last_wins()


def test_empty_keys_are_dropped_and_counted() -> None:
    result = decoded(span(1, attributes=[KeyValue(key="", value=string("x"))], dropped_attributes_count=2))
    assert one(result.table, "attributes") == []
    assert one(result.table, "dropped_attributes_count") == 3
    assert result.normalised == {"truncated": 1}


def test_the_first_128_attributes_events_and_links_are_kept() -> None:
    many = span(
        1,
        attributes=[KeyValue(key=f"k{i}", value=AnyValue(int_value=i)) for i in range(300)],
        events=[Span.Event(name=str(i)) for i in range(200)],
        links=[Span.Link(trace_id=b"l" * 16, span_id=i.to_bytes(8, "big")) for i in range(1, 130)],
        dropped_links_count=2**32 - 1,
    )
    table = decoded(many).table
    assert [len(table[name][0]) for name in ("attributes", "events", "links")] == [128, 128, 128]
    assert table["attributes"][0].as_py()[-1] == {"key": "k127", "value": "127"}
    dropped = [one(table, f"dropped_{name}_count") for name in ("attributes", "events", "links")]
    assert dropped == [172, 72, 2**32 - 1]


def test_long_text_is_cut_between_characters_and_marked() -> None:
    long_span = span(1, name="é" * 1_000, attributes=attributes(big=string("ü" * 20_000), **{"k" * 300: string("v")}))
    result = decoded(long_span)
    name = one(result.table, "name")
    [big, other] = one(result.table, "attributes")
    for text, limit in ((name, 1_024), (big["value"], 32_768), (other["key"], 256)):
        assert text.endswith(TRUNCATION_MARKER)
        assert limit - 4 < len(text.encode()) <= limit
    assert result.normalised == {"truncated": 3}


def test_a_composite_value_that_had_to_be_cut_is_a_string() -> None:
    long_list = AnyValue(array_value=ArrayValue(values=[string("x" * 40_000)]))
    table = decoded(span(1, attributes=attributes(list=long_list, raw=AnyValue(bytes_value=b"x" * 40_000)))).table
    assert one(table, "attributes_types") == "ss"


def test_the_first_key_present_gives_a_promoted_column() -> None:
    table = decoded(
        span(1, attributes=attributes(http__method=string("old"), http__request__method=string("new"))),
        span(2, attributes=attributes(http__method=string("old"))),
        span(3, attributes=attributes(http__request__method=AnyValue(), http__method=string("old"))),
        span(4),
    ).table
    assert table["http_request_method"].to_pylist() == ["new", "old", "old", None]


@pytest.mark.parametrize(
    ("value", "status"),
    [
        (AnyValue(int_value=404), 404),
        (string("404"), 404),
        (string("4xx"), None),
        (AnyValue(int_value=2**31), None),
        (AnyValue(double_value=404.0), None),
        (string(""), None),
    ],
)
def test_a_promoted_number_is_an_int32_or_null(value: AnyValue, status: int | None) -> None:
    assert (
        one(decoded(span(1, attributes=attributes(http__status_code=value))).table, "http_response_status_code")
        == status
    )


def test_every_promoted_column_is_filled_from_each_of_its_keys() -> None:
    for promoted in PROMOTED:
        for key in promoted.keys:
            table = decoded(span(1, attributes=[KeyValue(key=key, value=string("7"))])).table
            assert str(one(table, promoted.column)) == "7", key


@pytest.mark.parametrize(
    "value",
    [
        string("x"),
        string(""),
        AnyValue(int_value=2**63 - 1),
        AnyValue(int_value=-(2**63)),
        *(AnyValue(double_value=number) for number in (0.1, -0.0, 1.0, 1e300, 5e-324, float("inf"), float("-inf"))),
        AnyValue(bool_value=False),
        AnyValue(bytes_value=b"\0\xff"),
        AnyValue(array_value=ArrayValue(values=[string("x"), AnyValue(int_value=2**60), AnyValue()])),
        AnyValue(kvlist_value=KeyValueList(values=[KeyValue(key="k", value=AnyValue(double_value=0.5))])),
        AnyValue(),
    ],
)
def test_text_and_letter_restore_the_value(value: AnyValue) -> None:
    from quacktrace_collector.receive.otlp_json import parse_json

    document = json.dumps(any_value_json(*any_value_text(value))).encode()
    assert parse_json(AnyValue, document).message == value


def test_doubles_are_the_shortest_text_that_shows_a_double() -> None:
    texts = double_texts(pa.array([1.0, 0.1, 1e22, -3.0, float("nan"), float("inf"), float("-inf")])).to_pylist()
    assert texts == ["1.0", "0.1", "1e+22", "-3.0", "NaN", "Infinity", "-Infinity"]


@pytest.mark.parametrize(
    ("value", "name", "counted"),
    [
        (None, "unknown_service", 1),
        (string(""), "unknown_service", 1),
        (AnyValue(int_value=7), "7", 1),
        (string("cart"), "cart", 0),
        (string("s" * 10_000), "s" * (256 - len(TRUNCATION_MARKER.encode())) + TRUNCATION_MARKER, 1),
    ],
)
def test_a_service_has_a_name(value: AnyValue | None, name: str, counted: int) -> None:
    resource = None if value is None else Resource(attributes=attributes(service__name=value))
    result = decode_spans([request(span(1), resource=resource)], received_at_ns=NOW_NS)
    [origin] = result.origins.values()
    assert origin.values[ORIGIN_COLUMNS.index("service_name")] == name
    assert result.normalised.get("service", 0) == counted


def test_the_same_resource_and_scope_are_one_origin_in_every_request() -> None:
    resource = Resource(attributes=attributes(service__name=string("cart")))
    first = decode_spans([request(span(1), resource=resource)], received_at_ns=NOW_NS)
    again = decode_spans([request(span(2), span(3), resource=resource), request(span(4))], received_at_ns=NOW_NS)
    assert first.origins.keys() < again.origins.keys()
    assert len(again.origins) == 2
    assert again.table["origin_id"].to_pylist()[:2] == list(first.origins) * 2


def test_origins_of_rejected_spans_only_are_left_out() -> None:
    result = decoded(span(1, trace_id=b""))
    assert (result.table.num_rows, dict(result.origins)) == (0, {})


def test_the_origin_cache_forgets_the_least_recent_and_parses_them_again() -> None:
    cache = OriginCache(max_origins=2)
    keys = [OriginKey(b"", str(number), b"", "") for number in range(3)]
    first = [cache.get(key) for key in keys]
    assert cache.get(keys[2]) is first[2]
    assert cache.get(keys[0]) is not first[0]
    assert cache.get(keys[0]).origin == first[0].origin


def test_events_beyond_the_range_of_timestamps_move_to_its_end() -> None:
    result = decoded(span(1, events=[Span.Event(time_unix_nano=2**64 - 1, name="late")]))
    [event] = result.table["events"][0]
    assert event["time"].value == 2**63 - 2
    assert result.normalised == {"time": 1}


def test_links_with_malformed_ids_are_dropped_and_counted() -> None:
    result = decoded(
        span(1, links=[Span.Link(trace_id=b"x", span_id=b"y"), Span.Link(trace_id=b"l" * 16, span_id=b"m" * 8)])
    )
    assert [link["span_id"] for link in one(result.table, "links")] == [b"m".hex() * 8]
    assert one(result.table, "dropped_links_count") == 1
    assert result.normalised["link_id"] == 1


def test_duckdb_stores_text_with_nul_and_control_characters() -> None:
    connection = duckdb.connect()
    connection.register("sent", decoded(span(1, name="a\0b\x1b[2J", attributes=attributes(k=string("\0")))).table)
    connection.execute("create table stored as select name, attributes[1].value from sent")
    assert connection.execute("from stored").fetchall() == [("a\0b\x1b[2J", "\0")]


def test_a_log_record_without_time_takes_the_observed_time_or_that_of_its_arrival() -> None:
    body = ExportLogsServiceRequest()
    records = body.resource_logs.add().scope_logs.add().log_records
    records.add(time_unix_nano=3, observed_time_unix_nano=5)
    records.add(observed_time_unix_nano=5)
    records.add()
    table = decode_logs([body.SerializeToString()], received_at_ns=NOW_NS).table
    assert table["time"].cast(pa.int64()).to_pylist() == [3, 5, NOW_NS]
    assert table["observed_time"].cast(pa.int64()).to_pylist() == [5, 5, None]


def test_a_log_record_with_malformed_ids_is_kept_without_them() -> None:
    body = ExportLogsServiceRequest()
    records = body.resource_logs.add().scope_logs.add().log_records
    records.add(trace_id=b"short", span_id=b"s" * 8, body=AnyValue(int_value=5))
    result = decode_logs([body.SerializeToString()], received_at_ns=NOW_NS)
    row = result.table.select(["trace_id", "span_id", "body", "body_type"]).to_pylist()
    assert row == [{"trace_id": None, "span_id": b"s".hex() * 8, "body": "5", "body_type": "i"}]
    assert result.normalised == {"log_id": 1, "service": 1}


@pytest.mark.parametrize("body", [b"\x0a\x05", b"\xff", b"\x0b" * 10])
def test_bytes_that_nobody_validated_are_a_malformed_body(body: bytes) -> None:
    with pytest.raises(MalformedBodyError):
        decode_spans([request(span(1)), body], received_at_ns=NOW_NS)
