"""Components, their versions, and how both are written: `prompt/support@v3`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from store.errors import InputError
from store.text import one_line

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_VERSION = re.compile(r"v[1-9][0-9]{0,8}")


class Kind(StrEnum):
    """The six things that change an LLM application, in the order in which they are shown."""

    APP = "app"
    PROMPT = "prompt"
    MODEL = "model"
    INDEX = "index"
    GUARDRAIL = "guardrail"
    EVALS = "evals"

    @property
    def folder(self) -> str:
        """The top-level folder of the store that holds this kind."""
        return "evals" if self is Kind.EVALS else "indexes" if self is Kind.INDEX else f"{self.value}s"

    @property
    def is_folder(self) -> bool:
        """True where a version is a folder of files, False where it is one TOML file."""
        return self in (Kind.PROMPT, Kind.EVALS)


def check_name(name: str, what: str = "name") -> str:
    """`name` if it may name a component or an environment. Raises InputError otherwise."""
    if not _NAME.fullmatch(name):
        raise InputError(
            f"{what} {one_line(name, 60)!r} is not allowed: use 1 to 64 of a-z, 0-9, '.', '_', '-', "
            "beginning with a letter or digit."
        )
    return name


@dataclass(frozen=True, slots=True, order=True)
class Component:
    """One versioned part of the application: `kind/name`."""

    kind: Kind
    name: str

    def __str__(self) -> str:
        return f"{self.kind.value}/{self.name}"

    @classmethod
    def parse(cls, text: str) -> Component:
        """Reads `kind/name`. Raises InputError."""
        kind, slash, name = text.partition("/")
        if not slash or kind not in [k.value for k in Kind]:
            raise InputError(
                f"{one_line(text, 80)!r} is not a component: write kind/name with kind one of "
                f"{', '.join(k.value for k in Kind)}."
            )
        return cls(Kind(kind), check_name(name, f"{kind} name"))

    @property
    def folder(self) -> str:
        """Where the store keeps its versions."""
        return f"{self.kind.folder}/{self.name}"


@dataclass(frozen=True, slots=True, order=True)
class Pin:
    """One version of one component: `kind/name@vN`."""

    component: Component
    version: str

    def __str__(self) -> str:
        return f"{self.component}@{self.version}"

    @classmethod
    def parse(cls, text: str) -> Pin:
        """Reads `kind/name@vN` (or `kind/name=vN`). Raises InputError."""
        component, sep, version = text.replace("=", "@", 1).partition("@")
        if not sep or not _VERSION.fullmatch(version):
            raise InputError(f"{one_line(text, 80)!r} names no version: write kind/name@vN.")
        return cls(Component.parse(component), version)

    @property
    def path(self) -> str:
        """The path in the store: a folder for prompts and evals, a TOML file for the rest."""
        base = f"{self.component.folder}/{self.version}"
        return base if self.component.kind.is_folder else f"{base}.toml"

    @property
    def number(self) -> int:
        """7 for v7."""
        return int(self.version[1:])
