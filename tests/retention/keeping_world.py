"""A workspace whose sealed folders are real and small, and whose two clocks the test turns.

Chroma is left out: its files are bytes like others to all that is tested here, and opening a copy is
replaced by looking whether the sealed folder is whole.
"""

from __future__ import annotations

import hashlib
import random
import shutil
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy

from console.operations.add.landing import plan_version
from console.operations.apply import apply_again
from console.operations.index.settle import Point, nowhere
from console.operations.index.sweep import Swept, sweep
from indexes.digest import content_digest
from indexes.export import write_export
from indexes.rows import Row
from indexes.seal import MANIFEST, Seal
from indexes.sealed import collect, sealed_path, verify
from store.boot_clock import BootTime
from store.bounded import write_toml
from store.clock import FixedClock
from store.records.component import Component, Kind, Pin
from store.records.policy import EnvironmentPolicy, GatePolicy, Policy
from store.records.versions import EmbedderIdentity, IndexManifest
from store.workspace import Workspace
from tests.support.workspaces import NOON, made, promote_to, stage_all

NAME = "handbook"
HANDBOOK = Component(Kind.INDEX, NAME)
IDENTITY = EmbedderIdentity(name="lexical", dimension=8)
POLICY = Policy(
    environments=(
        EnvironmentPolicy(name="staging", gate=GatePolicy(required=False)),
        EnvironmentPolicy(name="production", gate=GatePolicy(required=False), production=True),
    )
)
_COMMON = random.Random(0).randbytes(20_000)
"""What all versions share, as real ones do."""


def sealed_here(home: Path, seed: int, rows: int = 12) -> IndexManifest:
    """A sealed folder with content of its own for each `seed`, made without Chroma."""
    chance = random.Random(seed)
    vectors = numpy.random.default_rng(seed).standard_normal((rows, 8)).astype("<f4")
    vectors /= numpy.linalg.norm(vectors, axis=1, keepdims=True)
    made_rows = [
        Row(f"row{n:03d}", f"passage {n} of {seed}: {chance.random()}", {"source": f"d{n}.md"}, f"d{n}.md")
        for n in range(rows)
    ]
    digest = content_digest(made_rows, vectors, IDENTITY)
    target = sealed_path(home, NAME, digest)
    work = target.with_name(f"{target.name}.making")
    segment = work / "chroma" / f"segment-{seed}"
    segment.mkdir(parents=True)
    write_export(work, made_rows, vectors)
    (work / "chroma" / "chroma.sqlite3").write_bytes(_COMMON + chance.randbytes(500))
    (segment / "data_level0.bin").write_bytes(vectors.tobytes() + chance.randbytes(200))
    (segment / "empty.bin").write_bytes(b"")
    (work / "probes.json").write_bytes(b'{"format":"lockgate.probes/1","probes":[]}\n')
    seal = Seal(
        digest=digest, passages=rows, documents=rows, embedder=IDENTITY, chroma="none", files=collect(work)
    )
    (work / MANIFEST).write_bytes(seal.to_bytes())
    work.rename(target)
    return IndexManifest(
        digest=digest,
        passages=rows,
        documents=rows,
        embedder=IDENTITY,
        chroma="none",
        built_at=NOON,
        files=seal.files,
    )


def hashes(sealed: Path) -> dict[str, str]:
    """Every file of a folder with the hash of its bytes."""
    return {
        path.relative_to(sealed).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sealed.rglob("*")
        if path.is_file()
    }


def opened_without_chroma(home: Path, name: str, manifest: IndexManifest, **_: object) -> Path:
    """Stands in for `ensure_open`: a copy of a folder that is whole, or what that would raise."""
    verify(home, name, manifest)
    copy = home / name / "live" / manifest.digest[7:19]
    copy.mkdir(parents=True, exist_ok=True)
    return copy


@dataclass
class World:
    """A workspace, its clocks, and what its sealed folders held when they were made."""

    workspace: Workspace
    clock: FixedClock
    boot: BootTime = field(default_factory=lambda: BootTime("boot-0", 1000.0))
    true: timedelta = timedelta(0)
    """How long it has really been."""
    held: dict[str, dict[str, str]] = field(default_factory=dict)
    """By digest: the hashes of its sealed folder."""
    manifests: dict[str, IndexManifest] = field(default_factory=dict)
    """By version."""

    @property
    def home(self) -> Path:
        return self.workspace.indexes

    def sealed(self, version: str) -> Path:
        return sealed_path(self.home, NAME, self.manifests[version].digest)

    def add(self, seed: int) -> str:
        """The next version."""
        version = self.workspace.store.at().next_version(HANDBOOK)
        manifest = sealed_here(self.home, seed)
        plan = plan_version(self.workspace, HANDBOOK, {"version.toml": write_toml(manifest)}, "", "add")
        apply_again(self.workspace, plan, "added")
        self.manifests[version] = manifest
        self.held[manifest.digest] = hashes(self.sealed(version))
        return version

    def serve(self, version: str, *environments: str) -> None:
        """Stages it, and promotes it to `environments`."""
        release = stage_all(self.workspace, str(Pin(HANDBOOK, version)))
        for environment in environments:
            promote_to(self.workspace, release, environment)

    def wait(self, hours: float) -> None:
        """Time goes by for everybody."""
        self.true += timedelta(hours=hours)
        self.clock.at += timedelta(hours=hours)
        self.boot = BootTime(self.boot.boot, self.boot.seconds + hours * 3600)

    def jump(self, hours: float) -> None:
        """Somebody sets the wall clock."""
        self.clock.at += timedelta(hours=hours)

    def reboot(self, hours_off: float, hours_wrong: float = 0) -> None:
        """The machine is off, and may come up with a wrong clock."""
        self.true += timedelta(hours=hours_off)
        self.clock.at += timedelta(hours=hours_off + hours_wrong)
        number = int(self.boot.boot.rpartition("-")[2]) + 1
        self.boot = BootTime(f"boot-{number}", 10.0)

    def sweep(self, point: Point = nowhere, **more: bool) -> Swept:
        """One sweep, in a process of its own as far as git objects go."""
        fresh = Workspace(self.workspace.root, self.clock)
        return sweep(fresh, boot=lambda: self.boot, point=point, **more)

    def weeks(self) -> tuple[Swept, Swept, Swept]:
        """Long enough to archive what is over now: seen, marked, archived."""
        seen = self.sweep()
        self.wait(24 * 7 + 1)
        marked = self.sweep()
        self.wait(25)
        return seen, marked, self.sweep()


def new_world(path: Path, policy: Policy = POLICY, at: datetime = NOON) -> World:
    """An empty workspace."""
    workspace = made(path, policy, at)
    assert isinstance(workspace.clock, FixedClock)
    return World(workspace, workspace.clock)


def copied(template: Path, path: Path) -> World:
    """A copy of an empty workspace, quickly."""
    shutil.copytree(template, path)
    clock = FixedClock(NOON.astimezone(UTC))
    return World(Workspace(path, clock), clock)
