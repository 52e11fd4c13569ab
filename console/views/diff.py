"""What differs between two versions, in lines: words for prompts, fields, documents or lines for the rest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from console.operations import differ
from console.views.line import BLANK, HANG, Line, Part, Tone, line, muted
from console.views.words import counted
from prompts.compare import Line as Compared
from prompts.compare import compare, compare_text
from prompts.prompt import Prompt, parse_prompt
from store.errors import Cancelled, LockgateError
from store.progress import Report, Stop, never, silent
from store.records.component import Kind, Pin
from store.snapshot import Snapshot
from store.workspace import Workspace

_CONTEXT = 2
_DOCUMENTS = 200
_SIGN: dict[str, tuple[str, Tone]] = {
    "insert": ("+ ", "added"),
    "delete": ("− ", "removed"),
    "equal": ("  ", "muted"),
}
_CHANGES: dict[str, tuple[str, Tone]] = {
    "added": ("+", "added"),
    "removed": ("−", "removed"),
    "changed": ("~", "accent"),
}
"""By what happened to a document or passage: its sign and tone."""


def diff_lines(
    workspace: Workspace,
    snapshot: Snapshot,
    older: Pin | None,
    newer: Pin | None,
    base: str = "the base",
    *,
    report: Report = silent,
    stop: Stop = never,
) -> tuple[Line, ...]:
    """The difference from `older` to `newer`; None stands for "not there". May read index files.

    `base` is what `older` is called where it is not there; empty where that says nothing. Raises Cancelled
    when `stop` says so.
    """
    if older == newer:
        return (line(muted("nothing differs")),)
    pin = newer or older
    if pin is None:
        return ()
    if older is None or newer is None:
        word = f"not in {base}" if older is None else "taken out"
        head = (line(Part(f"{pin} is {word}", "accent")), BLANK) if base else ()
        return (*head, *_whole(snapshot, pin))
    if pin.component.kind is Kind.INDEX:
        return _index(workspace, snapshot, older, newer, report, stop)
    if pin.component.kind is Kind.PROMPT:
        return tuple(_prompt(snapshot, older, newer))
    if pin.component.kind is Kind.MODEL:
        return tuple(_fields(_record(snapshot, older), _record(snapshot, newer)))
    return tuple(_files(snapshot.files(older), snapshot.files(newer)))


def _whole(snapshot: Snapshot, pin: Pin) -> Iterator[Line]:
    for name, data in snapshot.files(pin).items():
        if name != "version.toml":
            yield line(Part(name, "strong"))
        for text in data[:20_000].decode(errors="replace").splitlines():
            yield line(text)
        yield BLANK


# -- prompts ------------------------------------------------------------------------------------


def _prompt(snapshot: Snapshot, older: Pin, newer: Pin) -> Iterator[Line]:
    try:
        parts = compare(_loaded(snapshot, older), _loaded(snapshot, newer))
    except LockgateError:
        yield from _files(snapshot.files(older), snapshot.files(newer))
        return
    for part in parts:
        yield line(Part(part.name, "strong"))
        yield from compared_lines(part.lines)
        yield BLANK
    if not parts:
        yield line(muted("only the description differs"))


def _loaded(snapshot: Snapshot, pin: Pin) -> Prompt:
    return parse_prompt(snapshot.files(pin), str(pin))


def compared_lines(lines: tuple[Compared, ...]) -> Iterator[Line]:
    """Changed lines with a little around them; longer equal stretches are folded."""
    near = {
        other
        for index, one in enumerate(lines)
        if one.op != "equal"
        for other in range(index - _CONTEXT, index + _CONTEXT + 1)
    }
    folded = 0
    for index, one in enumerate(lines):
        if index not in near:
            folded += 1
            continue
        if folded:
            yield line(muted(f"  ⋯ {counted(folded, 'equal line')}"))
            folded = 0
        yield _compared_line(one)
    if folded:
        yield line(muted(f"  ⋯ {counted(folded, 'equal line')}"))


def _compared_line(one: Compared) -> Line:
    sign, tone = _SIGN[one.op]
    if one.op == "equal":
        return line(muted(sign), HANG, muted(one.text))
    parts: list[Part] = [Part(sign, tone), HANG]
    whole = len(one.segments) == 1
    for segment in one.segments:
        if segment.op == "equal":
            parts.append(Part(segment.text))
        else:
            brackets = ("", "") if whole else ("[", "]") if segment.op == "delete" else ("{", "}")
            parts.append(Part(f"{brackets[0]}{segment.text}{brackets[1]}", tone))
    return tuple(parts)


# -- files, fields, documents ---------------------------------------------------------------------


def _files(old: Mapping[str, bytes], new: Mapping[str, bytes]) -> Iterator[Line]:
    for name in sorted(set(old) | set(new)):
        before, after = old.get(name, b""), new.get(name, b"")
        if before == after:
            continue
        if len(set(old) | set(new)) > 1:
            yield line(Part(name, "strong"))
        yield from compared_lines(
            compare_text(before.decode(errors="replace"), after.decode(errors="replace"))
        )
        yield BLANK


def _record(snapshot: Snapshot, pin: Pin) -> dict[str, Any]:
    return snapshot.version(pin).model_dump(mode="json")


def _fields(old: Mapping[str, Any], new: Mapping[str, Any], prefix: str = "") -> Iterator[Line]:
    for key in sorted(set(old) | set(new)):
        was, now = old.get(key), new.get(key)
        if isinstance(was, dict) and isinstance(now, dict):
            yield from _fields(was, now, f"{prefix}{key}.")
        elif was == now:
            if was not in (None, "", [], {}):
                yield line(muted(f"  {prefix + key:<22} "), HANG, muted(str(was)))
        else:
            yield line(
                Part(f"~ {prefix + key:<22} ", "accent"),
                HANG,
                Part(_value(was), "removed"),
                muted(" → "),
                Part(_value(now), "added"),
            )


def _value(value: Any) -> str:
    return "not set" if value in (None, "") else str(value)


def _index(
    workspace: Workspace, snapshot: Snapshot, older: Pin, newer: Pin, report: Report, stop: Stop
) -> tuple[Line, ...]:
    before, after = snapshot.index(older), snapshot.index(newer)
    head = (
        line(f"documents  {before.documents:,} → {after.documents:,}"),
        line(f"passages   {before.passages:,} → {after.passages:,}"),
        *(
            (line(Part(f"embedder   {before.embedder.name} → {after.embedder.name}", "accent")),)
            if before.embedder != after.embedder
            else ()
        ),
        BLANK,
    )
    try:
        found = differ.diff(workspace, str(older), str(newer), report=report, stop=stop).data
    except Cancelled:
        raise
    except LockgateError as error:
        return (*head, line(Part("! ", "warn"), error.message))
    return (*head, *_documents(found["sources"]))


def _documents(sources: Sequence[Mapping[str, Any]]) -> Iterator[Line]:
    for key, (sign, tone) in _CHANGES.items():
        documents = [one for one in sources if one["change"] == key]
        yield line(Part(f"{counted(len(documents), 'document')} {key}", "strong" if documents else "muted"))
        for one in documents[:_DOCUMENTS]:
            yield line(Part(f"  {sign} ", tone), HANG, str(one["source"]), muted(_passages(one)))
        if len(documents) > _DOCUMENTS:
            yield line(muted(f"  {sign} and {len(documents) - _DOCUMENTS:,} more"))


def _passages(one: Mapping[str, Any]) -> str:
    counts = (f"{_CHANGES[key][0]}{len(one[key]):,}" for key in _CHANGES if one[key])
    return f"  passages {' '.join(counts)}"
