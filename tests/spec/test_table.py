"""Tables of inputs: what is read, and every fault with its row and column."""

from __future__ import annotations

import numpy as np
import pytest

from parsl_sa.spec.table import TableError, digest_table, read_table


@pytest.mark.parametrize(
    "text",
    [
        "a,b\n1,2\n3,4e0\n",
        "\ufeffb, a ,note\n2,1,x\n\n 4 ,3\n",
        '"a","b"\r\n"1","2"\r\n3,4\r\n',
    ],
)
def test_columns_are_found_by_name(tmp_path, text):
    (tmp_path / "x.csv").write_text(text, encoding="utf-8", newline="")
    assert read_table(tmp_path / "x.csv", ["a", "b"]).tolist() == [[1, 2], [3, 4]]


def test_npy_with_fields_and_without(tmp_path):
    np.save(tmp_path / "plain.npy", np.array([[1, 2], [3, 4]], np.int32))
    fields = np.array([(2.0, 0.0, 1.0), (4.0, 0.0, 3.0)], [("b", "f4"), ("c", "f8"), ("a", "f8")])
    np.save(tmp_path / "fields.npy", fields)
    for name in ("plain.npy", "fields.npy"):
        values = read_table(tmp_path / name, ["a", "b"])
        assert values.dtype == np.float64
        assert values.tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize(
    ("text", "messages"),
    [
        ("", ["has no column 'a'; its columns: none", "has no column 'b'"]),
        ("a;b\n1;2\n", ["has no column 'a'; its columns: a;b; columns are separated by commas", "'b'"]),
        ("a,c\n1,2\n", ["has no column 'b'; its columns: a, c"]),
        ("a,b,a\n1,2,3\n", ["has 2 columns 'a'"]),
        ("a,b\n", ["has a line of names, but no rows"]),
        ("a,b\n1,\n", ["line 2, column 'b': is empty"]),
        ("a,b\n1\n", ["line 2, column 'b': is empty"]),
        ("a,b\n1,nan\n2,inf\n", ["line 2, column 'b': must be a finite number; it is nan", "line 3"]),
        ("a,b\n1,2\n\none,2\n", ["line 4, column 'a': must be a number; it is 'one'"]),
        ("a,b\n" + "x,y\n" * 4, ["line 2, column 'a'", "'b'", "line 3", "'b'", "line 4", "3 more"]),
    ],
)  # fmt: skip
def test_faults_of_a_csv(tmp_path, text, messages):
    (tmp_path / "x.csv").write_text(text)
    with pytest.raises(TableError) as caught:
        read_table(tmp_path / "x.csv", ["a", "b"])
    assert len(caught.value.messages) == len(messages)
    for found, words in zip(caught.value.messages, messages, strict=True):
        assert words in found


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.ones(3), "not numbers of shape (rows, 2)"),
        (np.ones((3, 3)), "not numbers of shape (rows, 2)"),
        (np.array([["1", "2"]]), "not numbers of shape (rows, 2)"),
        (np.ones((0, 2)), "has no rows"),
        (np.array([[1, 2], [3, np.nan]]), "row 1, column 'b': must be finite; it is nan"),
        (np.ones(2, [("a", float), ("c", float)]), "has no column 'b'; its columns: a, c"),
    ],
)
def test_faults_of_a_npy(tmp_path, array, words):
    np.save(tmp_path / "x.npy", array)
    with pytest.raises(TableError) as caught:
        read_table(tmp_path / "x.npy", ["a", "b"])
    assert words in str(caught.value)


def test_files_that_are_none(tmp_path):
    (tmp_path / "x.txt").write_text("a,b\n1,2\n")
    (tmp_path / "x.npy").write_text("a,b\n")
    (tmp_path / "x.csv").write_bytes(b"a,b\n\xff\xfe,1\n")
    for name, words in (
        ("x.txt", "neither a .csv nor a .parquet nor a .npy"),
        ("x.npy", "is not a .npy file of numbers"),
        ("x.csv", "is no table of comma-separated values"),
        ("y.csv", "no such file; paths are relative to the spec"),
    ):
        with pytest.raises(TableError, match=words):
            read_table(tmp_path / name, ["a", "b"])


def test_another_content_is_another_digest(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("a,b\n1,2\n")
    digest = digest_table(path)
    read_table(path, ["a", "b"], digest)
    path.write_text("a,b\n1,3\n")
    with pytest.raises(TableError, match="has changed since the study began"):
        read_table(path, ["a", "b"], digest)
