"""One component version in full, as the live document carries it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from console.operations.index.server import server_at, stand
from console.operations.index.server_named import server_named
from console.operations.ready import opened
from prompts.prompt import parse_prompt
from store.errors import InputError, LockgateError
from store.live import AppPart, EvalsPart, Example, GuardrailPart, IndexPart, ModelPart, Part, PromptPart
from store.records.component import Kind, Pin
from store.snapshot import Snapshot
from store.workspace import Workspace

if TYPE_CHECKING:
    from indexes.chroma_server import ChromaServer


Excuse = Callable[[Pin, IndexPart, LockgateError], bool]
"""Whether an index version is named although its server could not be asked; told why it could not."""


def no_excuse(_pin: Pin, _part: IndexPart, _error: LockgateError) -> bool:
    """An Excuse that takes none."""
    return False


def served(
    workspace: Workspace, snapshot: Snapshot, pin: Pin, digest: str, excuse: Excuse = no_excuse
) -> Part:
    """`pin` as a part of the live document; opens its index copy if it is one, or sees that its collection
    stands.

    Raises InputError when its stored files are not what the release bound, MachineryError when an
    index cannot be opened, or stands on a server that is away and `excuse` does not take that.
    """
    if snapshot.digest(pin) != digest:
        raise InputError(
            f"{pin} was changed after it was released (its digest differs); versions never change: "
            "restore it from history."
        )
    match pin.component.kind:
        case Kind.PROMPT:
            return _prompt(snapshot, pin, digest)
        case Kind.MODEL:
            return _model(snapshot, pin, digest)
        case Kind.INDEX:
            return _index(workspace, snapshot, pin, digest, excuse)
        case Kind.GUARDRAIL:
            return _guardrail(snapshot, pin, digest)
        case Kind.EVALS:
            return EvalsPart(version=pin.version, digest=digest)
        case Kind.APP:
            app = snapshot.app(pin)
            return AppPart(
                version=pin.version, digest=digest, revision=app.revision, repository=app.repository
            )


def _prompt(snapshot: Snapshot, pin: Pin, digest: str) -> PromptPart:
    prompt = parse_prompt(snapshot.files(pin), str(pin))
    return PromptPart(
        version=pin.version,
        digest=digest,
        system=prompt.system,
        few_shot=tuple(Example(user=one.user, assistant=one.assistant) for one in prompt.few_shot),
        variables=prompt.info.variables,
    )


def _model(snapshot: Snapshot, pin: Pin, digest: str) -> ModelPart:
    model = snapshot.model(pin)
    return ModelPart(
        version=pin.version,
        digest=digest,
        provider=model.provider,
        id=model.id,
        base_url=model.base_url,
        parameters=model.parameters,
    )


def _index(workspace: Workspace, snapshot: Snapshot, pin: Pin, digest: str, excuse: Excuse) -> IndexPart:
    from indexes.collection import collection_name

    server = server_named(workspace)
    if server is not None:
        return _on_server(workspace, snapshot, pin, digest, server, excuse)
    manifest = snapshot.index(pin)
    return IndexPart(
        version=pin.version,
        digest=digest,
        content_digest=manifest.digest,
        path=str(opened(workspace, snapshot, pin)),
        collection=collection_name(pin.component.name),
        embedder=manifest.embedder,
        passages=manifest.passages,
    )


def _on_server(
    workspace: Workspace, snapshot: Snapshot, pin: Pin, digest: str, server: ChromaServer, excuse: Excuse
) -> IndexPart:
    from indexes.chroma_server import ServerAway
    from indexes.server_marks import server_name

    manifest = snapshot.index(pin)
    part = IndexPart(
        version=pin.version,
        digest=digest,
        content_digest=manifest.digest,
        path="",
        server=str(server),
        collection=server_name(pin.component.name, pin.version),
        embedder=manifest.embedder,
        passages=manifest.passages,
    )
    try:
        stand(workspace, snapshot, pin, server_at(workspace, str(server)))
    except (ServerAway, InputError) as error:
        if not excuse(pin, part, error):
            raise
    return part


def _guardrail(snapshot: Snapshot, pin: Pin, digest: str) -> GuardrailPart:
    guardrail = snapshot.guardrail(pin)
    return GuardrailPart(
        version=pin.version,
        digest=digest,
        input=guardrail.input,
        output=guardrail.output,
        refusal=guardrail.refusal,
    )
