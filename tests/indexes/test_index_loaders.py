from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from making_indexes import sentence, write_rows

from indexes.chunking import Block, passage_ids, passages
from indexes.html import read_html
from indexes.loaders import FILE_LIMIT, load
from indexes.markdown import read_markdown
from store.errors import InputError

paragraphs = st.lists(
    st.text(st.characters(codec="utf-8", exclude_categories=("Cs",)), min_size=1, max_size=400), max_size=30
)


def test_folder_gives_passages_with_source_title_and_heading(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "b.md").write_text("# Returns\n\nSend it back.\n\n## Refunds\n\nFive days.\n")
    (tmp_path / "a.txt").write_text("Plain words.\n\nMore words.")
    (tmp_path / "c.html").write_text("<title>Shipping</title><p>By parcel.</p><script>steal()</script>")
    (tmp_path / "ignored.docx").write_bytes(b"%PDF")
    (tmp_path / ".hidden.md").write_text("secret")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "x.md").write_text("secret")

    loaded = load(tmp_path)

    assert loaded.documents == 3
    assert loaded.chunking == "paragraphs/600"
    assert [row.source for row in loaded.rows] == ["a.txt", "c.html", "sub/b.md", "sub/b.md"]
    assert loaded.rows[3].document == "Refunds\n\nFive days."
    assert loaded.rows[3].metadata == {"source": "sub/b.md", "title": "Returns", "heading": "Refunds"}
    assert loaded.rows[1].metadata["title"] == "Shipping"
    assert all("steal" not in row.document and "secret" not in row.document for row in loaded.rows)


def test_ids_name_the_file_and_equal_passages_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("# One\n\nSame.\n\n# One\n\nSame.\n\n# One\n\nSame.\n")
    first, second, third = (row.id for row in load(tmp_path).rows)
    assert first.startswith("a.md#")
    assert (second, third) == (f"{first}-2", f"{first}-3")


def test_an_edit_in_one_place_keeps_the_ids_of_the_others(tmp_path: Path) -> None:
    texts = [sentence(number, 30) for number in range(60)]
    file = tmp_path / "long.txt"
    file.write_text("\n\n".join(texts))
    before = [row.id for row in load(tmp_path).rows]
    texts[5] = "This paragraph was written anew. " + texts[5]
    file.write_text("\n\n".join(texts))
    after = [row.id for row in load(tmp_path).rows]
    assert len(before) > 15
    assert len(set(before) - set(after)) <= 3, "only the passages around the edit may change"
    assert before[-10:] == after[-10:]


@given(paragraphs, st.integers(100, 700))
def test_no_word_is_lost_and_no_passage_too_long(texts: list[str], characters: int) -> None:
    found = list(passages([Block(text) for text in texts], characters))
    assert all(passage.text.strip() and len(passage.text) <= characters for passage in found)
    assert "".join("".join(p.text for p in found).split()) == "".join("".join(texts).split())


@given(st.lists(st.sampled_from(["a", "b", "c"])))
def test_ids_of_one_source_are_unique(texts: list[str]) -> None:
    ids = list(passage_ids("x.md", texts))
    assert len(set(ids)) == len(texts)


def test_markdown_keeps_code_whole_and_reads_front_matter() -> None:
    text = read_markdown(
        "---\ntitle: 'The page'\n---\nUnder\n=====\n\n```\n# no heading\n\nx\n```\nafter\n- a\n---\n"
    )
    assert text.title == "The page"
    assert [(block.text, block.heading) for block in text.blocks] == [
        ("Under", True),
        ("```\n# no heading\n\nx\n```\nafter\n- a\n---", False),
    ]


def test_html_keeps_words_apart_and_drops_furniture() -> None:
    page = (
        "<html><head><title>T &amp; U</title><style>p{}</style></head><body><nav>menu</nav><main>"
        "<h2>Prices <b>now</b></h2><p>one<br>two</p><ul><li>a<li>b</ul><!-- gone --><pre>x  y\n z</pre>"
        "</main><footer>foot</footer></body></html>"
    )
    text = read_html(page.encode(), "x.html")
    assert text.title == "T & U"
    assert text.blocks[0] == Block("Prices now", heading=True)
    assert [block.text for block in text.blocks[1:]] == ["one\ntwo", "- a\n- b", "x  y\n z"]


def test_html_nested_deeper_than_the_stack_is_read_or_refused() -> None:
    try:
        text = read_html(b"<div>" * 20_000 + b"deep", "deep.html")
    except InputError as error:
        assert "deep.html" in error.message
    else:
        assert text.blocks[-1].text == "deep"


def test_html_in_its_own_charset(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_bytes('<meta charset="latin-1"><p>Überweisung</p>'.encode("latin-1"))
    assert load(tmp_path).rows[0].document == "Überweisung"
    (tmp_path / "a.html").write_bytes("<p>Überweisung</p>".encode("latin-1"))
    with pytest.raises(InputError, match=r"a\.html is neither UTF-8"):
        load(tmp_path)


def test_link_out_of_the_folder_is_refused_and_one_inside_followed(tmp_path: Path) -> None:
    inside = tmp_path / "docs"
    (inside / "..data").mkdir(parents=True)
    (inside / "..data" / "a.md").write_text("mounted")
    (inside / "a.md").symlink_to(inside / "..data" / "a.md")
    assert [row.source for row in load(inside).rows] == ["a.md"]
    (tmp_path / "outside.md").write_text("secret")
    (inside / "b.md").symlink_to(tmp_path / "outside.md")
    with pytest.raises(InputError, match=r"b\.md is a link that leaves the folder"):
        load(inside)
    (inside / "b.md").unlink()
    (inside / "all").symlink_to(tmp_path)
    with pytest.raises(InputError, match="all is a link that leaves the folder"):
        load(inside)


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("a.md", b"caf\xe9", "a.md is not UTF-8"),
        ("a.md", b"x" * (FILE_LIMIT + 1), "at most"),
        ("a.md", b"  \n\n ", "holds no text"),
        ("a.docx", b"PK", "holds no text"),
        ("a.pdf", b"%PDF", "a.pdf is a damaged PDF"),
    ],
)
def test_folder_refusals_name_the_file(tmp_path: Path, name: str, data: bytes, words: str) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(InputError, match=words):
        load(tmp_path)


def test_sources_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        load(tmp_path / "missing")
    (tmp_path / "a.docx").write_bytes(b"x")
    with pytest.raises(InputError, match="is not read"):
        load(tmp_path / "a.docx")
    with pytest.raises(InputError, match="choose 100 to"):
        load(tmp_path, chunk_characters=5)


def test_one_document_is_a_source_too(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("# A\n\ntext")
    (tmp_path / "b.md").write_text("other")
    assert [row.source for row in load(tmp_path / "a.md").rows] == ["a.md"]


def test_rows_of_a_jsonl_file(tmp_path: Path) -> None:
    rows = [
        {
            "id": "b",
            "document": "two",
            "metadata": {"source": "x.md", "n": 1, "ok": True},
            "embedding": [3, 4.0],
        },
        {"id": "a", "document": "one", "embedding": [0.5, -1]},
    ]
    loaded = load(write_rows(tmp_path / "rows.jsonl", rows))
    assert loaded.chunking == ""
    assert [(row.id, row.source) for row in loaded.rows] == [("b", "x.md"), ("a", "a")]
    assert list(loaded.rows[0].embedding or ()) == [3.0, 4.0]
    assert loaded.documents == 2


GOOD = '{"id": "a", "document": "one", "embedding": [1, 0]}'


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('{"id": "b", "docu', "rows.jsonl, line 2 is not valid JSON"),
        ("[1]", "line 2: a row is an object"),
        ('{"id": "b"}', "line 2: document must be there"),
        ('{"id": 7, "document": "x"}', "line 2: id must be there, as text"),
        ('{"id": "", "document": "x", "embedding": [1, 0]}', "line 2: the id is empty"),
        ('{"id": "b", "document": " ", "embedding": [1, 0]}', "line 2: the document is empty"),
        ('{"id": "a", "document": "x", "embedding": [1, 0]}', "line 2: the id a is on line 1"),
        ('{"id": "b", "document": "x"}', "line 2: either every row has an embedding"),
        (
            '{"id": "b", "document": "x", "embedding": [1]}',
            "line 2: embedding has 1 numbers, the first row has 2",
        ),
        ('{"id": "b", "document": "x", "embedding": [1, NaN]}', "line 2 is not valid JSON: NaN"),
        (
            '{"id": "b", "document": "x", "embedding": [1, 1e999]}',
            "line 2: embedding holds a number that is not finite",
        ),
        (
            '{"id": "b", "document": "x", "embedding": [1, 1e39]}',
            "line 2: embedding holds a number that is not finite",
        ),
        ('{"id": "b", "document": "x", "embedding": [1, true]}', "line 2: embedding holds something"),
        ('{"id": "b", "document": "x", "embedding": [0, 0]}', "line 2: embedding is all zeros"),
        ('{"id": "b", "document": "x", "embedding": []}', "line 2: embedding must be a list"),
        ('{"id": "b", "document": "x", "extra": 1}', "line 2: the field 'extra' is not known"),
        ('{"id": "b", "document": "x", "metadata": [1]}', "line 2: metadata must be an object"),
        ('{"id": "b", "document": "x", "metadata": {"k": null}}', "line 2: metadata 'k' must be text"),
        ('{"id": "b", "document": "x", "metadata": {"k": {}}}', "line 2: metadata 'k' must be text"),
        ('{"id": "b", "document": "x", "metadata": {"k": 1e999}}', "line 2: metadata 'k' is not a finite"),
        (
            '{"id": "b", "document": "x", "metadata": {"k": 9223372036854775808}}',
            "line 2: metadata 'k' does not fit",
        ),
        ('{"id": "b", "document": "x", "metadata": {"source": 1}}', "line 2: metadata 'source' must be text"),
        ('{"id": "b", "document": "x", "metadata": {"source": ""}}', "line 2: metadata 'source' is empty"),
        ('{"id": "b", "document": "x", "metadata": {"#k": 1}}', "line 2: metadata '#k'"),
        ('{"id": "b", "document": "x", "metadata": {"": 1}}', "line 2: metadata ''"),
        ('{"id": "b\\ud800", "document": "x"}', "line 2: the id holds half a surrogate"),
        ('{"id": "b", "id": "c", "document": "x"}', "given twice"),
        ("[" * 5000, "line 2"),
        ('{"id": "b", "document": "' + "x" * (1024 * 1024) + '"}', "at most"),
    ],
)
def test_a_bad_line_is_refused_by_name(tmp_path: Path, line: str, words: str) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(f"{GOOD}\n{line}\n")
    with pytest.raises(InputError) as caught:
        load(path)
    assert words in caught.value.message
    assert "rows.jsonl" in caught.value.message
    assert "\n" not in caught.value.message


def test_an_empty_jsonl_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text("\n\n")
    with pytest.raises(InputError, match="holds no rows"):
        load(path)


@given(st.binary(max_size=200))
def test_whatever_the_line_one_sentence_or_rows(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.jsonl"
    path.write_bytes(data)
    try:
        load(path)
    except InputError as error:
        assert "any.jsonl" in error.message


def test_a_torn_last_line_is_refused(tmp_path: Path) -> None:
    text = json.dumps({"id": "a", "document": "one"}) + "\n" + json.dumps({"id": "b", "document": "two"})
    path = tmp_path / "rows.jsonl"
    path.write_text(text)
    assert len(load(path).rows) == 2
    path.write_text(text[:-1])
    with pytest.raises(InputError, match=r"rows\.jsonl, line 2"):
        load(path)
