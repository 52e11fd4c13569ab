"""A stranger's own data, from nothing to a rolled-back index, by commands alone."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.commands.conftest import CASES, Lockgate, write_suite
from tests.evals.server import FaultServer


def tip(lockgate: Lockgate, root: Path) -> str:
    return str(lockgate("-C", root, "status", "--json").data["commit"])


def test_from_nothing_to_a_rolled_back_index(acme: Path, material: Path, lockgate: Lockgate) -> None:
    here = ("-C", str(acme))
    (material / "pages/returns.md").write_text("# Returns\n\nGoods come back within 30 days, unused.\n")
    (material / "pages/news.md").write_text("# News\n\nThe shop moved to the river.\n")
    added = lockgate(*here, "add", "index", "pages", "--from", material / "pages", "--parent", "v1")
    assert "1 document added" in added.out and "1 changed" in added.out, added.out
    assert lockgate(*here, "stage", "--set", "index/pages", "-m", "news").code == 0
    assert lockgate(*here, "promote", "r2", "--to", "production", "-m", "news").code == 0
    waiting = json.loads((acme / "live/production.json").read_text())
    assert waiting["stable"]["release"] == "r1" and waiting["canary"] is None, "a promotion is never a jump"
    onward = ("rollout", "advance", "--env", "production", "--full", "-m", "news")
    refused = lockgate(*here, *onward)
    assert refused.code == 1 and "--full leaves steps out" in refused.err
    assert lockgate(*here, *onward, "--override", "no users yet").code == 0
    live = json.loads((acme / "live/production.json").read_text())
    assert live["stable"]["release"] == "r2"
    path = Path(live["stable"]["components"]["index/pages"]["path"])
    assert path.is_dir()

    back = lockgate(*here, "rollback", "--env", "production", "--only", "index", "-m", "river flooded")
    assert back.code == 0 and "index pages v1" in back.out
    live = json.loads((acme / "live/production.json").read_text())
    assert live["stable"]["components"]["index/pages"]["version"] == "v1"
    forth = lockgate(*here, "switch", "index/pages@v2", "--env", "production", "-m", "dry again")
    assert forth.code == 1 and "lockgate clear r2" in forth.err
    assert lockgate(*here, "clear", "r2", "-m", "it never was").code == 0
    forth = lockgate(*here, "switch", "index/pages@v2", "--env", "production", "-m", "dry again")
    assert forth.code == 0, forth.err

    history = lockgate(*here, "history", "--json").data
    kinds = [one["kind"] for one in history["operations"]]
    assert kinds[:5] == ["switch", "clear", "rollback", "advance", "promote"] and kinds[-1] == "init"
    assert history["count"] == len(kinds) and history["operations"][2]["why"] == "river flooded"
    found = lockgate(*here, "history", "flooded", "--env", "production", "--json").data
    assert [one["kind"] for one in found["operations"]] == ["rollback"]
    statuses = {row["version"]: row["status"] for row in lockgate(*here, "list", "index", "--json").data}
    assert statuses["v2"].startswith("production") and "staging" in statuses["v2"]
    assert statuses["v1"].startswith("rollback ready, ")
    diff = lockgate(*here, "diff", "index/pages@v1", "index/pages@v2", "--json").data
    assert diff["documents"] == {"added": ["news.md"], "removed": [], "changed": ["returns.md"]}
    assert lockgate(*here, "check").code == 0 and lockgate(*here, "doctor").code == 0


def test_every_command_has_a_dry_run_that_changes_nothing(
    acme: Path, material: Path, lockgate: Lockgate
) -> None:
    here = ("-C", str(acme))
    (material / "prompt/system.md").write_text("Answer well:\n\n{{context}}\n")
    assert lockgate(*here, "add", "prompt", "support", "--from", material / "prompt").code == 0
    assert lockgate(*here, "stage", "--set", "prompt/support", "-m", "x").code == 0
    before = tip(lockgate, acme)
    record = lockgate(*here, "history", "--json").data["operations"][0]["id"]
    for command in (
        ("promote", "r2", "--to", "production"),
        ("switch", "prompt/support@v2", "--env", "production"),
        ("rollback", "--env", "staging"),
        ("stage", "--set", "prompt/support=v1"),
        ("eval", "r2", "--against", "r1"),
        ("note", record, "-m", "seen"),
        ("add", "app", "api", "--revision", "f" * 40),
    ):
        result = lockgate(*here, *command, "--dry-run", "--json")
        assert result.data["dry_run"] is True, command
        assert tip(lockgate, acme) == before, command


def test_a_release_that_answers_worse_is_blocked_and_changes_nothing(
    acme: Path, material: Path, lockgate: Lockgate
) -> None:
    here = ("-C", str(acme))
    (material / "prompt/system.md").write_text("Answer with a poem.\n")
    assert lockgate(*here, "add", "prompt", "support", "--from", material / "prompt").code == 0
    before = tip(lockgate, acme)
    result = lockgate(*here, "stage", "--set", "prompt/support", "-m", "poetry", "--json")
    assert result.code == 1 and "relevance" in result.data["error"]
    assert tip(lockgate, acme) == before
    assert lockgate(*here, "list", "release", "--json").data[0]["release"] == "r1"

    kept = lockgate(*here, "stage", "--set", "prompt/support", "-m", "poetry", "--keep-blocked")
    assert kept.code == 1 and "no environment was changed" in kept.err
    assert lockgate(*here, "list", "release", "--json").data[0]["gate"] == "block (full)"
    refused = lockgate(*here, "promote", "r2", "--to", "production", "-m", "anyway")
    assert refused.code == 1 and "r2 is blocked" in refused.err
    forced = lockgate(
        *here, "promote", "r2", "--to", "production", "-m", "anyway", "--override", "poets visit"
    )
    assert forced.code == 0
    record = lockgate(*here, "history", "--json").data["operations"][0]
    assert record["gate"] == "override"
    shown = lockgate(*here, "show", record["id"], "--json").data
    assert shown["overrides"] == [{"condition": "gate", "reason": "poets visit"}]


def test_eval_says_block_pass_and_commits_its_verdict(acme: Path, material: Path, lockgate: Lockgate) -> None:
    here = ("-C", str(acme))
    (material / "prompt/system.md").write_text("Answer with a poem.\n")
    lockgate(*here, "add", "prompt", "support", "--from", material / "prompt")
    lockgate(*here, "stage", "--set", "prompt/support", "-m", "x", "--keep-blocked")
    blocked = lockgate(*here, "eval", "r2", "--against", "r1", "--json")
    assert blocked.code == 1 and blocked.data["outcome"] == "block"
    passed = lockgate(*here, "eval", "r1", "--against", "r2", "--json")
    assert passed.code == 0 and passed.data["outcome"] == "pass"
    kinds = [one["kind"] for one in lockgate(*here, "history", "--json").data["operations"]]
    assert kinds[:2] == ["eval", "eval"]


def test_answers_are_not_asked_for_twice(acme: Path, lockgate: Lockgate, server: FaultServer) -> None:
    here = ("-C", str(acme))
    asked = server.count("ok")
    assert lockgate(*here, "eval", "r1", "--no-baseline").code == 0
    assert server.count("ok") == asked


def test_rollback_works_with_the_model_server_gone(
    acme: Path, material: Path, lockgate: Lockgate, server: FaultServer
) -> None:
    here = ("-C", str(acme))
    (material / "prompt/system.md").write_text("Answer kindly:\n\n{{context}}\n")
    lockgate(*here, "add", "prompt", "support", "--from", material / "prompt")
    assert lockgate(*here, "stage", "--set", "prompt/support", "-m", "x").code == 0
    assert lockgate(*here, "promote", "r2", "--to", "production", "-m", "x").code == 0
    asked = len(server.requests)
    server.answer = out_of_order
    assert lockgate(*here, "rollback", "--env", "production").code == 0
    assert len(server.requests) == asked


def test_a_gate_on_answers_that_machinery_lost_never_passes(
    acme: Path, lockgate: Lockgate, server: FaultServer
) -> None:
    here = ("-C", str(acme))
    lockgate(
        *here,
        "add",
        "model",
        "chat",
        "--provider",
        "openai",
        "--id",
        "test-model-2026-01-01",
        "--base-url",
        server.url("401"),
    )
    before = tip(lockgate, acme)
    result = lockgate(*here, "stage", "--set", "model/chat", "-m", "x")
    assert result.code in (3, 4), result.err
    assert tip(lockgate, acme) == before


def out_of_order(_: object) -> str:
    """A model server that breaks when it is asked."""
    raise RuntimeError("asked")


REFUSED_CASES = {
    "a NaN": (
        json.dumps({**CASES[0], "category": "relevance", "tier": "full"})[:-1] + ', "reference": NaN}',
        "NaN",
    ),
    "an unknown grader": (
        json.dumps({**CASES[0], "category": "relevance", "tier": "full", "expect": [{"grader": "vibes"}]}),
        "vibes",
    ),
    "a torn line": ('{"id": "x", "input": "y"', "line 1"),
    "an unknown category": (json.dumps({**CASES[0], "category": "luck", "tier": "full"}), "luck"),
}


@pytest.mark.parametrize("kind", REFUSED_CASES)
def test_a_malformed_suite_is_one_sentence(acme: Path, material: Path, lockgate: Lockgate, kind: str) -> None:
    line, word = REFUSED_CASES[kind]
    (material / "suite/cases.jsonl").write_text(line + "\n")
    before = tip(lockgate, acme)
    result = lockgate("-C", acme, "add", "evals", "support", "--from", material / "suite")
    assert result.code == 2 and word in result.err and result.err.count("\n") == 1, result.err
    assert tip(lockgate, acme) == before
    write_suite(material, CASES)


def test_a_flipped_byte_in_a_sealed_index_is_named_and_nothing_is_served(
    acme: Path, material: Path, lockgate: Lockgate
) -> None:
    here = ("-C", str(acme))
    (material / "pages/news.md").write_text("# News\n\nThe shop moved.\n")
    lockgate(*here, "add", "index", "pages", "--from", material / "pages", "--parent", "v1")
    sealed = next(
        path
        for path in (acme / "indexes/pages/sealed").iterdir()
        if b"news.md" in (path / "chroma/chroma.sqlite3").read_bytes()
    )
    victim = sealed / "vectors.f32"
    data = bytearray(victim.read_bytes())
    data[7] ^= 1
    victim.chmod(0o600)
    victim.write_bytes(data)
    before, live = tip(lockgate, acme), (acme / "live/staging.json").read_bytes()
    for command in (
        ("index", "verify", "pages@v2"),
        ("switch", "index/pages@v2", "--env", "staging", "--override", "in a hurry", "-m", "x"),
    ):
        result = lockgate(*here, *command)
        assert result.code == 4 and "vectors.f32" in result.err, result.err
    assert tip(lockgate, acme) == before and (acme / "live/staging.json").read_bytes() == live


def test_other_refusals_are_one_sentence_and_change_nothing(
    acme: Path, material: Path, lockgate: Lockgate
) -> None:
    before = tip(lockgate, acme)
    for command, word in (
        (("add", "model", "chat", "--provider", "openai", "--id", "gpt-4o"), "floating"),
        (
            (
                "add",
                "model",
                "chat",
                "--provider",
                "openai",
                "--id",
                "gpt-4o-2024-08-06",
                "--base-url",
                "https://evil.example/v1",
            ),
            "not allowed",
        ),
        (
            (
                "add",
                "model",
                "chat",
                "--provider",
                "openai",
                "--id",
                "gpt-4o-2024-08-06",
                "--set",
                "temperature=nan",
            ),
            "number",
        ),
        (
            (
                "add",
                "model",
                "chat",
                "--provider",
                "openai",
                "--id",
                "gpt-4o-2024-08-06",
                "--set",
                "temperature=hot",
            ),
            "wants a number",
        ),
        (("add", "prompt", "../x", "--from", material / "prompt"), "not allowed"),
        (("promote", "r9", "--to", "production", "-m", "x"), "newest is r1"),
        (("promote", "r1", "--to", "nowhere", "-m", "x"), "staging, production"),
        (("show", "prompt/support@v99"), "newest is v1"),
        (("history", "--since", "yesterday"), "no time"),
        (("stage", "--set", "prompt/support=latest"), "no version"),
        (("frobnicate",), "No such command"),
    ):
        result = lockgate("-C", acme, *command)
        assert result.code == 2 and word in result.err, (command, result.err)
        assert result.err.count("\n") == 1
    assert tip(lockgate, acme) == before


def test_a_secret_in_a_prompt_is_refused(acme: Path, material: Path, lockgate: Lockgate) -> None:
    (material / "prompt/system.md").write_text("Use sk-proj-" + "a1B2" * 12 + " and {{context}}\n")
    result = lockgate("-C", acme, "add", "prompt", "support", "--from", material / "prompt")
    assert result.code == 2 and "a1B2" not in result.err


def test_hostile_text_reaches_no_terminal(acme: Path, lockgate: Lockgate) -> None:
    hostile = "\x1b]52;c;ZXZpbA==\x07 \u202eevil [/red] [@click=app.quit]x"
    here = ("-C", str(acme))
    assert lockgate(*here, "rollback", "--env", "production", "-m", hostile).code == 1  # nothing before r1
    record = lockgate(*here, "history", "--json").data["operations"][0]["id"]
    assert lockgate(*here, "note", record, "-m", hostile).code == 0
    for command in (
        ("history",),
        ("show", record),
        ("history", "--format", "csv"),
        ("history", "--format", "jsonl"),
    ):
        out = lockgate(*here, *command).out
        assert not set(out) & set("\x1b\x07\u202e"), command
        assert "evil" in out or command == ("history",)


def test_the_state_folder_can_be_deleted_any_time(acme: Path, lockgate: Lockgate) -> None:
    before = lockgate("-C", acme, "history", "--json").data
    shutil.rmtree(acme / "state")
    assert lockgate("-C", acme, "history", "--json").data == before


def test_files_of_a_workspace_are_for_its_owner_alone(acme: Path) -> None:
    for path in (acme, *acme.rglob("*")):
        if not path.is_symlink():
            assert path.stat().st_mode & 0o077 == 0, path
