"""Every file of the store's tree, and where it belongs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto

import pygit2

from store.errors import InputError
from store.git import objects
from store.git.tree import FILE, FOLDER
from store.records.component import Component, Kind, Pin, check_name
from store.text import one_line

_DEEPEST = 8
_NAME = r"[a-z0-9][a-z0-9._-]{0,63}"
_VERSION = r"v[1-9][0-9]{0,8}"
_RELEASE = r"r[1-9][0-9]{0,8}"
_ULID = r"[0-7][0-9A-HJKMNP-TV-Z]{25}"
_KINDS = {kind.folder: kind for kind in Kind}
_FOLDERS = "|".join(kind.folder for kind in Kind if kind.is_folder)
_SINGLES = "|".join(kind.folder for kind in Kind if not kind.is_folder)


class Place(Enum):
    """What a file is, by where it lies."""

    POLICY = auto()
    SIGNERS = auto()
    ENVIRONMENT = auto()
    RELEASE = auto()
    VERDICT = auto()
    RECORD = auto()
    NOTE = auto()
    KEEPING = auto()
    DRIFT_BASELINE = auto()
    """How a model version answered when it was known to be good."""
    DRIFT_INCIDENT = auto()
    """A model changed under its pin."""
    DRILL = auto()
    APPROVAL = auto()
    VERSION = auto()
    """A version that is one TOML file."""
    PART = auto()
    """One file of a version that is a folder."""


_TOPS = ("records", "verdicts", "releases", "environments", "retention", "drift", "drills", "approvals")
_PLACES = tuple(
    (re.compile(pattern), place)
    for pattern, place in (
        (rf"records/\d{{4}}/\d{{2}}/(?P<id>{_ULID})\.toml", Place.RECORD),
        (rf"records/\d{{4}}/\d{{2}}/(?P<record>{_ULID})/notes/(?P<id>{_ULID})\.md", Place.NOTE),
        (rf"(?P<folder>{_SINGLES})/(?P<name>{_NAME})/(?P<version>{_VERSION})\.toml", Place.VERSION),
        (rf"(?P<folder>{_FOLDERS})/(?P<name>{_NAME})/(?P<version>{_VERSION})/(?P<file>.+)", Place.PART),
        (rf"verdicts/(?P<release>{_RELEASE})/(?P<id>{_ULID})\.toml", Place.VERDICT),
        (rf"releases/(?P<id>{_RELEASE})\.toml", Place.RELEASE),
        (rf"environments/(?P<name>{_NAME})\.toml", Place.ENVIRONMENT),
        (rf"retention/(?P<name>{_NAME})/(?P<version>{_VERSION})\.toml", Place.KEEPING),
        (rf"drift/(?P<name>{_NAME})/(?P<version>{_VERSION})/(?P<id>{_ULID})\.toml", Place.DRIFT_BASELINE),
        (
            rf"drift/(?P<name>{_NAME})/(?P<version>{_VERSION})/incidents/(?P<id>{_ULID})\.toml",
            Place.DRIFT_INCIDENT,
        ),
        (rf"approvals/(?P<name>{_NAME})/(?P<release>{_RELEASE})/(?P<id>{_ULID})\.toml", Place.APPROVAL),
        (rf"drills/(?P<name>{_NAME})/(?P<id>{_ULID})\.toml", Place.DRILL),
        (r"lockgate\.toml", Place.POLICY),
        (r"allowed_signers", Place.SIGNERS),
    )
)
_ESCAPES = re.compile(r"\.{1,2}(?:$|[/\\])|\.git$|[^\x00]*[/\\]", re.IGNORECASE)
"""Names that a checkout would write elsewhere, or into its own repository."""


@dataclass(frozen=True, slots=True)
class File:
    """One file of the tree."""

    path: str
    blob: pygit2.Oid
    place: Place
    parts: dict[str, str]
    """What its path says: id, name, version, folder, file, release, record."""

    @property
    def kind(self) -> Kind:
        """Of a version's file."""
        return _KINDS[self.parts["folder"]]

    @property
    def model(self) -> Pin:
        """The version that a baseline or an incident is of."""
        return Pin(Component(Kind.MODEL, self.parts["name"]), self.parts["version"])


def files(repo: pygit2.Repository, commit: pygit2.Commit, odd: list[str]) -> list[File]:
    """The files of `commit` that have a place; a sentence goes into `odd` for each thing that has none.

    At the top, names that begin with a dot are other people's (a CI's configuration) and left alone.
    Raises MachineryError for a damaged folder.
    """
    found: list[File] = []
    told: set[str] = set()
    for path, entry in _walk(repo, commit.tree_id, "", _DEEPEST):
        if entry is None:
            odd.append(f"{one_line(path)} is nested too deeply for a store; remove it.")
        elif entry.filemode != FILE:
            odd.append(
                f"{one_line(path)} is not a plain file (mode {entry.filemode:o}); replace it by a plain one."
            )
        elif match := _placed(path):
            found.append(File(path, entry.id, *match))
        elif (part := _odd_part(path)) not in told:
            told.add(part)
            odd.append(_sentence(part, is_folder=part != path))
    return found


def _walk(
    repo: pygit2.Repository, folder: pygit2.Oid, prefix: str, depth: int
) -> Iterator[tuple[str, pygit2.Object | None]]:
    for entry in objects.subtree(repo, folder, prefix or "the root folder"):
        path = f"{prefix}{entry.name}"
        if not prefix and path.startswith(".") and not _ESCAPES.match(path):
            continue
        if entry.filemode != FOLDER:
            yield path, entry
        elif depth:
            yield from _walk(repo, entry.id, f"{path}/", depth - 1)
        else:
            yield path, None


def _placed(path: str) -> tuple[Place, dict[str, str]] | None:
    for pattern, place in _PLACES:
        if match := pattern.fullmatch(path):
            return place, match.groupdict()
    return None


def _odd_part(path: str) -> str:
    """The shortest beginning of `path` that does not belong into a store: a folder is told once."""
    top, *rest = path.split("/")
    if top not in (*_KINDS, *_TOPS):
        return top
    if top in _KINDS and len(rest) > 1:
        if not re.fullmatch(_NAME, rest[0]):
            return f"{top}/{rest[0]}"
        if not re.fullmatch(_VERSION, rest[1].removesuffix(".toml")):
            return f"{top}/{rest[0]}/{rest[1]}"
    return path


def _sentence(part: str, *, is_folder: bool) -> str:
    top, *rest = part.split("/")
    if is_folder and top in _KINDS and len(rest) == 1:
        try:
            check_name(rest[0], f"the folder {one_line(part)}: the name")
        except InputError as error:
            return error.message
    return f"{one_line(part)} does not belong into a store, and nothing reads it; remove or rename it."
