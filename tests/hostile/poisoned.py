"""A workspace that works, in which every text that somebody else can write is one that tries to act."""

from __future__ import annotations

import json
import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import pygit2
from ulid import ULID

from console.__main__ import run
from console.operations.heartbeat import beat, worker_beat
from store.bounded import write_toml
from store.git.repository import MAIN
from store.git.tree import with_files
from store.records.base import Person
from store.records.operation import Change, Operation, Override
from store.snapshot import Snapshot, notes_folder, record_path
from store.workspace import Workspace
from tests.hostile.payloads import PAYLOADS, REFUSED

EVERYTHING = {**PAYLOADS, **REFUSED}


def spoken(body: dict[str, Any]) -> str:
    """What the model answers: with the first prompt what each case expects, with another a payload that
    the question chooses, so that every case flips."""
    told = str(body["messages"][-1]["content"])
    if "these passages" in str(body["messages"]):
        return told.replace(" ?", "!")
    words = list(EVERYTHING.values())
    return f"{words[len(told) % len(words)]} returns"


def poison(template: Path, root: Path, scratch: Path) -> None:
    """Copies the workspace `template` to `root` and poisons the copy."""
    shutil.copytree(template, root)
    for document in (root / "live").glob("*.json"):
        document.unlink()
    _do(root, "reconcile")
    for number, text in enumerate(PAYLOADS.values(), 2):
        folder = scratch / f"prompt{number}"
        folder.mkdir(parents=True)
        shown = text.replace("{{", "{ {")
        (folder / "system.md").write_text(f"Answer from this {number}:\n\n{{{{context}}}}\n\n{shown}\n")
        example = [{"user": shown, "assistant": shown}]
        (folder / "few_shot_examples.json").write_text(json.dumps(example))
        _do(root, "add", "prompt", "support", "--from", folder, f"--what={text}", "-m", text)
    _suite(root, scratch / "suite")
    _index(root, scratch / "pages")
    newest = len(PAYLOADS) + 1
    sets = (f"prompt/support=v{newest}", "index/pages", "evals/support")
    words = " ".join(PAYLOADS.values())[:900]
    chosen = [part for one in sets for part in ("--set", one)]
    _do(root, "stage", *chosen, "--override", words, "-m", words)
    _do(root, "freeze", "--env", "production", "--until", "2h", "-m", words[:400])
    _foreign_commits(Workspace(root))
    beat(Workspace(root), tuple(PAYLOADS.values()), {}, {})
    worker_beat(Workspace(root), tuple(PAYLOADS.values()))


def _do(root: Path, *words: object) -> None:
    assert run(["-C", str(root), *map(str, words)]) == 0, words


def _suite(root: Path, folder: Path) -> None:
    """One case for each payload, in its id's place, its input, its tags and what it expects."""
    folder.mkdir()
    (folder / "suite.toml").write_text('repeats = [1]\n[[categories]]\nname = "relevance"\n')
    cases = [
        {
            "id": f"{name}",
            "input": f"{text[:2000]} ?",
            "expect": [{"grader": "contains", "any": [f"{text[:2000]}!"]}],
            "category": "relevance",
            "tier": "smoke",
            "reference": text[:2000],
            "tags": [text[:40]],
        }
        for name, text in PAYLOADS.items()
    ]
    (folder / "cases.jsonl").write_text("".join(json.dumps(one) + "\n" for one in cases))
    _do(root, "add", "evals", "support", "--from", folder, "--what", " ".join(PAYLOADS.values())[:500])


def _index(root: Path, folder: Path) -> None:
    """One document for each payload, named and worded by it."""
    folder.mkdir()
    for number, text in enumerate(PAYLOADS.values()):
        name = "".join(one for one in text if one != "/")[:60]
        (folder / f"{number} {name}.md").write_text(f"# {text[:60]}\n\n{text} returns {number}\n")
    _do(root, "add", "index", "pages", "--from", folder, "--embedder", "lexical", "--parent", "v1")


def _foreign_commits(workspace: Workspace) -> None:
    """Commits that no Lockgate wrote, with records and without: author, subject, record and note are what
    somebody typed into git."""
    store = workspace.store
    for name, text in PAYLOADS.items():
        old = _last(store.at())
        at = old.at + timedelta(seconds=1)
        fresh = Operation(
            id=str(ULID.from_datetime(at)),
            kind="note",
            at=at,
            by=Person(name=text, email=text),
            why=text,
            summary=f"{name}: {text}",
            about=old.id,
            environment="production",
            changes=(Change(component="prompt/support", before="v1", after="v2", what=text),),
            overrides=(Override(condition=text, reason=text),),
            checks=(text,),
            tool=text,
            host=text,
        )
        files = {
            record_path(fresh.id): write_toml(fresh),
            f"{notes_folder(old.id)}/{fresh.id}.md": f"{text}\n\n{text}\n".encode(),
        }
        _commit(store.repo, files, f"{text}\n\nLockgate-Op: {fresh.id}", text, fresh.at.timestamp())
        _commit(store.repo, {"README.md": text.encode()}, text, text, fresh.at.timestamp())


def _last(snapshot: Snapshot) -> Operation:
    """The newest record."""
    year = max(snapshot.names("records"))
    month = max(snapshot.names(f"records/{year}"))
    ids = [name for name in snapshot.names(f"records/{year}/{month}") if name.endswith(".toml")]
    found = snapshot.operation(max(ids).removesuffix(".toml"))
    assert found is not None
    return found


def _commit(repo: pygit2.Repository, files: dict[str, bytes], message: str, who: str, at: float) -> None:
    tip = repo.references[MAIN].target
    tree = with_files(repo, repo[tip].peel(pygit2.Tree), files)
    flat = who.replace("\n", " ").replace("<", "(").replace(">", ")").encode()
    by = b"%s <%s> %d +0000" % (flat, flat, int(at))
    raw = b"tree %s\nparent %s\nauthor %s\ncommitter %s\n\n%s\n" % (
        str(tree).encode(), str(tip).encode(), by, by, message.encode(),
    )  # fmt: skip
    repo.references.create(MAIN, repo.odb.write(pygit2.enums.ObjectType.COMMIT, raw), force=True)
