"""The live document `lockgate.live/1`: what running applications read, one file per environment.

The model is strict and immutable. `publish` replaces the file as a whole and never steps back;
`lockgate_client` reads it, and live.schema.json beside that package is made by `json_schema`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from store.bounded import JSON_LIMIT, parse_json, validate
from store.canonical import digest_of
from store.errors import InputError, MachineryError
from store.git.durability import disk_trouble, write_atomically
from store.git.lock import held
from store.records.base import Digest, Instant, Name, Prose, ReleaseId, Strict, VersionId
from store.records.versions import EmbedderIdentity, Rules, Scalar, Variable

FORMAT: Literal["lockgate.live/1"] = "lockgate.live/1"
CHECKSUM = "checksum"
"""The key that `encode` adds: `sha256:` over the canonical JSON of everything else."""

Commit = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{40}$")]
ComponentName = Annotated[
    str,
    StringConstraints(pattern=r"^(app|prompt|model|index|guardrail|evals)/[a-z0-9][a-z0-9._-]{0,63}$"),
]
"""`kind/name`."""


class StaleDocument(MachineryError):
    """A newer generation is already published; the caller's view of the store is old."""


class Example(Strict):
    """One turn shown to the model before the user's own."""

    user: str
    assistant: str


class PromptPart(Strict):
    """A prompt version in full."""

    kind: Literal["prompt"] = "prompt"
    version: VersionId
    digest: Digest
    system: str
    """The template, with `{{name}}` where a variable goes."""
    few_shot: tuple[Example, ...] = ()
    variables: tuple[Variable, ...] = ()


class ModelPart(Strict):
    """A pinned model."""

    kind: Literal["model"] = "model"
    version: VersionId
    digest: Digest
    provider: str
    id: str
    base_url: str | None = None
    """An OpenAI-compatible endpoint; null where the provider's own or the embedded server answers."""
    parameters: dict[str, Scalar] = Field(default_factory=dict)


class IndexPart(Strict):
    """An index version and where its opened copy is: a directory here, or a collection on a Chroma server."""

    kind: Literal["index"] = "index"
    version: VersionId
    digest: Digest
    content_digest: Digest
    """Over the rows: see "Index version" in the docs."""
    path: str
    """The directory of the opened copy on this machine; empty where a server holds it."""
    server: str | None = Field(default=None, max_length=2000, exclude_if=lambda server: server is None)
    """`chroma+http://host:port` of the Chroma server that holds the collection; left out where none does."""
    collection: str
    """The collection in it."""
    embedder: EmbedderIdentity
    passages: int = Field(ge=0)
    """Rows in the collection."""


class GuardrailPart(Strict):
    """What may go in and out."""

    kind: Literal["guardrail"] = "guardrail"
    version: VersionId
    digest: Digest
    input: Rules = Rules()
    output: Rules = Rules()
    refusal: Prose
    """What the user is told instead."""


class EvalsPart(Strict):
    """The evaluation set that the release was judged on; applications need no more than its name."""

    kind: Literal["evals"] = "evals"
    version: VersionId
    digest: Digest


class AppPart(Strict):
    """The code revision that belongs to the release."""

    kind: Literal["app"] = "app"
    version: VersionId
    digest: Digest
    revision: str
    """A git commit or an image digest."""
    repository: str = ""


Part = Annotated[
    PromptPart | ModelPart | IndexPart | GuardrailPart | EvalsPart | AppPart, Field(discriminator="kind")
]
"""One component of an arm, told apart by `kind`."""


class Arm(Strict):
    """One release with every component in full."""

    release: ReleaseId
    digest: Digest
    components: dict[ComponentName, Part] = Field(min_length=1, max_length=200)

    @model_validator(mode="after")
    def _kinds_agree(self) -> Self:
        for name, part in self.components.items():
            if name.partition("/")[0] != part.kind:
                raise ValueError(f"{name} holds a component of kind {part.kind}")
        return self


class LiveDocument(Strict):
    """live/<environment>.json without its checksum."""

    format: Literal["lockgate.live/1"] = FORMAT
    environment: Name
    generation: int = Field(ge=0)
    """The environment's; a client never goes back to a lower one."""
    commit: Commit
    """The store's commit that it was rendered from."""
    rendered_at: Instant
    valid_until: Instant | None = None
    """From then on clients serve stable, so that a dead controller leaves no canary running."""
    stable: Arm
    canary: Arm | None = None
    percent: float = Field(default=0.0, ge=0, le=100)
    """Share of units that the canary gets, in percent."""
    salt: str = Field(default="", max_length=500)
    """What a unit's bucket is drawn with; kept for the whole rollout."""
    shadow_percent: float = Field(default=0.0, ge=0, le=100)
    """Share of requests that the canary answers for the log only, in percent."""
    captured_percent: float = Field(default=0.0, ge=0, le=100)
    """Share of requests that applications keep to be graded, in percent; where a canary divides the users,
    of its own and the matched control's."""

    @model_validator(mode="after")
    def _rollout_is_whole(self) -> Self:
        if self.canary is None and (self.percent or self.shadow_percent):
            raise ValueError("percent and shadow_percent are 0 where there is no canary")
        if self.canary is not None and not self.salt:
            raise ValueError("a canary needs the salt of its rollout")
        return self


def encode(document: LiveDocument) -> bytes:
    """The bytes of the file, with the checksum. Raises InputError when they are more than clients read."""
    value = document.model_dump(mode="json")
    try:
        value[CHECKSUM] = digest_of(value)
        data = (json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()
    except UnicodeEncodeError:
        raise InputError(
            f"the live document of {document.environment} holds half of a surrogate pair, "
            "which UTF-8 cannot carry; remove it from the prompt or guardrail it is in."
        ) from None
    if len(data) > JSON_LIMIT:
        raise InputError(
            f"the live document of {document.environment} has {len(data):,} bytes; clients read at most "
            f"{JSON_LIMIT:,}. Shorten its prompts."
        )
    return data


def decode(data: bytes, where: str = "the live document") -> LiveDocument:
    """The document in `data`.

    Raises InputError naming `where` for JSON that is torn, too long or has duplicate keys or NaN, for
    another format, a checksum that does not fit and a field that is missing, unknown or wrong.
    """
    value = parse_json(data, where)
    if not isinstance(value, dict) or value.get("format") != FORMAT:
        raise InputError(f"{where} is not in the format {FORMAT}; the next lockgate command writes it anew.")
    checksum = value.pop(CHECKSUM, None)
    try:
        fits = checksum == digest_of(value)
    except (ValueError, RecursionError):
        fits = False
    if not fits:
        raise InputError(f"{where}: its checksum does not fit its content: it is torn or was edited by hand.")
    return validate(LiveDocument, value, where)


def publish(path: Path, document: LiveDocument) -> bool:
    """Puts `document` at `path`, whole or not at all and on disk; True when the file changed.

    A generation below the one that is there raises StaleDocument; the same generation with the same
    content (rendered_at aside) changes nothing and returns False. A file that cannot be read as a
    document is replaced. Writers wait for each other. Raises InputError when the file belongs to
    another environment, MachineryError when it cannot be written.
    """
    data = encode(document)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with held(path.with_name(f".{path.name}.lock")):
            for leftover in path.parent.glob(f".{path.name}.*.tmp"):
                leftover.unlink(missing_ok=True)  # of a writer that was killed
            if not _supersedes(document, _there(path), path):
                return False
            write_atomically(path, data)
            return True
    except OSError as error:
        raise disk_trouble(error, path) from error


def _there(path: Path) -> LiveDocument | None:
    try:
        return decode(path.read_bytes()) if path.is_file() else None
    except InputError:
        return None


def _supersedes(document: LiveDocument, known: LiveDocument | None, path: Path) -> bool:
    if known is None:
        return True
    if known.environment != document.environment:
        raise InputError(
            f"{path} is the live document of {known.environment}, not of {document.environment}; "
            "each environment has its own."
        )
    if known.generation > document.generation:
        raise StaleDocument(
            f"{path} already serves generation {known.generation} of {document.environment}; generation "
            f"{document.generation} is older and was not written. If the store was restored from a "
            "backup, delete the file and restart its applications."
        )
    return encode(known.model_copy(update={"rendered_at": document.rendered_at})) != encode(document)
