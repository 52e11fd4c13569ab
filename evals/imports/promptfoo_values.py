"""Values of promptfoo configurations: `{{variables}}` filled in, and files beside the configuration."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from store.errors import InputError
from store.text import one_line

_VARIABLE = re.compile(r"\{\{-?\s*([A-Za-z_][A-Za-z0-9_]*)\s*-?\}\}")
_TEMPLATE = re.compile(r"\{\{|\{%|\{#")
_FILE = "file://"
_TEXTS = (".txt", ".md")
_MOST = 1024 * 1024


class NotKept(Exception):
    """A value that means something only to promptfoo; the words say what."""


def filled(text: str, variables: Mapping[str, Any]) -> str:
    """`text` with its variables in place. Raises NotKept for anything but plain `{{name}}`."""

    def value(found: re.Match[str]) -> str:
        if found[1] not in variables:
            raise NotKept(f"it uses the variable {found[1]}, which the test does not give")
        return str(variables[found[1]])

    done = _VARIABLE.sub(value, text)
    if _TEMPLATE.search(_VARIABLE.sub("", text)):
        raise NotKept("it is a template with more than plain variables")
    return done


def is_file(value: object) -> bool:
    """Whether promptfoo would read a file there."""
    return isinstance(value, str) and value.startswith(_FILE)


def beside(folder: Path, name: str) -> Path:
    """The file that `name` names, within `folder`. Raises NotKept for others."""
    path = folder / name.removeprefix(_FILE)
    try:
        whole = path.resolve()
        if not whole.is_relative_to(folder.resolve()):
            raise NotKept(f"{one_line(name, 80)} is outside the folder")
        if not whole.is_file():
            raise NotKept(f"{one_line(name, 80)} is not there")
    except (OSError, ValueError):
        raise NotKept(f"{one_line(name, 80)} cannot be read") from None
    return path


def text_of(folder: Path, name: str) -> str:
    """The text file that `name` names. Raises NotKept where it is no plain text."""
    if not name.endswith(_TEXTS):
        raise NotKept(f"it reads {one_line(name, 80)}")
    path = beside(folder, name)
    if path.stat().st_size > _MOST:
        raise NotKept(f"{one_line(name, 80)} is too large")
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, ValueError):
        raise NotKept(f"{one_line(name, 80)} is no text") from None


def read_bytes(path: Path, limit: int) -> bytes:
    """The bytes of a file. Raises InputError when it is too large or unreadable."""
    try:
        if path.stat().st_size > limit:
            raise InputError(f"{path.name} has more than {limit // 1024 // 1024} MiB; split it.")
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{one_line(str(path), 120)} cannot be read: {one_line(str(error), 100)}.") from None
