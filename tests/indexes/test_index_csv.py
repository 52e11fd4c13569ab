from __future__ import annotations

import csv
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexes.loaders import load
from store.errors import InputError


def written(path: Path, text: str | bytes) -> Path:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_columns_are_id_document_and_metadata(tmp_path: Path) -> None:
    text = '\ufeffid,title,document,source\na,"One, two","He said ""no"".\nTwice.",x.md\n\nb,,plain,\n'
    loaded = load(written(tmp_path / "rows.csv", text))
    first, second = loaded.rows
    assert (first.id, first.document, first.source) == ("a", 'He said "no".\nTwice.', "x.md")
    assert first.metadata == {"title": "One, two", "source": "x.md"}
    assert (second.metadata, second.source) == ({}, "b")
    assert (loaded.documents, loaded.chunking) == (2, "")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "id is missing in: an empty line"),
        ("id;document\na;one\n", "parted by commas; id is missing in: id;document"),
        ("id,text\na,one\n", "document is missing in: id, text"),
        ("id,document,id\n", "the column 'id' is there twice"),
        ("id,document,\n", "column 3 has no name"),
        ("id,document,embedding\n", "vectors are not read from CSV"),
        ("id,document\n", "holds no rows"),
        ("id,document\na\n", "line 2 has 1 cells, the first line has 2"),
        ("id,document\na,one,more\n", "line 2 has 3 cells"),
        ("id,document\n,one\n", "line 2: the id is empty"),
        ("id,document\na, \n", "line 2: the document is empty"),
        ("id,document\na,one\na,two\n", "line 3: the id a is on line 2 already"),
        ("id,document,source\na,one,x.md\na,two,y.md\n", "already (of x.md and of y.md)"),
        ('id,document\na,"one\n', "every quoted cell is closed"),
        ('id,document\na,"one" more\n', "a quote inside a quoted cell is doubled"),
        ("id,document,#k\na,one,x\n", "metadata '#k'"),
        ("id,document\na," + "x" * (1024 * 1024 + 1) + "\n", "field larger than field limit"),
        (b"id,document\na,caf\xe9\n", "is not UTF-8 text"),
    ],
)
def test_a_bad_file_is_refused_by_name_and_line(tmp_path: Path, text: str | bytes, words: str) -> None:
    with pytest.raises(InputError) as caught:
        load(written(tmp_path / "rows.csv", text))
    assert words in caught.value.message and caught.value.message.startswith("rows.csv")
    assert "\n" not in caught.value.message


cells = st.text(st.characters(codec="utf-8"), min_size=1, max_size=30).filter(str.strip)


@settings(deadline=None)
@given(st.dictionaries(cells, cells, min_size=1, max_size=5))
def test_what_a_spreadsheet_writes_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, rows: dict[str, str]
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.csv"
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([("document", "id"), *((document, id) for id, document in rows.items())])
    assert {row.id: row.document for row in load(path).rows} == rows
