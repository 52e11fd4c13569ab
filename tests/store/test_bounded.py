"""Parsing what anybody may have written: bounded, strict, one sentence."""

from __future__ import annotations

import time
import tomllib
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from store import bounded
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
        b"x = {" + b".".join([b"a"] * 120_000) + b" = 1}",
        b"x = [1, {y = {" + b" . ".join([b"a"] * 60_000) + b" = 1}}]",
        b".".join([b'"a.b"'] * 40_000) + b" = 1",
        b'x = "' + b'\\"' * 120_000,
        b'"\\"\\"\n' * 30_000,
        b'x = """' + b'"a' * 120_000,
        b"x" * 300_000,
        b"x = " + b"1" * 5000,
    ],
    ids=[
        "torn",
        "not utf-8",
        "deep",
        "dotted bomb",
        "dotted table",
        "inline table",
        "inline table in a list",
        "quoted keys",
        "escaped quotes",
        "open strings",
        "open text",
        "huge",
        "digits",
    ],
)
def test_bad_toml_is_one_sentence_and_fast(data: bytes) -> None:
    started = time.monotonic()
    with pytest.raises(InputError) as caught:
        parse_toml(data, "prompts/a/v1/prompt.toml")
    assert "prompts/a/v1/prompt.toml" in caught.value.message
    assert "\n" not in caught.value.message
    assert time.monotonic() - started < 1


DOTS = "a. b. c. d. e. f. g. h. i. j. k. l. m. n. o. p. q. r. s."
QUOTES = ['"{}"', "'{}'", '"""{}"""', "'''{}'''", '"\\"{}\\\\"', '"""\n{}\n"""""', "'''\n{}\n'''''"]
"""Ways to write a string around some text."""
PLACES = ["{} = 1", "[{}]", "[[{}]]", "x = {{ {} = 1 }}", "x = [{{ y = {{z = 1, {} = 1}} }}]"]
"""Places where a key can be."""


@pytest.mark.parametrize("quotes", QUOTES)
def test_dots_in_text_are_fine(quotes: str) -> None:
    text = quotes.format(DOTS)
    assert parse_toml(f"text = {text} # {DOTS}".encode(), "x")
    numbers = ", ".join(["1.5"] * 30)
    assert parse_toml(f"a = [{text}, {text}]\nb = [{numbers}]\nc = {{d = {text}, e = 1.5}}".encode(), "x")
    assert parse_toml(f'"{DOTS}" = 1.5\nat = 12:00:00.5\n[a.b."{DOTS}"]'.encode(), "x")


PARTS = st.lists(st.sampled_from(["a", "b-c", "1", '"d.e"', "'f.g'", '"h\\"."']), min_size=1, max_size=24)
DECOYS = st.lists(
    st.sampled_from(
        [quotes.format(DOTS) for quotes in QUOTES] + ["1.5", '""', "''", '"#"', "'\"'", '"\\""', '"\\\\"']
    ),
    max_size=4,
)


@given(
    PARTS,
    st.sampled_from(PLACES),
    DECOYS,
    st.sampled_from([".", " . ", "\t."]),
    st.sampled_from(["\n", "\r\n"]),
)
def test_a_key_is_refused_for_its_own_dots_wherever_it_is(
    parts: list[str], place: str, decoys: list[str], dot: str, line: str
) -> None:
    key = dot.join(f'"{number}{one[1:]}' if one[0] == '"' else one for number, one in enumerate(parts))
    text = f"# {DOTS}{line}before = [{', '.join(decoys)}] # '{line}{place.format(key)} # \"{line}"
    known = tomllib.loads(text)
    if len(parts) > 17:
        with pytest.raises(InputError, match=r"line \d+: a key with over 16 dots"):
            parse_toml(text.encode(), "x")
    else:
        assert parse_toml(text.encode(), "x") == known


TOKENS = [
    *("x=", "y={", "=", "\n", "\n", "[a.b.c]", "a.b.a", "'a'", '"a"', '"a.b.c"', "1.5", "\r\n"),
    *("'''", '"""', '\\"', *"ab.=\"'\\\n#[]{},1 "),
]


@given(st.lists(st.sampled_from(TOKENS), max_size=14))
@settings(max_examples=500)
def test_the_dots_of_a_key_are_the_ones_that_the_parser_meets(tokens: list[str]) -> None:
    """Against tomllib's own view of where a key is: nothing it reads is missed, nothing else is refused."""
    text = "".join(tokens)
    most_dots = 0
    read = tomllib._parser.parse_key  # type: ignore[attr-defined]

    def watched(src: str, pos: int) -> tuple[int, tuple[str, ...]]:
        nonlocal most_dots
        end, key = read(src, pos)
        most_dots = max(most_dots, len(key) - 1)
        return end, key

    with patch.object(tomllib._parser, "parse_key", watched):  # type: ignore[attr-defined]
        try:
            tomllib.loads(text)
        except ValueError:
            valid = False
        else:
            valid = True
    with patch.object(bounded, "_DOTS_PER_KEY", 1):
        refused = bounded._long_key(text) is not None
    if most_dots > 1:
        assert refused
    elif valid:
        assert not refused


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
