"""settings.toml: what this machine alone decides. Never in git, so a store cannot point it elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from store.bounded import read_toml
from store.errors import MachineryError
from store.records.base import Person, Strict
from store.text import one_line


class Settings(Strict):
    """The whole of settings.toml; every field may be left out."""

    format: Literal["lockgate.settings/1"] = "lockgate.settings/1"
    author: Person | None = None
    """Who you are in records; without it, git's user.name and user.email."""
    allowed_hosts: tuple[str, ...] = ("api.openai.com",)
    """Hosts that models and embedders may be called on; loopback always may."""
    keys: dict[str, str] = Field(default={"api.openai.com": "OPENAI_API_KEY"}, max_length=100)
    """By host: the environment variable that holds its key."""
    allowed_callables: tuple[str, ...] = ()
    """`module` or `module:function`: what eval suites with a Python target may import here."""
    embedder: str = "minilm"
    """What `lockgate add index` uses where nothing else is said."""
    concurrency: int = Field(default=4, ge=1, le=256)
    """Model calls at once in evals."""


def load_settings(path: Path) -> Settings:
    """The settings at `path`; the defaults where there is no file. Raises InputError naming the field."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return Settings()
    except OSError as error:
        raise MachineryError(f"{path} cannot be read: {one_line(str(error))}.") from None
    return read_toml(Settings, data, path.name)


SETTINGS_TEMPLATE = b"""\
# This machine's own settings. Nothing here is in git.
format = "lockgate.settings/1"

# Hosts that models and embedders may be called on. Loopback always may.
allowed_hosts = ["api.openai.com"]

# The embedder of `lockgate add index` where none is named: minilm, chroma-default, openai:<model>, lexical.
embedder = "minilm"

# Model calls at once in evals.
concurrency = 4

# Which environment variable holds the key for a host. Keys themselves are never written down.
[keys]
"api.openai.com" = "OPENAI_API_KEY"
"""
