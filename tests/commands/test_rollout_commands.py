"""Rollouts, the controller and the policy from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.commands.conftest import Lockgate

STEPS = """
[environments.rollout]
watch_days = 1

[[environments.rollout.steps]]
percent = 10
hold_minutes = 60

[[environments.rollout.steps]]
percent = 100
approval = true
"""


def without_steps(policy: str) -> str:
    """A policy as `init` writes it, without the ladder of its last environment."""
    return policy[: policy.index("[environments.rollout]")]


@pytest.fixture
def stepped(acme: Path, lockgate: Lockgate, tmp_path: Path) -> Path:
    """Production takes steps, and r2 (another app revision) is staged with a passing gate."""
    policy = tmp_path / "lockgate.toml"
    policy.write_text(without_steps(lockgate("-C", acme, "policy", "show").out) + STEPS)
    changed = lockgate("-C", acme, "policy", "set", "--from", policy, "-m", "by steps from now on")
    assert changed.code == 0 and "production: rollout changed" in changed.out, changed.err
    assert lockgate("-C", acme, "add", "app", "api", "--revision", "f" * 40).code == 0
    assert lockgate("-C", acme, "stage", "--set", "app/api", "-m", "newer code").code == 0
    return acme


def test_a_rollout_by_hand_from_pending_to_everybody(stepped: Path, lockgate: Lockgate) -> None:
    here = ("-C", stepped)
    env = ("--env", "production")
    plan = lockgate(*here, "promote", "r2", "--to", "production", "-m", "go", "--dry-run")
    assert plan.code == 0 and "its steps: 10 % of users, 100 % of users" in plan.out
    assert "reports no traffic yet" in plan.out
    beforehand = lockgate(*here, "plan", "r2", "--to", "production")
    assert beforehand.code == 0 and "its steps: 10 % of users, 100 % of users" in beforehand.out
    assert "reports no traffic yet" in beforehand.out and "note" not in beforehand.err
    assert lockgate(*here, "plan", "r2", "--to", "production", "--json").data["dry_run"] is True
    assert lockgate(*here, "promote", "r2", "--to", "production", "-m", "go").code == 0
    now = lockgate(*here, "rollout", "status", *env, "--json").data
    assert now["rollout"]["state"] == "pending" and now["controller"]["late"]
    assert lockgate(*here, "tick", "--json").data["records"][0]["rollout"]["percent"] == 10
    told = lockgate(*here, "rollout", "status", *env)
    assert "▶ 1. 10 % of users, holds 60 healthy minutes" in told.out
    assert "waits for: 60 more healthy minutes" in told.out
    early = lockgate(*here, "rollout", "advance", *env, "-m", "now")
    assert early.code == 1 and "lockgate rollout approve --env production" in early.err
    assert lockgate(*here, "rollout", "approve", *env, "-m", "seen it").code == 0
    assert lockgate(*here, "rollout", "advance", *env, "-m", "now").code == 1  # the hold still counts
    done = lockgate(*here, "rollout", "advance", *env, "-m", "now", "--override", "no users yet", "--json")
    assert done.code == 0 and done.data["rollout"]["state"] == "succeeded"
    assert lockgate(*here, "status", "--json").data["environments"][1]["stable"] == "r2"
    kinds = [one["kind"] for one in lockgate(*here, "history", "--json").data["operations"]]
    assert kinds[:4] == ["advance", "approve", "advance", "promote"]
    assert lockgate(*here, "check").code == 0


def test_it_is_paused_resumed_and_aborted_and_says_why(stepped: Path, lockgate: Lockgate) -> None:
    here = ("-C", stepped)
    env = ("--env", "production")
    none = lockgate(*here, "rollout", "pause", *env)
    assert none.code == 2 and "no rollout is on its way in production." in none.err
    assert lockgate(*here, "promote", "r2", "--to", "production", "-m", "go").code == 0
    assert lockgate(*here, "watch", "--ticks", "2", "--every", "0.2").code == 0
    assert lockgate(*here, "rollout", "pause", *env).code == 0
    assert lockgate(*here, "rollout", "pause", *env).code == 2
    assert lockgate(*here, "rollout", "resume", *env, "-m", "on").code == 0
    answers = {
        unit: lockgate(*here, "why", unit, *env, "--json").data for unit in ("ana", "ben", "cleo", "dora")
    }
    for one in answers.values():
        assert one["release"] == ("r2" if one["bucket"] < 10_000 else "r1") and one["step"] == 1
    assert lockgate(*here, "rollout", "abort", *env, "--dry-run").code == 0
    assert lockgate(*here, "rollout", "abort", *env).code == 0
    assert "no rollout divided the users" in lockgate(*here, "why", "ana", *env).out
    again = lockgate(*here, "promote", "r2", "--to", "production", "--supersede", "-m", "x")
    assert again.code == 2 and "leave --supersede out" in again.err


def test_a_policy_that_makes_no_sense_is_one_sentence(acme: Path, lockgate: Lockgate, tmp_path: Path) -> None:
    whole = lockgate("-C", acme, "policy", "show").out
    shown = without_steps(whole)
    policy = tmp_path / "lockgate.toml"
    for text, words in (
        (whole, "the policy says exactly this already"),
        (shown + STEPS.replace("percent = 100", "percent = 50"), "the last step has to be 100 percent"),
        (shown + STEPS.replace("percent = 10\n", "percent = nan\n"), "not finite"),
        (shown + "[colour]\n", "colour"),
        (shown.replace('name = "production"', 'name = "prod"'), "production serves a release"),
    ):
        policy.write_text(text)
        refused = lockgate("-C", acme, "policy", "set", "--from", policy, "-m", "x")
        assert refused.code in (1, 2) and words in refused.err and refused.err.count("\n") == 1


def test_the_status_tells_what_is_wrong_and_what_comes_next(
    stepped: Path, lockgate: Lockgate, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, env = ("-C", stepped), ("--env", "production")
    monkeypatch.delenv("PROMETHEUS_TOKEN_X", raising=False)
    assert lockgate(*here, "promote", "r2", "--to", "production", "-m", "go").code == 0
    pending = lockgate(*here, "rollout", "status", *env)
    assert "no controller has looked yet: run `lockgate watch`." in pending.out  # nobody to fall back
    assert lockgate(*here, "tick").code == 0
    settings = stepped / "settings.toml"
    before = settings.read_text()
    settings.write_text(
        'prometheus = "http://127.0.0.1:9"\n'
        + before.replace("[keys]", '[keys]\n"127.0.0.1" = "PROMETHEUS_TOKEN_X"')
    )
    for looked in (lockgate(*here, "tick"), lockgate(*here, "tick", "--json")):
        assert looked.code == 4 and "PROMETHEUS_TOKEN_X" in looked.out
    told = lockgate(*here, "rollout", "status", *env)
    assert told.code == 0 and "▶ 1. 10 % of users" in told.out
    assert "PROMETHEUS_TOKEN_X" in told.out and "after 15 minutes of that the rollout ends" in told.out
    lines = lockgate(*here, "watch", "--ticks", "3", "--every", "0.2", "--json").out.splitlines()
    said = [json.loads(line) for line in lines]
    assert len([one for one in said if "PROMETHEUS_TOKEN_X" in " ".join(one["problems"])]) == 1
    settings.write_text(before)
    data = lockgate(*here, "rollout", "status", *env, "--json").data
    assert "T" in data["controller"]["at"] and "T" in lockgate(*here, "why", "ana", *env, "--json").data["at"]
    assert lockgate(*here, "rollout", "abort", *env).code == 0
    over = lockgate(*here, "rollout", "status", *env, "--json").data
    assert over["outcome"] is None and over["reason"].startswith("aborted by")
    assert "`lockgate promote r2 --to production`" in lockgate(*here, "rollout", "status", *env).out


def test_an_approval_and_the_watch_are_told(stepped: Path, lockgate: Lockgate) -> None:
    here, env = ("-C", stepped), ("--env", "production")
    assert lockgate(*here, "promote", "r2", "--to", "production", "-m", "go").code == 0
    assert lockgate(*here, "rollout", "approve", *env, "-m", "x").code == 2  # the first step wants none
    assert lockgate(*here, "tick").code == 0
    assert lockgate(*here, "rollout", "approve", *env, "-m", "x").code == 0
    assert lockgate(*here, "rollout", "advance", *env, "-m", "x", "--override", "x").code == 0
    told = lockgate(*here, "rollout", "status", *env).out
    assert "watched until" in told and "clients fall back" not in told


def test_the_watch_tells_in_lines_of_json(stepped: Path, lockgate: Lockgate) -> None:
    here = ("-C", stepped)
    assert lockgate(*here, "promote", "r2", "--to", "production", "-m", "go").code == 0
    (line,) = lockgate(*here, "watch", "--ticks", "3", "--every", "0.2", "--json").out.splitlines()
    said = json.loads(line)
    assert said["records"][0]["kind"] == "advance" and "T" in said["at"] and said["problems"] == []


@pytest.mark.parametrize(
    "words",
    [
        ("watch", "--every", "nan", "--ticks", "1"),
        ("watch", "--every", "inf", "--ticks", "1"),
        ("watch", "--every", "0", "--ticks", "1"),
        ("shadow", "start", "r1", "--env", "production", "--percent", "nan"),
        ("shadow", "start", "r1", "--env", "production", "--percent", "10", "--cap-usd-per-day", "nan"),
        ("shadow", "start", "r1", "--env", "production", "--percent", "10", "--deadline", "nan"),
        ("shadow", "start", "r1", "--env", "production", "--percent", "10", "--again", "-inf"),
        ("shadow", "start", "r1", "--env", "production", "--percent", "10", "--again", "101"),
        ("shadow", "start", "r1", "--env", "production", "--percent", "ten"),
        ("eval", "r1", "--max-usd", "inf"),
    ],
)
def test_a_number_that_is_none_is_one_sentence(
    acme: Path, lockgate: Lockgate, words: tuple[str, ...]
) -> None:
    refused = lockgate("-C", acme, *words)
    assert refused.code == 2 and refused.out == "", refused
    assert "bug in Lockgate" not in refused.err and words[-1 if words[-2] != "--ticks" else 2] in refused.err


def test_a_step_that_wants_a_person_says_what_to_type(acme: Path, lockgate: Lockgate, tmp_path: Path) -> None:
    here, env = ("-C", acme), ("--env", "production")
    steps = STEPS.replace("hold_minutes = 60", "approval = true\npause = true")
    policy = tmp_path / "lockgate.toml"
    policy.write_text(without_steps(lockgate(*here, "policy", "show").out) + steps)
    assert lockgate(*here, "policy", "set", "--from", policy, "-m", "x").code == 0
    assert lockgate(*here, "add", "app", "api", "--revision", "f" * 40).code == 0
    assert lockgate(*here, "stage", "--set", "app/api", "-m", "newer code").code == 0
    assert lockgate(*here, "promote", "r2", "--to", "production", "-m", "go").code == 0
    assert lockgate(*here, "tick").code == 0
    told = lockgate(*here, "rollout", "status", *env).out
    assert "awaiting approval" in told and "`lockgate rollout approve --env production` says yes" in told
    assert "waits at its end for `lockgate rollout advance`" in told
