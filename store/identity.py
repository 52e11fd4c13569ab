"""Who is doing this, as records will say."""

from __future__ import annotations

import getpass
import os
import re
import socket

import pygit2

from store.errors import InputError
from store.records.base import Person
from store.settings import Settings

_AUTHOR = re.compile(r"\s*([^<>]{1,100}?)\s*(?:<([^<>\s]{0,200})>)?\s*")


def whoami(settings: Settings) -> Person:
    """LOCKGATE_AUTHOR ("Name <address>"), settings.toml, git's own configuration, then the login name."""
    given = os.environ.get("LOCKGATE_AUTHOR")
    if given:
        match = _AUTHOR.fullmatch(given)
        if not match:
            raise InputError("LOCKGATE_AUTHOR must look like: Ana Diaz <ana@example.org>.")
        return Person(name=match[1], email=match[2] or "")
    if settings.author:
        return settings.author
    return _from_git() or Person(name=_login(), email=f"{_login()}@{socket.gethostname()}")


def _from_git() -> Person | None:
    try:
        config = pygit2.Config.get_global_config()
        return Person(name=config["user.name"], email=config["user.email"])
    except (KeyError, OSError, pygit2.GitError):
        return None


def _login() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"
