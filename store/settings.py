"""settings.toml: what this machine alone decides. Never in git, so a store cannot point it elsewhere."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal, Self, get_args

from pydantic import AfterValidator, Field, StringConstraints, field_validator, model_validator

from store.bounded import read_toml
from store.errors import MachineryError
from store.git.remote_url import trouble
from store.records.base import Name, Person, Strict
from store.records.host import HostName
from store.records.operation import OperationKind
from store.text import one_line

_SERVER = re.compile(
    r"chroma\+https?://([A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:]{2,45}\])(:[0-9]{1,5})?/?"
    r"(\?(tenant|database)=[A-Za-z0-9._-]{1,200}(&(tenant|database)=[A-Za-z0-9._-]{1,200})?)?"
)
EVERY_EVENT = "*"
"""In NotifyTarget.events: every kind of record."""


def _is_whole(path: str) -> str:
    if not path.startswith(("/", "~/")) or "\0" in path:
        raise ValueError("a path begins with / or ~/")
    return path


HomePath = Annotated[str, StringConstraints(max_length=4000), AfterValidator(_is_whole)]
"""An absolute path, or one below the home folder."""


class NotifyTarget(Strict):
    """Somewhere that is told of records."""

    name: Name
    kind: Literal["webhook", "command"]
    events: tuple[str, ...] = Field(min_length=1, max_length=100)
    """Kinds of record (promote, rollback, …), or `*` for all."""
    url: str | None = Field(default=None, max_length=2000, repr=False)
    """A webhook's address. Its host has to be in allowed_hosts, loopback too."""
    secret_env: str | None = Field(default=None, pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,99}$")
    """The environment variable that holds the secret a webhook is signed with."""
    argv: tuple[Annotated[str, StringConstraints(max_length=4000)], ...] = Field(default=(), max_length=100)
    """A command and its arguments, run as they stand, by no shell."""
    timeout_s: float = Field(default=10, gt=0, le=60)
    """Seconds that one delivery may take."""

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        known = (*get_args(OperationKind), EVERY_EVENT)
        for event in self.events:
            if event not in known:
                raise ValueError(f"there is no event {event!r}; events are {', '.join(known)}")
        if self.kind == "webhook" and (not self.url or self.argv):
            raise ValueError("a webhook wants a url and takes no argv")
        if self.kind == "command" and (not self.argv or not self.argv[0] or self.url or self.secret_env):
            raise ValueError("a command wants argv and takes neither url nor secret_env")
        if any("\0" in argument for argument in self.argv):
            raise ValueError("an argument holds a NUL character")
        return self


class Price(Strict):
    """What a model costs, in US dollars for a million tokens."""

    input: float = Field(default=0, ge=0, le=1_000_000)
    output: float = Field(default=0, ge=0, le=1_000_000)


class EvalBudget(Strict):
    """The most that one go of evals may use; what is not given is not limited."""

    max_usd: float | None = Field(default=None, gt=0, le=1_000_000)
    """US dollars, by `prices`."""
    max_tokens: int | None = Field(default=None, gt=0)
    """In and out together."""
    max_minutes: float | None = Field(default=None, gt=0, le=100_000)


class Settings(Strict):
    """The whole of settings.toml; every field may be left out."""

    format: Literal["lockgate.settings/1"] = "lockgate.settings/1"
    author: Person | None = None
    """Who you are in records; without it, git's user.name and user.email."""
    allowed_hosts: tuple[str, ...] = ("api.openai.com",)
    """Hosts that models and embedders may be called on; loopback always may."""
    keys: dict[str, str] = Field(default={"api.openai.com": "OPENAI_API_KEY"}, max_length=100)
    """By host: the environment variable that holds its key."""
    shadow_keys: dict[str, str] = Field(default={}, max_length=100)
    """The same for shadows, so that they do not use up what users' requests may."""
    prices: dict[str, Price] = Field(default={}, max_length=200)
    """By model id as it is pinned (`openai:<model>` for an embedder): what caps on cost count with."""
    allowed_callables: tuple[str, ...] = ()
    """`module` or `module:function`: what eval suites with a Python target may import here."""
    embedder: str = "minilm"
    """What `lockgate add index` uses where nothing else is said."""
    embedder_url: str = Field(default="https://api.openai.com/v1", max_length=2000)
    """The OpenAI-compatible address that `openai:<model>` embedders are called on."""
    concurrency: int = Field(default=4, ge=1, le=256)
    """Model calls at once in evals, on one endpoint."""
    standby: bool = True
    """Whether a controller keeps a copy of each index version open that a rollback would bring back."""
    eval_budget: EvalBudget = EvalBudget()
    """What one go of evals may use up."""
    prometheus: str | None = None
    """The address of a Prometheus server that holds what applications report."""
    notify: tuple[NotifyTarget, ...] = Field(default=(), max_length=50)
    """Who is told of records."""
    remote: str | None = Field(default=None, max_length=2000, repr=False)
    """The repository that other machines share this store through: an address or an absolute path."""
    indexes_url: str | None = Field(default=None, max_length=2000, repr=False)
    """Where machines share the bytes of index versions: file:///folder, s3://bucket/folder, …"""
    indexes_options: dict[str, str | bool | int] = Field(default={}, max_length=20)
    """What the address needs besides, such as `endpoint_url`; secrets come from the environment."""
    indexes_server: str | None = Field(default=None, max_length=2000, repr=False)
    """The Chroma server that index versions are served from: chroma+http://host:port; else copies are."""
    host: HostName | None = None
    """What this machine is called in its reports; None takes its own name."""
    signing_key: HomePath | None = None
    """The private key that commits are signed with, or a public one whose private half an agent holds."""
    allowed_signers: HomePath | None = None
    """Who may sign, in OpenSSH's format: the root of what is trusted here."""
    remote_timeout_s: float = Field(default=5, gt=0, le=300)
    """Seconds that the remote has to answer."""

    @field_validator("remote")
    @classmethod
    def _can_be_asked(cls, url: str | None) -> str | None:
        if url is not None and (why := trouble(url)) is not None:
            raise ValueError(f"this address {why}")
        return url

    @field_validator("indexes_server")
    @classmethod
    def _is_a_server(cls, url: str | None) -> str | None:
        if url is not None and not _SERVER.fullmatch(url):
            raise ValueError(
                "this is no Chroma server; write chroma+http://host:port, then maybe ?database=NAME"
            )
        return url

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        names = [target.name for target in self.notify]
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise ValueError(f"two notify targets are called {twice!r}")
        return self


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
