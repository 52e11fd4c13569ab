"""Nothing slow runs on the event loop: what reads files or git at length is called in a lane's thread."""

from __future__ import annotations

import importlib
import threading
from collections import defaultdict
from collections.abc import Callable
from functools import wraps
from typing import Any

import pytest

from console.operations import stage
from tests.console.conftest import Opener
from tests.console.gates import gate_that

SLOW = (
    "console.views.world.look",
    "console.views.overview.overview",
    "console.operations.index_look.documents",
    "console.operations.index_look.probes",
    "console.operations.index_look.verify",
    "console.operations.differ.diff",
    "console.operations.stage.compose",
    "console.operations.stage.plan",
    "console.operations.rollback.plan",
    "console.operations.switch.plan",
    "console.operations.note.plan",
    "console.screens.operate.apply",
    "console.screens.history.detail_lines",
    "console.screens.indexes.detail_lines",
    "console.screens.indexes.diff_lines",
    "console.screens.stage.diff_lines",
    "console.screens.versions.diff_lines",
    "store.history.reading.History.refresh",
    "store.history.reading.History.page",
    "store.history.reading.History.count",
)
WALK = (
    *("down", "down", "enter", "d", "escape", "escape", "home", "r", "enter", "escape"),
    *("4", "enter", "tab", "escape", "d", "escape", "v", "escape", "s", "enter", "escape"),
    *("5", "down", "enter", "escape", "n", "type:seen", "enter", "slash", "type:warranty", "enter", "escape"),
    *("2", "down", "enter", "type:v3", "enter", "e", "s", "escape"),
)


async def test_what_is_slow_runs_in_a_thread(console: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, set[str]] = defaultdict(set)
    for name in SLOW:
        owner, attribute = _found(name)
        monkeypatch.setattr(owner, attribute, _noting(name, getattr(owner, attribute), seen))
    monkeypatch.setattr(stage, "gate", gate_that("pass"))
    async with console(size=(140, 45)) as it:
        await it.press(*WALK)
    assert set(seen) == set(SLOW), "the walk calls every one of them"
    assert not {name for name, threads in seen.items() if threading.main_thread().name in threads}


def _found(name: str) -> tuple[Any, str]:
    """What holds the function called `name`, and its name there."""
    module, _, attribute = name.rpartition(".")
    try:
        return importlib.import_module(module), attribute
    except ModuleNotFoundError:
        module, _, owner = module.rpartition(".")
        return getattr(importlib.import_module(module), owner), attribute


def _noting(name: str, call: Callable[..., Any], seen: dict[str, set[str]]) -> Callable[..., Any]:
    @wraps(call)
    def noted(*arguments: Any, **named: Any) -> Any:
        seen[name].add(threading.current_thread().name)
        return call(*arguments, **named)

    return noted
