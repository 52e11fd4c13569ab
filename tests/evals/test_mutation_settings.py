"""What pyproject.toml says of mutation testing is still true of the files."""

from __future__ import annotations

import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROCESSES = {"__init__", "callable_worker", "callables", "killable", "process", "python", "worker"}
"""Modules of evals/graders that run processes: killing those is tested by killing them."""


def test_the_gate_and_every_grader_are_mutated_and_the_tests_exist() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["mutmut"]
    mutated = set(settings["only_mutate"])
    graders = {path for path in (ROOT / "evals" / "graders").glob("*.py") if path.stem not in PROCESSES}
    assert {f"evals/graders/{path.name}" for path in graders} <= mutated
    named = [*mutated, *settings["pytest_add_cli_args_test_selection"], *settings["also_copy"]]
    assert [name for name in named if not (ROOT / name).exists()] == []
