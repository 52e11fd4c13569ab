"""A long history of signed commits, in the shape that operations give it."""

from __future__ import annotations

import base64
from datetime import datetime, timedelta
from pathlib import Path

import pygit2
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from store.bounded import write_toml
from store.git import tree
from store.git.repository import MAIN, Store
from store.records.base import Person
from store.records.environment import Environment, Served
from store.records.operation import Change, Operation
from store.records.policy import EnvironmentPolicy, GatePolicy, Policy
from store.records.release import PinnedVersion, Release, release_digest
from store.signing.signature import Signature
from store.signing.wire import string
from store.snapshot import record_path
from store.stamping import next_id

_TYPE = b"ssh-ed25519"
_ANA = Person(name="Ana", email="ana@example.org")
_POLICY = Policy(environments=(EnvironmentPolicy(name="production", gate=GatePolicy(required=False)),))
_SERVED = 20
"""Stretches of time that a pointer remembers."""


class Signer:
    """Signs in process what `ssh-keygen` would, so that ten thousand commits are made in seconds."""

    def __init__(self) -> None:
        self._secret = Ed25519PrivateKey.generate()
        self.public = string(_TYPE) + string(self._secret.public_key().public_bytes_raw())

    @property
    def allowed(self) -> str:
        """A line of a signers' file."""
        return f"ana@example.org ssh-ed25519 {base64.b64encode(self.public).decode()}\n"

    def sign(self, payload: bytes) -> str:
        """An armored signature."""
        proper = self._secret.sign(Signature(self.public, "git", "sha512", b"").signed(payload))
        fields = (self.public, b"git", b"", b"sha512", string(_TYPE) + string(proper))
        data = b"SSHSIG" + (1).to_bytes(4, "big") + b"".join(string(one) for one in fields)
        text = base64.b64encode(data).decode()
        lines = [text[at : at + 70] for at in range(0, len(text), 70)]
        return "\n".join(["-----BEGIN SSH SIGNATURE-----", *lines, "-----END SSH SIGNATURE-----"])


def long_store(path: Path, signer: Signer, count: int, began: datetime) -> Store:
    """A bare repository with `count` commits, an hour apart: a first one, and promotions of two releases in
    turn, each with its record and what served before."""
    store = Store.create(path)
    repo, root = store.repo, tree.with_files(store.repo, None, _first(began))
    parent = _commit(repo, signer, root, None, began, "Begin\n")
    pages = _Pages(began)
    for number in range(1, count):
        at, id = began + timedelta(hours=number), next_id(began + timedelta(hours=number))
        files = {
            record_path(id): pages.record(number, id),
            "environments/production.toml": pages.pointer(number, id),
        }
        root = tree.with_files(repo, repo[root], files)
        message = f"Promote {_release(number)}\n\nLockgate-Op: {id}\n"
        parent = _commit(repo, signer, root, parent, at, message)
    repo.references.create(MAIN, parent, force=True)
    return store


def _release(number: int) -> str | None:
    """What the promotion `number` brings; None before the first."""
    return f"r{2 - number % 2}" if number > 0 else None


def _commit(
    repo: pygit2.Repository, signer: Signer, root: pygit2.Oid, parent: str | None, at: datetime, message: str
) -> str:
    who = pygit2.Signature(_ANA.name, _ANA.email, int(at.timestamp()), 0)
    text = repo.create_commit_string(who, who, message, root, [parent] if parent else [])
    return str(repo.create_commit_with_signature(text, signer.sign(text.encode()), "gpgsig"))


def _first(began: datetime) -> dict[str, bytes]:
    files = {"lockgate.toml": write_toml(_POLICY)}
    for number in (1, 2):
        pins = {"app/api": PinnedVersion(version=f"v{number}", digest="sha256:" + str(number) * 64)}
        digest = release_digest(pins)
        release = Release(id=f"r{number}", created_at=began, created_by=_ANA, digest=digest, components=pins)
        files[f"releases/r{number}.toml"] = write_toml(release)
    return files


class _Pages:
    """Files as operations write them. The slow writer is asked for four of each; the others differ from
    those in ids, numbers and times alone."""

    def __init__(self, began: datetime) -> None:
        self._began = began
        self._stamp = next_id(began)
        self._records = [write_toml(self._record(number)).decode() for number in (1, 2, 3)]
        self._pointers = [write_toml(self._pointer(number)).decode() for number in (1, 2, 3)]

    def record(self, number: int, id: str) -> bytes:
        """The record of promotion `number`."""
        return self._filled(self._records, number, id).encode()

    def pointer(self, number: int, id: str) -> bytes:
        """The pointer after it."""
        newest = self._filled(self._pointers, number, id).replace("777777", str(number))
        older = (
            f'[[served]]\nrelease = "{_release(one)}"\nsince = "{self._at(one)}"\n'
            f'until = "{self._at(one + 1)}"\n'
            for one in range(number - 1, max(0, number - _SERVED), -1)
        )
        return "\n".join([newest, *older]).encode()

    def _filled(self, pages: list[str], number: int, id: str) -> str:
        text = pages[0 if number == 1 else 1 + number % 2]
        return text.replace(self._stamp, id).replace(self._at(0), self._at(number))

    def _at(self, number: int) -> str:
        return f"{self._began + timedelta(hours=number):%Y-%m-%dT%H:%M:%SZ}"

    def _record(self, number: int) -> Operation:
        which = 2 - number % 2
        return Operation(
            id=self._stamp, kind="promote", at=self._began, by=_ANA, environment="production", tool="0.1.0",
            why="an hour later", summary=f"Deployed app api v{which} in production", release=_release(number),
            before=_release(number - 1), after=_release(number),
            changes=(Change(component="app/api", before=f"v{3 - which}", after=f"v{which}"),),
            checks=("ok: gate: production wants no gate", "ok: rejected: nothing", "ok: freeze: no freeze"),
        )  # fmt: skip

    def _pointer(self, number: int) -> Environment:
        release = _release(number)
        assert release is not None
        return Environment(
            name="production", generation=777777, stable=release, previous=_release(number - 1),
            record=self._stamp, served=(Served(release=release, since=self._began),),
        )  # fmt: skip
