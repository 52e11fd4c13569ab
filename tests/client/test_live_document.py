"""store/live.py: what is written, what is refused, and the shipped schema."""

from __future__ import annotations

import json
import multiprocessing
import stat
from datetime import timedelta
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from making_live import NOW, arm, document
from pydantic import ValidationError

from store.canonical import digest_of
from store.errors import InputError, MachineryError
from store.live import Arm, LiveDocument, StaleDocument, decode, encode, publish
from store.live_schema import json_schema

SCHEMA = Path(__file__).parents[2] / "client" / "lockgate_client" / "live.schema.json"


def sealed(value: dict[str, object]) -> bytes:
    """`value` with a checksum that fits it."""
    value.pop("checksum", None)
    return json.dumps({**value, "checksum": digest_of(value)}).encode()


def test_the_shipped_schema_is_the_generated_one() -> None:
    assert json.loads(SCHEMA.read_text()) == json_schema()


@pytest.mark.parametrize("made", [document(), document(7, percent=5, valid_until=NOW)])
def test_documents_validate_and_come_back(made: LiveDocument) -> None:
    data = encode(made)
    jsonschema.Draft202012Validator.check_schema(json_schema())
    jsonschema.validate(json.loads(data), json_schema())
    assert decode(data) == made
    assert encode(decode(data)) == data


def test_the_schema_refuses_what_is_no_document() -> None:
    validator = jsonschema.Draft202012Validator(json_schema())
    good = json.loads(encode(document(7, percent=5)))
    assert validator.is_valid(good)
    for key in good:
        assert not validator.is_valid({k: v for k, v in good.items() if k != key}), key
    assert not validator.is_valid({**good, "extra": 1})
    good["stable"]["components"]["toaster/x"] = {"kind": "prompt"}
    assert not validator.is_valid(good)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_prompt_text_survives(text: str) -> None:
    assert decode(encode(document(system=text))) == document(system=text)


@pytest.mark.parametrize(
    ("change", "names"),
    [
        (lambda t: t.replace('"percent": 5.0', '"percent": NaN'), "NaN"),
        (lambda t: t.replace('"percent": 5.0', '"percent": 1e999'), "checksum"),
        (lambda t: t.replace('"percent": 5.0', '"percent": 5.0, "percent": 50.0'), "twice"),
        (lambda t: t.replace('"percent": 5.0', '"percent": 6.0'), "checksum"),
        (lambda t: t.replace("lockgate.live/1", "lockgate.live/2"), "format"),
        (lambda t: t[: len(t) // 2], "JSON"),
        (lambda _: "[" * 100_000, "JSON|nested"),
        (lambda _: "[]", "format"),
        (lambda _: "null", "format"),
        (lambda _: "", "JSON"),
        (lambda _: '{"format": "lockgate.live/1"}', "checksum"),
        (lambda t: t.replace("Answer", "\\ud800"), "checksum"),
    ],
)
def test_hostile_json_is_refused_in_one_sentence(change, names: str) -> None:
    text = encode(document(7, percent=5)).decode()
    changed = change(text)
    assert changed != text
    with pytest.raises(InputError, match=names) as caught:
        decode(changed.encode(), "live/production.json")
    assert caught.value.message.startswith("live/production.json")
    assert "\n" not in caught.value.message


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("generation", -1), ("generation", True), ("generation", "7"), ("percent", 101), ("percent", "5"),
        ("commit", "HEAD"), ("environment", "../x"), ("valid_until", "2026-03-01T12:00:00"),
        ("stable", None), ("extra", 1), ("salt", ""), ("canary", None),
    ],
)  # fmt: skip
def test_a_wrong_field_is_named_although_the_checksum_fits(field: str, value: object) -> None:
    raw = json.loads(encode(document(7, percent=5)))
    raw[field] = value
    with pytest.raises(InputError, match=field):
        decode(sealed(raw))


def test_a_component_under_a_name_of_another_kind_is_refused() -> None:
    parts = arm("r1").components
    with pytest.raises(ValidationError, match="prompt/x holds a component of kind model"):
        Arm(release="r1", digest=arm("r1").digest, components={"prompt/x": parts["model/chat"]})


def test_publish_is_private_and_leaves_only_the_file(tmp_path: Path) -> None:
    path = tmp_path / "live" / "production.json"
    assert publish(path, document(1)) is True
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert decode(path.read_bytes()) == document(1)
    assert [one.name for one in path.parent.iterdir() if not one.name.startswith(".")] == ["production.json"]


def test_publish_knows_when_nothing_changed(tmp_path: Path) -> None:
    path = tmp_path / "production.json"
    publish(path, document(3))
    before = path.stat()
    later = document(3).model_copy(update={"rendered_at": NOW + timedelta(hours=1)})
    assert publish(path, later) is False
    assert path.stat() == before
    assert publish(path, document(3, system="Other words.")) is True, "same generation, another index copy"


def test_publish_never_steps_back(tmp_path: Path) -> None:
    path = tmp_path / "production.json"
    publish(path, document(3))
    with pytest.raises(StaleDocument, match="already serves generation 3"):
        publish(path, document(2))
    assert decode(path.read_bytes()).generation == 3


def test_publish_replaces_a_torn_file_and_clears_leftovers(tmp_path: Path) -> None:
    path = tmp_path / "production.json"
    path.write_bytes(encode(document(9))[:-40])
    (tmp_path / ".production.json.4711.tmp").write_bytes(b"half")
    assert publish(path, document(2)) is True
    assert decode(path.read_bytes()).generation == 2
    assert not list(tmp_path.glob("*.tmp")) and not list(tmp_path.glob(".*.tmp"))


def test_publish_refuses_another_environments_file(tmp_path: Path) -> None:
    path = tmp_path / "production.json"
    publish(path, document(1))
    with pytest.raises(InputError, match="staging"):
        publish(path, document(5, environment="staging"))


def test_publish_says_why_it_could_not_write(tmp_path: Path) -> None:
    (tmp_path / "live").write_text("a file where the folder should be")
    with pytest.raises(MachineryError, match="could not be written"):
        publish(tmp_path / "live" / "production.json", document(1))


def test_too_long_a_document_is_refused_before_it_is_written(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="Shorten"):
        publish(tmp_path / "production.json", document(system="x" * 9_000_000))
    assert not (tmp_path / "production.json").exists()


def _publish_all(path: str, generations: list[int]) -> None:
    for generation in generations:
        try:
            publish(Path(path), document(generation))
        except StaleDocument:
            continue


def test_of_racing_writers_the_newest_generation_stays(tmp_path: Path) -> None:
    path = tmp_path / "production.json"
    context = multiprocessing.get_context("spawn")
    writers = [
        context.Process(target=_publish_all, args=(str(path), list(range(start, 41, 2)))) for start in (1, 2)
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(30)
        assert writer.exitcode == 0
    assert decode(path.read_bytes()).generation == 40
