"""One point: a scenario done in a fresh copy, gone wrong at one call, and looked at afterwards."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.faults.scenarios import SHOP
from tests.faults.shim import MODES, environment

PROJECT = Path(__file__).parents[2]
FAULTS = tuple(mode for mode in MODES if mode != "count")


@dataclass
class Lab:
    """A fork server and the folders of scenarios, prepared when they are first wanted."""

    process: subprocess.Popen[str]
    folder: Path
    known: dict[str, list[str]] = field(default_factory=dict)
    """By scenario: the records that are there before it."""
    copies: int = 0

    def ask(self, **request: Any) -> Any:
        """One line to the fork server, one back."""
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, f"the fork server died of {request}"
        return json.loads(line)

    def template(self, scenario: str) -> Path:
        """The folder as it is before."""
        path = self.folder / "before" / scenario.replace(" ", "-")
        if scenario not in self.known:
            path.mkdir(parents=True)
            told = self.ask(prepare=scenario, folder=str(path))
            assert told["code"] == 0, f"{scenario} could not be prepared"
            self.known[scenario] = told["known"]
            _tidy(path)
        return path

    def fresh(self, scenario: str) -> Path:
        """A copy of it."""
        self.copies += 1
        path = self.folder / f"copy-{self.copies}"
        shutil.copytree(self.template(scenario), path, symlinks=True)
        return path

    def calls(self, scenario: str) -> int:
        """How many calls the scenario makes that change files."""
        folder = self.fresh(scenario)
        told = self.ask(act=scenario, folder=str(folder), mode="count", point=0)
        assert (told["code"], told["error"]) == (0, []), told
        wrong = self.look(scenario, folder, told["ack"])
        assert wrong == [], f"{scenario}, with no fault at all: {wrong}"
        shutil.rmtree(folder)
        return int(told["calls"][0])

    def wrong_at(self, scenario: str, mode: str, point: int) -> list[str]:
        """What is wrong after the fault."""
        folder = self.fresh(scenario)
        told = self.ask(act=scenario, folder=str(folder), mode=mode, point=point)
        found = list(told["error"])
        if MODES[mode].kills and told["code"] not in (0, 1, -9):
            found.append(f"ended with {told['code']}")
        if not MODES[mode].kills and told["code"] not in (0, 1):
            found.append(f"ended with {told['code']}: {told['said']}")
        found += self.look(scenario, folder, told["ack"])
        shutil.rmtree(folder)
        return [f"{scenario}, {mode} at call {point}: {one}" for one in found]

    def look(self, scenario: str, folder: Path, acks: list[str], *, cut: bool = False) -> list[str]:
        """What is wrong in the workspace below `folder`."""
        known = self.known[scenario]
        return list(self.ask(look=scenario, folder=str(folder), acks=acks, known=known, cut=cut)["wrong"])


@contextmanager
def laboratory(library: Path, folder: Path) -> Iterator[Lab]:
    """A fork server that ends with the block."""
    folder.mkdir(parents=True, exist_ok=True)
    away = folder / "tmp"
    away.mkdir()
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.faults.forkserver"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=PROJECT,
        env={
            **environment(library),
            "FAULTS_TMP": str(away),
            "TMPDIR": str(away),
            "LOCKGATE_AUTHOR": "Ana <ana@example.org>",
            "GIT_CONFIG_NOSYSTEM": "1",
            "HOME": str(away),
        },
    )
    with process:
        try:
            yield Lab(process, folder)
        finally:
            assert process.stdin
            process.stdin.close()


def _tidy(folder: Path) -> None:
    """Few files, so that a copy is quick: one pack, and no sample hooks."""
    for store in folder.glob(f"{SHOP}/store.git"):
        subprocess.run(["git", f"--git-dir={store}", "repack", "-adq"], check=True)
        subprocess.run(["git", f"--git-dir={store}", "prune-packed", "-q"], check=True)
        shutil.rmtree(store / "hooks", ignore_errors=True)


def in_memory() -> Path | None:
    """A file system that needs no disk, where there is one."""
    shm = Path("/dev/shm")
    return shm if shm.is_dir() and os.access(shm, os.W_OK) else None
