"""`lockgate eval` and `stage` with filters, budgets and --fresh, and runs that go on where they stopped."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.commands.conftest import CASES, Lockgate, answer_from_context, write_suite
from tests.evals.judge_script import obedient
from tests.evals.server import MODEL, FaultServer


def commits(lockgate: Lockgate, acme: Path) -> int:
    return len(lockgate("-C", acme, "history", "--json").data["operations"])


@pytest.fixture
def another(acme: Path, material: Path, lockgate: Lockgate, tmp_path: Path) -> str:
    """A prompt that nobody has been asked with; returns what stages it."""
    (material / "prompt/system.md").write_text(f"Answer kindly ({tmp_path.name}):\n\n{{{{context}}}}\n")
    assert lockgate("-C", acme, "add", "prompt", "support", "--from", material / "prompt").code == 0
    return "prompt/support"


def test_a_look_at_some_cases_is_never_a_verdict(acme: Path, lockgate: Lockgate, server: FaultServer) -> None:
    before, verdicts = commits(lockgate, acme), lockgate("-C", acme, "show", "r1", "--json").out
    seen = lockgate("-C", acme, "eval", "r1", "--no-baseline", "--case", "desk-0", "--case", "price-1")
    assert seen.code == 3
    assert "2 cases" in seen.out and "relevance" in seen.out
    assert "look at case desk-0 or price-1 (2 cases): no verdict is kept of it" in seen.err
    server.answer = lambda _: "I do not know."
    limited = ("eval", "r1", "--no-baseline", "--category", "relevance", "--limit", "3", "--fresh", "--json")
    found = lockgate("-C", acme, *limited)
    assert found.code == 3 and found.data["record"] is None
    assert found.data["cases"] == 3 and found.data["look"] == "category relevance, at most 3"
    assert commits(lockgate, acme) == before
    assert lockgate("-C", acme, "show", "r1", "--json").out == verdicts


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--category", "nope"), "no category 'nope': there are relevance"),
        (("--tag", "x"), "no tag 'x': there are none"),
        (("--case", "x"), "no case 'x'"),
        (("--max-usd", "nan"), "not a finite number"),
        (("--max-tokens", "0"), "0 is not in the range"),
    ],
)
def test_filters_and_limits_that_say_nothing(
    acme: Path, lockgate: Lockgate, options: tuple[str, ...], said: str
) -> None:
    found = lockgate("-C", acme, "eval", "r1", "--no-baseline", *options)
    assert found.code == 2 and said in found.err


def test_stage_stops_at_its_budget_and_goes_on(
    acme: Path, another: str, lockgate: Lockgate, server: FaultServer
) -> None:
    here, before, asked = ("-C", acme), commits(lockgate, acme), len(server.requests)
    stage = (*here, "stage", "--set", another, "-m", "x")
    stopped = lockgate(*stage, "--max-tokens", "14")
    assert stopped.code == 3, stopped.err
    assert "limit of 14 tokens" in stopped.err and "Nothing was decided or changed" in stopped.err
    assert commits(lockgate, acme) == before
    first = len(server.requests) - asked
    assert 0 < first < 12
    assert lockgate(*stage).code == 0
    whole = len(server.requests) - asked
    assert lockgate(*here, "eval", "r2", "--against", "r1").code == 0
    assert len(server.requests) - asked == whole  # the finished run begins anew, and the cache knows it all
    (journal,) = [path for path in (acme / "state/runs").iterdir() if b'"r2"' in path.read_bytes()[:400]][:1]
    lines = [json.loads(line) for line in journal.read_text().splitlines()]
    assert lines[-1]["line"] == "end" and lines[0]["line"] == "start"


def test_fresh_asks_everything_anew_once(acme: Path, lockgate: Lockgate, server: FaultServer) -> None:
    asked = len(server.requests)
    assert lockgate("-C", acme, "eval", "r1", "--no-baseline").code == 0
    assert len(server.requests) == asked
    assert lockgate("-C", acme, "eval", "r1", "--no-baseline", "--fresh").code == 0
    fresh = len(server.requests) - asked
    assert fresh >= 12
    assert lockgate("-C", acme, "eval", "r1", "--no-baseline").code == 0
    assert len(server.requests) == asked + fresh


def test_the_settings_limit_money_and_an_option_says_otherwise(
    acme: Path, another: str, lockgate: Lockgate
) -> None:
    settings = acme / "settings.toml"
    usual = settings.read_text()
    stage = ("-C", acme, "stage", "--set", another, "-m", "x")
    price = '\n[prices]\n"test-model-2026-01-01" = { input = 100000, output = 100000 }\n'
    settings.write_text(usual + price + "\n[eval_budget]\nmax_usd = 1.5\n")
    stopped = lockgate(*stage)
    assert stopped.code == 3 and "limit of 1.5 US dollars" in stopped.err
    assert lockgate(*stage, "--max-usd", "1000").code == 0
    settings.write_text(usual + "\n[eval_budget]\nmax_usd = -1\n")
    assert lockgate(*stage).code == 2


def test_the_suites_judge_is_asked_and_counts_against_the_budget(
    acme: Path, material: Path, lockgate: Lockgate, server: FaultServer
) -> None:
    def answer(body: dict[str, Any]) -> str:
        examining = "strict examiner" in body["messages"][0]["content"]
        return obedient(body) if examining else answer_from_context(body)

    judge = {"grader": "judge", "rubric": "It names 'the desk'.", "votes": 1}
    write_suite(material, [{**one, "expect": [*one["expect"], judge]} for one in CASES])
    with (material / "suite/suite.toml").open("a") as suite:
        suite.write('[judge]\nmodel = "model/judge@v1"\n')
    server.answer = answer
    here = ("-C", acme)
    model = ("--provider", "openai", "--id", "judge-2026-01-01", "--base-url", server.url())
    assert lockgate(*here, "add", "model", "judge", *model, "--set", f"served_as={MODEL}").code == 0
    assert lockgate(*here, "add", "evals", "support", "--from", material / "suite").code == 0
    asked = len(server.requests)
    stage = (*here, "stage", "--set", "evals/support", "-m", "x")
    stopped = lockgate(*stage, "--max-tokens", "7")
    assert stopped.code == 3 and "limit of 7 tokens" in stopped.err
    found = lockgate(*stage)
    assert found.code == 0, found.err
    examined = [
        one for one in server.requests[asked:] if "strict examiner" in one.body["messages"][0]["content"]
    ]
    assert len(examined) >= 12
    look = lockgate(*here, "eval", "r2", "--no-baseline", "--case", "desk-0", "--json")
    assert look.code == 3 and look.data["cases"] == 1


def test_tokens_of_an_application_are_not_known(
    acme: Path, material: Path, lockgate: Lockgate, server: FaultServer
) -> None:
    suite = material / "suite/suite.toml"
    suite.write_text(f'target = "http"\nurl = "{server.url()}/evals"\n' + suite.read_text())
    assert lockgate("-C", acme, "add", "evals", "support", "--from", material / "suite").code == 0
    found = lockgate("-C", acme, "stage", "--set", "evals/support", "-m", "x", "--max-usd", "1")
    assert found.code == 2 and "target http" in found.err and "--max-minutes" in found.err
