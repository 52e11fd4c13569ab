"""lockgate diff of two index versions: documents by source with ids, and what both find for questions."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from console.operations import differ
from console.operations.add import evals, index
from console.operations.apply import apply
from console.operations.index import questions as asking
from console.operations.index.questions import questions_in_file, questions_of_suite
from console.operations.index.retrieval import compare_retrieval
from evals.retrieval_change import Question
from indexes.embedders.lexical import Lexical
from store.errors import Cancelled, InputError, MachineryError
from store.progress import Progress
from store.records.component import Pin
from store.records.versions import EmbedderIdentity
from store.workspace import Workspace
from tests.commands.conftest import Lockgate
from tests.console.probing import HereProber
from tests.support.workspaces import made

V1, V2 = "index/pages@v1", "index/pages@v2"
PAGES = {
    "refunds.md": "# Refunds\n\nA refund takes thirty days.\n",
    "shipping.md": "# Shipping\n\nA parcel takes two days.\n",
    "old.md": "# Fax\n\nSend a fax to the desk.\n",
}
CASES: tuple[tuple[str, str, list[str]], ...] = (
    ("refund", "How long does a refund take?", ["refunds.md"]),
    ("fax", "Where do I send a fax?", ["old.md"]),
    ("gift", "Do you wrap a gift?", []),
)


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("indexes.opened.Prober", HereProber)
    monkeypatch.setenv("LOCKGATE_AUTHOR", "ana <ana@example.org>")


def add_pages(workspace: Workspace, folder: Path, pages: dict[str, str], embedder: str = "lexical") -> None:
    folder.mkdir()
    for name, text in pages.items():
        (folder / name).write_text(text)
    apply(workspace, index.build(workspace, "pages", folder, embedder=embedder), "because")


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """Two versions of an index, and a suite that knows what answers two of its three questions."""
    workspace = made(tmp_path / "acme")
    add_pages(workspace, tmp_path / "one", PAGES)
    newer = {
        **PAGES,
        "shipping.md": "# Shipping\n\nA parcel takes one day.\n",
        "gifts.md": "# Gifts\n\nWe wrap a gift.\n",
    }
    del newer["old.md"]
    add_pages(workspace, tmp_path / "two", newer)
    suite = tmp_path / "suite"
    suite.mkdir()
    (suite / "suite.toml").write_text('[[categories]]\nname = "all"\n')
    expect = [{"grader": "contains", "any": ["days"]}]
    (suite / "cases.jsonl").write_text(
        "".join(
            json.dumps({"id": id, "input": text, "expect": expect, "category": "all", "context_ids": wanted})
            + "\n"
            for id, text, wanted in CASES
        )
    )
    apply(workspace, evals.plan(workspace, "support", suite), "because")
    return workspace


def run(workspace: Workspace, lockgate: Lockgate, *more: str) -> Any:
    return lockgate("-C", workspace.root, "diff", V1, V2, *more)


def test_documents_are_told_by_source_with_counts_and_ids(workspace: Workspace, lockgate: Lockgate) -> None:
    told = run(workspace, lockgate).out.splitlines()
    assert told[0].endswith("1 document added, 1 removed, 1 changed (2 passages added, 2 removed, 1 kept)")
    heads = [line for line in told if line.startswith("  ") and not line.startswith("   ")]
    assert heads == [
        "  + gifts.md  1 passage added",
        "  − old.md  1 passage removed",
        "  ~ shipping.md  1 passage added, 1 removed",
    ]
    assert sum(line.startswith("      ") for line in told) == 4, "the ids below each"
    data = run(workspace, lockgate, "--json").data
    assert data["documents"] == {"added": ["gifts.md"], "removed": ["old.md"], "changed": ["shipping.md"]}
    ids = [id for one in data["sources"] for id in one["added"] + one["removed"]]
    assert len(ids) == 4 and all(any(id in line for line in told) for id in ids)
    rows = list(csv.DictReader(run(workspace, lockgate, "--format", "csv").out.splitlines()))
    assert [row["id"] for row in rows] == ids
    assert {(row["source"], row["document"], row["passage"]) for row in rows} == {
        ("gifts.md", "added", "added"),
        ("old.md", "removed", "removed"),
        ("shipping.md", "changed", "added"),
        ("shipping.md", "changed", "removed"),
    }


def test_a_suite_tells_overlap_first_passages_and_recall(workspace: Workspace, lockgate: Lockgate) -> None:
    data = run(workspace, lockgate, "--suite", "evals/support", "-k", "1", "--json").data["retrieval"]
    assert (data["k"], data["count"], data["judged"]) == (1, 3, 2)
    assert (data["recall_before"], data["recall_after"]) == (1.0, 0.5)
    worst = data["questions"][0]
    assert (worst["id"], worst["recall_before"], worst["recall_after"]) == ("fax", 1.0, 0.0)
    assert worst["top_changed"] and worst["before"][0]["source"] == "old.md"
    assert set(data["top_changed"]) == {"fax", "gift"} and data["overlap"] == pytest.approx(1 / 3)
    same = data["questions"][-1]
    assert (same["id"], same["overlap"], same["ranked_overlap"]) == ("refund", 1.0, pytest.approx(1.0))
    told = run(workspace, lockgate, "--suite", "evals/support@v1", "-k", "1").out
    assert (
        "same first passage   1 of 3" in told and "recall@1             1.00 → 0.50 over 2 questions" in told
    )
    assert told.index("Where do I send a fax?") < told.index("Do you wrap a gift?")
    assert "How long does a refund take?" not in told, "the same answer is not listed"


def test_a_file_of_queries_and_its_export(workspace: Workspace, lockgate: Lockgate, tmp_path: Path) -> None:
    lines = tmp_path / "queries.txt"
    lines.write_text("\ufeffDo you wrap a gift?\n\n=HYPERLINK(1) refund\n")
    rows = list(
        csv.DictReader(run(workspace, lockgate, "--queries", str(lines), "--format", "csv").out.splitlines())
    )
    assert [row["id"] for row in rows] == ["1", "3"] and rows[0]["recall_before"] == ""
    assert rows[1]["question"] == "'=HYPERLINK(1) refund", "no spreadsheet runs it"
    objects = tmp_path / "queries.jsonl"
    objects.write_text('{"query": "a fax", "id": "f", "context_ids": ["old.md"]}\n{"query": "a refund"}\n')
    data = run(workspace, lockgate, "--queries", str(objects), "--json").data["retrieval"]
    assert [one["id"] for one in data["questions"]] == ["f", "2"] and data["judged"] == 1
    exported = run(workspace, lockgate, "--queries", str(objects), "--format", "jsonl").out.splitlines()
    assert [json.loads(line)["id"] for line in exported] == ["f", "2"]


def test_equal_versions_find_the_same(workspace: Workspace, lockgate: Lockgate) -> None:
    told = lockgate("-C", workspace.root, "diff", V1, V1, "--suite", "evals/support").out
    assert "same first passage   3 of 3" in told and "Both find the same passages in the same order." in told


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("q.txt", b"\n \n", "q.txt holds no question"),
        ("q.txt", b"caf\xe9\n", "is not UTF-8 text"),
        ("q.txt", b"x" * 20_001, "line 1 has over 20,000 characters"),
        ("q.jsonl", b"{}\n", "q.jsonl, line 1: query"),
        ("q.jsonl", b'{"query": "a"}\n{"query": " "}\n', "q.jsonl, line 2: query"),
        ("q.jsonl", b'{"query": "a", "query": "b"}\n', "is given twice"),
        ("q.jsonl", b'{"query": "a", "k": 3}\n', "q.jsonl, line 1"),
        ("q.jsonl", b"what?\n", "is not valid JSON"),
    ],
    ids=("empty", "latin-1", "long", "nothing-asked", "blank", "twice", "unknown", "no-json"),
)
def test_bad_files_are_refused_in_one_sentence(
    workspace: Workspace, lockgate: Lockgate, tmp_path: Path, name: str, data: bytes, words: str
) -> None:
    (tmp_path / name).write_bytes(data)
    told = run(workspace, lockgate, "--queries", str(tmp_path / name))
    assert told.code == 2 and words in told.err and told.err.count("\n") == 1


def test_what_cannot_be_compared_says_so(workspace: Workspace, lockgate: Lockgate, tmp_path: Path) -> None:
    (tmp_path / "q.txt").write_text("a\n")
    queries, here = ("--queries", str(tmp_path / "q.txt")), ("-C", str(workspace.root), "diff")
    for words, *arguments in (
        ("not both", V1, V2, *queries, "--suite", "evals/support"),
        ("two index versions", "staging", "production", *queries),
        ("is no index", "evals/support@v1", "evals/support@v1", *queries),
        ("is no eval suite", V1, V2, "--suite", V1),
        ("two versions of one index", "evals/support@v1", "evals/support@v1", "--format", "csv"),
    ):
        told = lockgate(*here, *arguments)
        assert told.code == 2 and words in told.err and told.err.count("\n") == 1, arguments


def test_too_many_questions_are_refused(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "MOST", 2)
    (tmp_path / "q.txt").write_text("a\nb\nc\n")
    with pytest.raises(InputError, match="3 questions; at most 2"):
        questions_in_file(tmp_path / "q.txt")
    with pytest.raises(InputError, match="3 questions; at most 2"):
        questions_of_suite(workspace.store.at(), "evals/support")
    with pytest.raises(InputError, match="over 100,000 passages"):
        asked = [Question("q", "a")] * 2_001
        compare_retrieval(workspace, workspace.store.at(), Pin.parse(V1), Pin.parse(V2), asked, 50)
    with pytest.raises(MachineryError, match="cannot be read"):
        questions_in_file(tmp_path / "missing.txt")


class Shorter:
    """Another embedder: the lexical one, cut to half its length."""

    def __init__(self, asked: list[str]) -> None:
        self._asked = asked
        self._inner = Lexical()

    @property
    def identity(self) -> EmbedderIdentity:
        whole = self._inner.identity
        return EmbedderIdentity(name="chroma-default", dimension=whole.dimension // 2)

    def embed(self, texts: Any) -> Any:
        import numpy

        self._asked += texts
        half = self._inner.embed(texts)[:, : self.identity.dimension] + 1e-3
        return (half / numpy.linalg.norm(half, axis=1, keepdims=True)).astype(numpy.float32)


class Noting(Lexical):
    """The lexical embedder, noting what it is asked."""

    def __init__(self, asked: list[str]) -> None:
        super().__init__()
        self._noted = asked

    def embed(self, texts: Any) -> Any:
        self._noted += texts
        return super().embed(texts)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, list[str]]]:
    """What each embedder is asked, by its name."""
    noted: dict[str, list[str]] = {"lexical": [], "chroma-default": []}
    made = {"lexical": Noting, "chroma-default": Shorter}

    def find(_: Workspace, name: str) -> Any:
        return made[name](noted[name])

    for module in ("index.retrieval", "add.index"):
        monkeypatch.setattr(f"console.operations.{module}.find_embedder", find)
    yield noted


def test_each_side_is_asked_through_its_own_embedder(
    workspace: Workspace, tmp_path: Path, asked: dict[str, list[str]]
) -> None:
    add_pages(workspace, tmp_path / "three", PAGES, "chroma-default")
    for names in asked.values():
        names.clear()
    snapshot, questions = (
        workspace.store.at(),
        [Question("q", "How long does a refund take?", ("refunds.md",))],
    )
    v1, v2, v3 = (Pin.parse(f"index/pages@v{number}") for number in (1, 2, 3))
    change = compare_retrieval(workspace, snapshot, v1, v3, questions, 3)
    assert asked == {"lexical": [questions[0].text], "chroma-default": [questions[0].text]}
    assert change.questions[0].overlap == 1.0 and change.recall_after == 1.0
    compare_retrieval(workspace, snapshot, v1, v2, questions, 3)
    assert asked["lexical"] == [questions[0].text] * 2, "one embedder of both is asked once"


def test_a_comparison_can_be_stopped(workspace: Workspace) -> None:
    snapshot, pins = workspace.store.at(), (Pin.parse(V1), Pin.parse(V2))
    seen: list[Progress] = []
    asked = [Question(str(number), f"question {number}") for number in range(100)]
    for stage, done, words in (("copying", 1, "The verification"), ("asking both", 32, "The comparison")):
        with pytest.raises(Cancelled, match=f"{words} was cancelled; nothing was changed"):
            compare_retrieval(
                workspace, snapshot, *pins, asked, 3, report=seen.append,
                stop=lambda: bool(seen) and seen[-1].stage == stage and seen[-1].done >= done,  # noqa: B023
            )  # fmt: skip
    assert (seen[-1].done, seen[-1].total) == (32, 100)
    with pytest.raises(Cancelled):
        differ.diff(workspace, V1, V2, stop=lambda: True)


def test_a_version_that_is_not_here_says_so(workspace: Workspace, lockgate: Lockgate) -> None:
    for sealed in (workspace.indexes / "pages" / "sealed").iterdir():
        sealed.rename(sealed.with_name(f"away-{sealed.name}"))
    told = run(workspace, lockgate, "--suite", "evals/support")
    assert told.code == 4 and "not on this machine" in told.err and told.err.count("\n") == 1
