"""The store at one commit: typed reading by path. Nothing here writes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, NoReturn, TypeVar

import pygit2
from pydantic import BaseModel
from ulid import ULID

from store.bounded import TOML_LIMIT, read_toml
from store.canonical import digest_of_files
from store.clock import from_epoch
from store.errors import InputError, LockgateError
from store.git.files import Files
from store.records.approval import Approval, approval_path
from store.records.component import Component, Kind, Pin, check_name
from store.records.environment import Environment
from store.records.operation import Operation
from store.records.policy import Policy
from store.records.release import Release
from store.records.verdict import Verdict
from store.records.versions import AppRevision, Guardrail, IndexManifest, ModelPin, PromptInfo, SuiteInfo
from store.text import one_line

Model = TypeVar("Model", bound=BaseModel)

_VERSION = re.compile(r"v[1-9][0-9]{0,8}")
_RELEASE = re.compile(r"(r[1-9][0-9]{0,8})\.toml")
_ULID = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}")
_LAST_NUMBER = 999_999_999
POLICY_PATH = "lockgate.toml"

_CACHED = 8192
_parsed: dict[tuple[type[BaseModel], str, str], BaseModel] = {}
"""(model, blob, path) to record: equal blobs are parsed once."""


@dataclass(frozen=True, slots=True)
class Pointers:
    """The environments as far as they can be read."""

    read: tuple[Environment, ...]
    """In the order of lockgate.toml."""
    unreadable: tuple[str, ...]
    """The names of those whose pointer is malformed or damaged: what they serve is not known."""


def is_name(name: str) -> bool:
    """Whether a component may be called `name`."""
    try:
        check_name(name)
    except InputError:
        return False
    return True


def is_ulid(text: str) -> bool:
    """Whether `text` has the form of a record's id."""
    return _ULID.fullmatch(text) is not None


class Snapshot:
    """Everything that is read goes through here.

    A damaged or missing object raises MachineryError from any of these; a malformed file InputError.
    """

    def __init__(self, repo: pygit2.Repository, commit: pygit2.Commit) -> None:
        self.commit = str(commit.id)
        """The commit (40 hex)."""
        self.at = from_epoch(commit.commit_time)
        """When it was made, by the clock of who made it; to the second."""
        self._files = Files(repo, commit.tree_id)

    # -- any file ---------------------------------------------------------------------------

    def record(self, model: type[Model], path: str) -> Model | None:
        """The TOML file at `path` as a `model`, or None. Raises InputError naming file and field."""
        blob = self._files.entry(path)
        if not isinstance(blob, pygit2.Blob):
            return None
        key = (model, str(blob.id), path)
        found: Any = _parsed.get(key)
        if found is None:
            found = read_toml(model, self._files.data(blob, path, TOML_LIMIT), path)
            if len(_parsed) >= _CACHED:
                _parsed.clear()
            _parsed[key] = found
        return found  # type: ignore[no-any-return]

    def bytes_at(self, path: str) -> bytes | None:
        """The bytes of the file at `path`, or None."""
        return self._files.read(path)

    def has(self, path: str) -> bool:
        """Whether there is a file or folder at `path`."""
        return self._files.entry(path) is not None

    def names(self, path: str) -> tuple[str, ...]:
        """The names in a folder; empty when there is none."""
        return self._files.names(path)

    def children(self, path: str) -> tuple[tuple[str, bool], ...]:
        """(name, whether it is a folder) of the plain files and folders in a folder."""
        return self._files.children(path)

    # -- policy and environments --------------------------------------------------------------

    @cached_property
    def policy(self) -> Policy:
        """lockgate.toml. Raises InputError when it is missing or malformed."""
        found = self.record(Policy, POLICY_PATH)
        if found is None:
            raise InputError("the store has no lockgate.toml; restore it from history with git.")
        return found

    def environment(self, name: str) -> Environment:
        """The pointer of environment `name`; an empty one before its first release."""
        if self.policy.environment(name) is None:
            raise InputError(
                f"there is no environment {one_line(name, 60)!r}; lockgate.toml has "
                f"{', '.join(self.policy.names)}."
            )
        path = f"environments/{name}.toml"
        found = self.record(Environment, path) or Environment(name=name)
        return found if found.name == name else _misplaced(path, found.name)

    def environments(self) -> tuple[Environment, ...]:
        """All pointers, in the order of lockgate.toml. Raises InputError when one is malformed."""
        return tuple(self.environment(name) for name in self.policy.names)

    def pointers(self) -> Pointers:
        """All pointers that can be read, and the names of the rest, for who can say "not known"."""
        read: list[Environment] = []
        unreadable: list[str] = []
        for name in self.policy.names:
            try:
                read.append(self.environment(name))
            except LockgateError:
                unreadable.append(name)
        return Pointers(tuple(read), tuple(unreadable))

    # -- releases -----------------------------------------------------------------------------

    def release_ids(self) -> tuple[str, ...]:
        """r1, r2, … in order."""
        found = [m[1] for name in self.names("releases") if (m := _RELEASE.fullmatch(name))]
        return tuple(sorted(found, key=lambda one: int(one[1:])))

    def release(self, id: str) -> Release:
        """The release called `id`. Raises InputError when there is none."""
        found = self.find_release(id)
        if found is None:
            ids = self.release_ids()
            raise InputError(
                f"there is no release {one_line(id, 40)!r}; "
                + (f"the newest is {ids[-1]}." if ids else "`lockgate stage` makes the first one.")
            )
        return found

    def find_release(self, id: str) -> Release | None:
        """The release called `id`, or None."""
        if not _RELEASE.fullmatch(f"{id}.toml"):
            return None
        found = self.record(Release, f"releases/{id}.toml")
        return found if found is None or found.id == id else _misplaced(f"releases/{id}.toml", found.id)

    def next_release_id(self) -> str:
        """The id that the next release gets. Raises InputError when the numbers are used up."""
        return _next("releases", self.release_ids(), "r")

    def verdicts(self, release: str) -> tuple[Verdict, ...]:
        """The gate's verdicts on `release`, newest first. Raises InputError when one cannot be believed."""
        return tuple(self._verdicts(release))

    def verdict_ids(self, release: str) -> tuple[str, ...]:
        """The ids of the verdicts on `release`, newest first."""
        names = (name.removesuffix(".toml") for name in self.names(f"verdicts/{release}"))
        return tuple(sorted((name for name in names if is_ulid(name)), reverse=True))

    def _verdicts(self, release: str) -> Iterator[Verdict]:
        for id in self.verdict_ids(release):
            path = f"verdicts/{release}/{id}.toml"
            found = self.record(Verdict, path)
            if found is not None:
                says = f"{found.release}/{found.id}"
                yield found if says == f"{release}/{id}" else _misplaced(path, says)

    def approvals(self, environment: str, release: str) -> tuple[Approval, ...]:
        """What was said yes to for `release` in `environment`, oldest first. Raises InputError."""
        found = (
            self.record(Approval, approval_path(environment, release, id))
            for name in sorted(self.names(f"approvals/{environment}/{release}"))
            if is_ulid(id := name.removesuffix(".toml"))
        )
        return tuple(one for one in found if one is not None)

    # -- components ---------------------------------------------------------------------------

    def components(self, kind: Kind | None = None) -> tuple[Component, ...]:
        """Every component, in the order of kinds and names. What is none, `check` tells."""
        return tuple(
            Component(one, name)
            for one in Kind
            if kind is None or one is kind
            for name, is_folder in self.children(one.folder)
            if is_folder and is_name(name)
        )

    def versions(self, component: Component) -> tuple[str, ...]:
        """v1, v2, … of `component` in order; empty when there is none."""
        folder = component.kind.is_folder
        found = (
            name if folder else name.removesuffix(".toml")
            for name, is_folder in self.children(component.folder)
            if is_folder == folder and (folder or name.endswith(".toml"))
        )
        return tuple(sorted(filter(_VERSION.fullmatch, found), key=lambda one: int(one[1:])))

    def next_version(self, component: Component) -> str:
        """The version that the next `add` of `component` gets. Raises InputError when they are used up."""
        return _next(str(component), self.versions(component), "v")

    def newest(self, component: Component) -> Pin:
        """The newest version of `component`. Raises InputError when it has none."""
        versions = self.versions(component)
        if not versions:
            raise InputError(f"there is no {component}; `lockgate add {component.kind.value}` makes one.")
        return Pin(component, versions[-1])

    def pin(self, text: str) -> Pin:
        """`kind/name@vN`, or `kind/name` for the newest. Raises InputError when it does not exist."""
        if "@" not in text and "=" not in text:
            return self.newest(Component.parse(text))
        pin = Pin.parse(text)
        if not self.has(pin.path):
            versions = self.versions(pin.component)
            raise InputError(
                f"there is no {pin}; "
                + (f"the newest is {versions[-1]}." if versions else f"there is no {pin.component} at all.")
            )
        return pin

    def files(self, pin: Pin) -> dict[str, bytes]:
        """The files of a version by their relative path; a one-file kind has the one name `version.toml`."""
        if pin.component.kind.is_folder:
            return self._files.below(pin.path)
        data = self.bytes_at(pin.path)
        return {"version.toml": data} if data is not None else {}

    def digest(self, pin: Pin) -> str:
        """The digest of a version's files. Raises InputError when the version does not exist."""
        found = self.files(pin)
        if not found:
            raise InputError(f"there is no {pin} in the store.")
        return digest_of_files(found)

    def version(self, pin: Pin) -> BaseModel:
        """The TOML record of a version, whatever its kind. Raises InputError when there is none."""
        model, path = _VERSION_RECORD[pin.component.kind]
        found = self.record(model, pin.path + path)
        if found is None:
            if pin.component.kind is Kind.PROMPT and self.files(pin):
                return PromptInfo()
            raise InputError(f"there is no {pin} in the store.")
        return found

    def model(self, pin: Pin) -> ModelPin:
        """A model version."""
        return self._typed(pin, ModelPin)

    def index(self, pin: Pin) -> IndexManifest:
        """An index version's manifest."""
        return self._typed(pin, IndexManifest)

    def guardrail(self, pin: Pin) -> Guardrail:
        """A guardrail version."""
        return self._typed(pin, Guardrail)

    def app(self, pin: Pin) -> AppRevision:
        """An application revision."""
        return self._typed(pin, AppRevision)

    def _typed(self, pin: Pin, model: type[Model]) -> Model:
        found = self.version(pin)
        if not isinstance(found, model):
            raise InputError(f"{pin} is not what was asked for here.")
        return found

    # -- records ------------------------------------------------------------------------------

    def operation(self, id: str) -> Operation | None:
        """The record called `id` (a ULID), or None."""
        if not is_ulid(id):
            return None
        found = self.record(Operation, record_path(id))
        return found if found is None or found.id == id else _misplaced(record_path(id), found.id)

    def notes(self, id: str) -> tuple[str, ...]:
        """The later remarks on record `id`, oldest first, as text."""
        if not is_ulid(id):
            return ()
        folder = notes_folder(id)
        data = (self.bytes_at(f"{folder}/{name}") for name in sorted(self.names(folder)))
        return tuple(one.decode(errors="replace")[:20_000] for one in data if one is not None)


_VERSION_RECORD: dict[Kind, tuple[type[BaseModel], str]] = {
    Kind.APP: (AppRevision, ""),
    Kind.PROMPT: (PromptInfo, "/prompt.toml"),
    Kind.MODEL: (ModelPin, ""),
    Kind.INDEX: (IndexManifest, ""),
    Kind.GUARDRAIL: (Guardrail, ""),
    Kind.EVALS: (SuiteInfo, "/suite.toml"),
}


def _next(what: str, used: tuple[str, ...], letter: str) -> str:
    number = int(used[-1][1:]) + 1 if used else 1
    if number > _LAST_NUMBER:
        raise InputError(
            f"{what} has reached {used[-1]}, the last number there is; nothing was changed. "
            "Remove what was numbered by mistake from the store with git, or use another name."
        )
    return f"{letter}{number}"


def _misplaced(path: str, says: str) -> NoReturn:
    raise InputError(
        f"{path} says that it is {one_line(says, 60)}: a file's name and its content must agree."
    )


@lru_cache(maxsize=1024)
def record_path(id: str) -> str:
    """records/<yyyy>/<mm>/<ulid>.toml: the month comes from the ULID's own time."""
    try:
        at = ULID.from_str(id).datetime
    except (ValueError, OverflowError):
        raise InputError(f"{one_line(id, 40)} is no record's id: its time is out of range.") from None
    return f"records/{at:%Y}/{at:%m}/{id}.toml"


def notes_folder(id: str) -> str:
    """Where the later remarks on record `id` are."""
    return record_path(id).removesuffix(".toml") + "/notes"
