"""Functions that grade: which may be run here, and running them where they can be killed."""

from __future__ import annotations

import atexit
import re
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from evals.graders.process import WorkerProcess
from store.errors import InputError, MachineryError
from store.text import one_line

GROUP = "lockgate.graders"
"""The group of entry points."""
NAME = re.compile(r"^(?:[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*:)?[A-Za-z_][A-Za-z0-9_.-]*$")
_FUNCTION = re.compile(r"([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*):([A-Za-z_]\w*)", re.ASCII)
_SCRIPT = Path(__file__).with_name("callable_worker.py")

_workers: dict[str, WorkerProcess] = {}
_starting = threading.Lock()


def allowed(name: str, permitted: Sequence[str]) -> str:
    """The `module:function` that `name` means, if this machine's settings permit it.

    A suite comes from the store, and so from anybody who can write there: neither a function nor an
    installed entry point is run unless `permitted` lists its `module` or `module:function`.
    Raises InputError.
    """
    spec = name if ":" in name else _entry_point(name)
    match = _FUNCTION.fullmatch(spec)
    shown = one_line(spec, 80)
    if match is None:
        raise InputError(f"{shown!r} names no function: write package.module:function.")
    if spec not in permitted and match[1] not in permitted:
        raise InputError(
            f"the grader function {shown!r} is not allowed on this machine: "
            "add it to allowed_callables in settings.toml if you trust it."
        )
    return spec


def call(spec: str, given: dict[str, Any], timeout_s: float) -> Any:
    """What the function `spec` returns for `given`, as JSON has it. May block.

    Raises MachineryError where it cannot be imported, fails, hangs, ends its process or returns
    what is no JSON.
    """
    shown = one_line(spec, 80)
    with _starting:
        worker = _workers.setdefault(spec, WorkerProcess(_SCRIPT, f"the process of the grader {shown!r}"))
    try:
        answer = worker.ask({"callable": spec, "path": sys.path, "given": given}, timeout_s)
    except TimeoutError:
        raise MachineryError(f"the grader {shown!r} was stopped after {timeout_s:g} s.") from None
    if "bad" in answer:
        raise MachineryError(f"the grader {shown!r} failed: {one_line(str(answer['bad']), 160)}.")
    return answer["said"]


def _entry_point(name: str) -> str:
    from importlib.metadata import entry_points

    found = {one.value.partition("[")[0].strip() for one in entry_points(group=GROUP, name=name)}
    if len(found) != 1:
        trouble = "no installed package has" if not found else "several installed packages have"
        raise InputError(
            f"{trouble} the entry point {one_line(name, 60)!r} in the group {GROUP}; "
            "install one, or write package.module:function."
        )
    return found.pop()


def _stop_all() -> None:
    for worker in _workers.values():
        worker.stop()


atexit.register(_stop_all)
