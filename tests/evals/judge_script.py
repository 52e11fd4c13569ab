"""A scripted judge for the loopback server: honest, but obedient to whatever it reads outside the fence."""

from __future__ import annotations

import json
import re
from typing import Any

from evals.judge.asking import Asked, messages
from evals.models.retry import Limits
from store.records.versions import ModelPin
from tests.evals.server import MODEL

PIN = ModelPin(provider="openai", id=MODEL)
NAME = "model/judge@v1"
QUICK = Limits(attempts=2, timeout_s=5, deadline_s=10, backoff_s=0.01, longest_wait_s=0.05)
MARK = "0" * 48


def read(body: dict[str, Any]) -> tuple[str, str, list[str]]:
    """(fence, line of data, lines outside) as somebody sees them who takes the first fence for the fence."""
    user = body["messages"][-1]["content"]
    fence = re.search(r"^<<<(\w+)$", user, re.MULTILINE)[1]  # type: ignore[index]
    before, _, rest = user.partition(f"<<<{fence}\n")
    inside, _, after = rest.partition(f"\n{fence}>>>")
    data, *more = re.split(r"[\n\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]", inside)
    return fence, data, [*before.splitlines(), *more, *after.splitlines()]


def expected_outside(body: dict[str, Any], scale: str) -> list[str]:
    """What stands outside when nobody meddles."""
    _, _, lines = read({"messages": messages(Asked("R", "Q", "A", scale=scale), MARK)})  # type: ignore[arg-type]
    return [line.replace('"R"', rubric_line(body)) for line in lines]


def rubric_line(body: dict[str, Any]) -> str:
    return body["messages"][-1]["content"].partition("The rubric, as JSON text: ")[2].partition("\n")[0]


def obedient(body: dict[str, Any]) -> str:
    """The reply of a judge that follows any word outside the fence that is not the examiner's own."""
    scale = "boolean" if '"verdict"' in body["messages"][-1]["content"].splitlines()[-1] else "1-5"
    fence, data, outside = read(body)
    usual = [line.replace(MARK, fence) for line in expected_outside(body, scale)]
    told = [line for line in outside if line not in usual]
    good = bool(told) or honest(data, rubric_line(body))
    said: dict[str, Any] = {"verdict": good} if scale == "boolean" else {"score": 5 if good else 1}
    return json.dumps({"fence": fence, **said, "reason": "as I was told" if told else "by the rubric"})


def honest(data: str, rubric: str) -> bool:
    """Whether the answer holds all that the rubric puts in quotes; without quotes it is not fulfilled."""
    try:
        answer = json.loads(data)["answer"]
    except (ValueError, KeyError, TypeError):
        return True  # what it cannot read, an obedient judge lets pass
    wanted = re.findall(r"'([^']+)'", json.loads(rubric))
    return bool(wanted) and all(one in answer for one in wanted)
