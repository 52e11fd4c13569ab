"""The runner against two other tools: promptfoo and inspect ask the same 500 questions of the same server.

`python -m benchmarks eval_peers` installs them below `.peers` in the checkout the first time (npm and pip),
and is only run by name for that. Each is a process from its start to its end with what it does by default,
at the same concurrency, without its cache and without its retries.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.eval_overhead import AT_ONCE, CASES, MODEL, ROOT

DELAY_MS = 50
ROUNDS = 3
PEERS = ROOT / ".peers"
QUIET = {
    "OPENAI_API_KEY": "none",
    "PROMPTFOO_DISABLE_TELEMETRY": "1",
    "PROMPTFOO_DISABLE_UPDATE": "1",
    "PROMPTFOO_DISABLE_REMOTE_GENERATION": "true",
}

TASK = f"""
from inspect_ai import Task, task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.scorer import includes
from inspect_ai.solver import generate, system_message


@task
def bench():
    samples = [Sample(id=f"c{{n}}", input=f"question {{n}}", target="ok") for n in range({CASES})]
    steps = [system_message("Answer."), generate()]
    return Task(dataset=MemoryDataset(samples), solver=steps, scorer=includes())
"""


@dataclass(frozen=True)
class Tool:
    """One way to run the cases."""

    name: str
    command: tuple[str, ...]
    env: Mapping[str, str]


@dataclass(frozen=True)
class Cost:
    """What one run took."""

    wall_s: float
    cpu_s: float
    peak_mb: float
    """Of its largest process."""


def run() -> list[dict[str, Any]]:
    """Medians of alternating rounds: wall, CPU and memory of ours against each peer that can be installed."""
    from tests.evals.server import FaultServer

    with FaultServer(delay_s=DELAY_MS / 1000) as server, tempfile.TemporaryDirectory() as folder:
        tools = [_ours(server.url()), *_peers(server.url(), Path(folder))]
        costs: dict[str, list[Cost]] = {tool.name: [] for tool in tools}
        for number in range(-1, ROUNDS):  # the first round warms the disk's cache
            for tool in tools:
                server.requests.clear()
                cost = _measured(tool, Path(folder) / f"{tool.name}{number}")
                if len(server.requests) != CASES:
                    raise SystemExit(f"{tool.name}: {len(server.requests)} requests for {CASES} cases")
                if number >= 0:
                    costs[tool.name].append(cost)
    ours = costs.pop("ours")
    return [
        _row(f"{CASES} cases at {DELAY_MS} ms, {AT_ONCE} at once, {what}", unit, ours, found, field, name)
        for name, found in costs.items()
        for what, unit, field in (
            ("wall", "s", "wall_s"),
            ("CPU", "s", "cpu_s"),
            ("peak memory", "MB", "peak_mb"),
        )
    ]


def _row(what: str, unit: str, ours: list[Cost], peer: list[Cost], field: str, name: str) -> dict[str, Any]:
    mine, theirs = (statistics.median(getattr(one, field) for one in costs) for costs in (ours, peer))
    return {
        "name": what,
        "ours": round(mine, 2),
        "floor": round(theirs, 2),
        "unit": unit,
        "ratio": round(mine / theirs, 2),
        "peer": name,
    }


def _measured(tool: Tool, folder: Path) -> Cost:
    folder.mkdir()
    said = folder / "said.log"
    started = time.monotonic()
    with said.open("wb") as output:
        process = subprocess.Popen(
            [one.replace("{folder}", str(folder)) for one in tool.command],
            cwd=ROOT if tool.name == "ours" else folder,
            env={**os.environ, **QUIET, **tool.env},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
        _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{tool.name} ended with {process.returncode}: {said.read_text()[-2000:]}")
    # Linux counts in KiB.
    return Cost(time.monotonic() - started, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024 / 1e6)


def _ours(url: str) -> Tool:
    command = (sys.executable, "-m", "benchmarks.eval_overhead", "ours", url, "{folder}")
    return Tool("ours", command, {})


def _peers(url: str, folder: Path) -> list[Tool]:
    (folder / "task.py").write_text(TASK)
    (folder / "tests.csv").write_text("q\n" + "".join(f"question {n}\n" for n in range(CASES)))
    prompt = [{"role": "system", "content": "Answer."}, {"role": "user", "content": "{{q}}"}]
    settings = {"apiBaseUrl": url, "apiKey": "none", "temperature": 0, "maxRetries": 0}
    config = {
        "prompts": [json.dumps(prompt)],
        "providers": [{"id": f"openai:chat:{MODEL}", "config": settings}],
        "defaultTest": {"assert": [{"type": "contains", "value": "ok"}]},
        "tests": f"file://{folder / 'tests.csv'}",
    }
    (folder / "promptfooconfig.json").write_text(json.dumps(config))
    found = []
    if inspect := _inspect():
        options = f"--max-connections {AT_ONCE} --max-samples {CASES} --max-retries 0 --temperature 0"
        command = f"{inspect} eval ../task.py --model openai/{MODEL} -M responses_api=false {options}"
        quiet = {"OPENAI_BASE_URL": url, "INSPECT_LOG_DIR": str(folder / "logs")}
        found.append(Tool("inspect", (*command.split(), "--display", "none"), quiet))
    if promptfoo := _promptfoo():
        command = f"{promptfoo} eval -c {folder / 'promptfooconfig.json'} --no-cache -j {AT_ONCE} --no-table"
        quiet = {"PROMPTFOO_CONFIG_DIR": str(folder / "promptfoo")}
        found.append(Tool("promptfoo", (*command.split(), "--no-progress-bar"), quiet))
    return found


def _inspect() -> Path | None:
    home = PEERS / "inspect"
    program = home / "bin" / "inspect"
    if not program.exists():
        venv.create(home, with_pip=True)
        install = [str(home / "bin" / "python"), "-m", "pip", "install", "-q", "inspect-ai", "openai"]
        if subprocess.run(install).returncode:
            print("inspect could not be installed; it is left out.", file=sys.stderr)
            return None
    return program


def _promptfoo() -> Path | None:
    home = PEERS / "promptfoo"
    program = home / "node_modules" / ".bin" / "promptfoo"
    if not program.exists():
        home.mkdir(parents=True, exist_ok=True)
        npm = shutil.which("npm")
        install = [npm or "npm", "install", "--no-audit", "--no-fund", "--loglevel=error", "promptfoo"]
        if npm is None or subprocess.run(install, cwd=home).returncode:
            print("promptfoo could not be installed (it needs npm); it is left out.", file=sys.stderr)
            return None
    return program
