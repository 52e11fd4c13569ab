"""Parsing what anybody may have written: bounded, strict, one sentence."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.bounded import parse_json, parse_jsonl, parse_toml, read_toml, validate, write_toml
from store.errors import InputError
from store.records.policy import DEFAULT_POLICY, Policy
from store.records.versions import ModelPin


@pytest.mark.parametrize(
    "data",
    [
        b"a = ",
        b"\xff = 1",
        b"a = " + b"[" * 5000,
        b".".join([b"a"] * 20_000) + b" = 1",
        b"[" + b".".join([b"a"] * 500) + b"]",
        b"x" * 300_000,
        b"x = " + b"1" * 5000,
    ],
    ids=["torn", "not utf-8", "deep", "dotted bomb", "dotted table", "huge", "digits"],
)
def test_bad_toml_is_one_sentence_and_fast(data: bytes) -> None:
    started = time.monotonic()
    with pytest.raises(InputError) as caught:
        parse_toml(data, "prompts/a/v1/prompt.toml")
    assert "prompts/a/v1/prompt.toml" in caught.value.message
    assert "\n" not in caught.value.message
    assert time.monotonic() - started < 1


def test_dots_in_text_are_fine() -> None:
    assert parse_toml(b'text = "a. b. c. d. e. f. g. h. i. j. k. l. m. n. o. p. q. r. s."', "x")


@pytest.mark.parametrize("text", ['{"a":1,"a":2}', '{"a":NaN}', '{"a":Infinity}', '{"a":', "[" * 100_000])
def test_bad_json_is_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"cases\.jsonl, line 1"):
        list(parse_jsonl(text.encode(), "cases.jsonl"))


def test_a_torn_line_is_named_by_its_number() -> None:
    with pytest.raises(InputError, match="line 3"):
        list(parse_jsonl(b'{"a":1}\n\n{"a":', "cases.jsonl"))


@pytest.mark.parametrize(
    ("toml", "field"),
    [
        (b'provider = "openai"', "id"),
        (b'provider = "openai"\nid = 3', "id"),
        (b'provider = "openai"\nid = "x"\nsurprise = 1', "surprise"),
        (b'provider = "openai"\nid = "x"\n[parameters]\ntemperature = nan', "not finite"),
    ],
)
def test_a_malformed_record_names_file_and_field(toml: bytes, field: str) -> None:
    with pytest.raises(InputError, match=field) as caught:
        read_toml(ModelPin, toml, "models/chat/v1.toml")
    assert caught.value.message.startswith("models/chat/v1.toml")


def test_nothing_is_coerced() -> None:
    with pytest.raises(InputError):
        validate(Policy, {"environments": [{"name": "a", "production": "yes"}]}, "lockgate.toml")


def test_a_record_reads_back_as_it_was_written() -> None:
    assert read_toml(Policy, write_toml(DEFAULT_POLICY), "lockgate.toml") == DEFAULT_POLICY


@given(st.binary(max_size=400))
def test_any_bytes_parse_or_are_refused(data: bytes) -> None:
    for parse in (parse_toml, parse_json):
        try:
            parse(data, "x")
        except InputError as error:
            assert "\n" not in error.message
