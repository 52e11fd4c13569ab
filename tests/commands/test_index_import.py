"""`lockgate index import`: an index version from what Chroma holds already, a real server too."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from console.operations.add import index_import
from indexes.collection import opened_client
from store.errors import Cancelled, MachineryError
from store.progress import Progress
from store.workspace import Workspace
from tests.commands.conftest import Lockgate, write_material
from tests.indexes.making_chroma import chroma_directory, chroma_server, contents, fill, texts


@pytest.fixture
def root(tmp_path: Path, lockgate: Lockgate) -> Path:
    assert lockgate("init", tmp_path / "acme").code == 0
    return tmp_path / "acme"


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return chroma_directory(tmp_path_factory.mktemp("theirs") / "chroma", "docs", count=40)


def files(root: Path) -> list[str]:
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())


def test_a_directory_becomes_a_version(root: Path, theirs: Path, lockgate: Lockgate) -> None:
    before, here = contents(theirs), files(root)
    take = ("-C", root, "index", "import", "docs", "--from-chroma", theirs, "--collection", "docs")
    unnamed = lockgate(*take)
    assert unnamed.code == 2 and "name it with --embedder, one of minilm" in unnamed.err
    dry = lockgate(*take, "--embedder", "lexical", "--dry-run", "--json").data
    assert dry["index"] == {
        "documents": 3,
        "passages": 40,
        "dimension": 384,
        "space": "cosine",
        "embedder": "lexical",
    }
    assert [check["verdict"] for check in dry["checks"]] == ["ok"]
    assert files(root) == here, "a dry run leaves nothing"

    made = lockgate(*take, "--embedder", "lexical", "-m", "moved in", "--json")
    assert made.code == 0 and made.data["changes"][0]["after"] == "v1"
    assert contents(theirs) == before
    found = lockgate("-C", root, "index", "search", "docs", texts(40)[17], "-k", "1", "--json").data
    assert (found[0]["id"], found[0]["source"]) == ("row00017", "doc2.md")


@pytest.mark.heavy
def test_vectors_of_our_own_come_back_bit_for_bit(tmp_path: Path, root: Path, lockgate: Lockgate) -> None:
    pages = write_material(tmp_path / "material") / "pages"
    add = ("-C", root, "add", "index", "pages", "--from", pages, "--embedder", "lexical")
    assert lockgate(*add).code == 0
    [sealed] = (root / "indexes/pages/sealed").iterdir()
    before = contents(sealed)
    take = ("-C", root, "index", "import", "copy", "--from-chroma", sealed / "chroma")
    assert lockgate(*take).code == 0, "Lockgate wrote the embedder into the collection"
    assert [path.name for path in (root / "indexes/copy/sealed").iterdir()] == [sealed.name]
    assert contents(sealed) == before

    (pages / "news.md").write_text("# News\n\nThe shop moved.\n")
    assert lockgate(*add, "--parent", "v1").code == 0
    newest = max((root / "indexes/pages/sealed").iterdir(), key=lambda path: path.stat().st_mtime)
    grown = lockgate(*take[:-1], newest / "chroma", "--parent", "v1", "--json")
    assert grown.data["changes"][0]["what"] == "1 document added (news.md)"


@pytest.mark.heavy
def test_an_embedder_that_did_not_make_them_is_told(root: Path, tmp_path: Path, lockgate: Lockgate) -> None:
    other = chroma_directory(tmp_path / "other", "docs", count=9, scale=-1.0)
    take = ("-C", root, "index", "import", "docs", "--from-chroma", other, "--embedder")
    told = lockgate(*take, "lexical", "--dry-run")
    assert told.code == 0 and "other vectors (cosine -1.00)" in told.out
    with_three = tmp_path / "three"
    with opened_client(with_three) as client:
        client.create_collection("docs", embedding_function=None).add(
            ids=["a", "b"], documents=["one", "two"], embeddings=[[3.0, 0, 0], [0, 5.0, 0]]
        )
    wrong = lockgate(
        "-C", root, "index", "import", "docs", "--from-chroma", with_three, "--embedder", "lexical"
    )
    assert wrong.code == 2 and "have 3 numbers, those of lexical 384" in wrong.err
    assert not (root / "indexes/docs").exists()


@pytest.mark.heavy
def test_vectors_that_are_not_of_unit_length_are_told(root: Path, tmp_path: Path, lockgate: Lockgate) -> None:
    long = chroma_directory(tmp_path / "long", "docs", count=9, scale=2.5, space="l2")
    told = lockgate("-C", root, "index", "import", "docs", "--from-chroma", long, "--embedder", "lexical")
    assert told.code == 0 and "not of unit length and were compared by l2" in told.out


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("http://127.0.0.1:9", "write chroma+http://host:port, or a path"),
        ("chroma+http://chroma.example.com:8000", "is not encrypted"),
        ("chroma+https://chroma.example.com", "'chroma.example.com' is not allowed on this machine"),
        ("chroma+https://me:secret@chroma.example.com", "carries a user name or password"),
        ("chroma+http://127.0.0.1:9/api", "has a path; a server's address ends with its port"),
        ("chroma+ftp://127.0.0.1", "is neither https nor http"),
        ("no/such/folder", "holds no chroma.sqlite3"),
    ],
)
def test_places_that_are_none(root: Path, place: str, words: str, lockgate: Lockgate) -> None:
    told = lockgate("-C", root, "index", "import", "docs", "--from-chroma", place, "--embedder", "lexical")
    assert told.code == 2 and words in told.err and "secret" not in told.err
    assert not (root / "indexes/docs").exists()


def test_an_embedder_that_is_none_is_refused(root: Path, theirs: Path, lockgate: Lockgate) -> None:
    told = lockgate("-C", root, "index", "import", "docs", "--from-chroma", theirs, "--embedder", "bert")
    assert told.code == 2 and "there is no embedder 'bert'" in told.err


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("server")
    path = chroma_directory(folder / "chroma", "docs", count=1500, space="l2")
    with opened_client(path) as client:
        fill(client, "few", 3)
    with chroma_server(path) as (address, _):
        yield address


def test_a_collection_of_a_real_server_becomes_a_version(root: Path, server: str, lockgate: Lockgate) -> None:
    take = ("-C", root, "index", "import", "docs", "--from-chroma", server, "--embedder", "lexical")
    which = lockgate(*take)
    assert which.code == 2 and "name one of docs, few with --collection" in which.err
    made = lockgate(*take, "--collection", "docs", "--json")
    assert made.code == 0, made.err
    assert "reading 1500/1500" in made.err
    assert made.data["changes"][0]["what"] == "3 documents, 1,500 passages"
    assert lockgate("-C", root, "index", "verify", "docs", "--full").code == 0


def test_reading_a_server_can_be_cancelled(root: Path, server: str) -> None:
    seen: list[Progress] = []
    with pytest.raises(Cancelled):
        index_import.build(
            Workspace.find(root),
            "docs",
            server,
            collection="docs",
            embedder="lexical",
            report=seen.append,
            stop=lambda: any(step.stage == "reading" for step in seen),
        )
    assert not (root / "indexes/docs").exists()
    assert not list((root / "state/import/tmp").iterdir())


@pytest.mark.heavy
def test_a_server_that_dies_meanwhile_is_one_sentence(root: Path, tmp_path: Path) -> None:
    path = chroma_directory(tmp_path / "chroma", "docs", count=2500)
    with chroma_server(path) as (address, process):
        workspace = Workspace.find(root)

        def kill(step: Progress) -> None:
            if step.stage == "reading":
                process.kill()

        with pytest.raises(MachineryError, match=r"cannot be read: .*see whether the server runs") as caught:
            index_import.build(workspace, "docs", address, embedder="lexical", report=kill)
        assert "\n" not in caught.value.message
        with pytest.raises(MachineryError, match="see whether the server runs"):
            index_import.build(workspace, "docs", address, embedder="lexical")
    assert not (root / "indexes/docs").exists()
