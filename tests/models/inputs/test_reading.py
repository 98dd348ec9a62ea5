"""Base inputs and labels from images, arrays and tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from parsl_sa.errors import ModelError
from parsl_sa.models.inputs.reading import Found, read
from parsl_sa.spec.base import BaseSpec

if TYPE_CHECKING:
    from pathlib import Path

RNG = np.random.default_rng(1)


def found(folder: Path, **base: Any) -> Found:
    return read(BaseSpec.model_validate(base).at(folder).model_dump(mode="json"))


def refusal(folder: Path, **base: Any) -> tuple[str, str]:
    with pytest.raises(ModelError) as caught:
        found(folder, **base)
    (fault,) = caught.value.faults
    return fault.place, fault.message


def picture(path: Path, height: int = 4, width: int = 6) -> np.ndarray:
    pixels = RNG.integers(0, 256, (height, width, 3), dtype=np.uint8)
    path.parent.mkdir(exist_ok=True, parents=True)
    Image.fromarray(pixels).save(path)
    return pixels


def test_an_image_is_one_input(tmp_path: Path) -> None:
    pixels = picture(tmp_path / "cat.png")
    one = found(tmp_path, path="cat.png")
    assert (one.names, one.several) == (("cat.png",), False)
    np.testing.assert_array_equal(one.arrays[0], pixels)
    grey = found(tmp_path, path="cat.png", layout="HW")
    assert grey.arrays.shape == (1, 4, 6)
    turned = found(tmp_path, path="cat.png", layout="CHW")
    np.testing.assert_array_equal(turned.arrays[0], pixels.transpose(2, 0, 1))
    assert found(tmp_path, path="cat.png", size=[8, 12]).arrays.shape == (1, 8, 12, 3)


def test_a_folder_is_its_images_in_the_order_of_their_names(tmp_path: Path) -> None:
    second, first = picture(tmp_path / "in" / "dog" / "b.png"), picture(tmp_path / "in" / "cat" / "a.png")
    all_of_them = found(tmp_path, path="in", labels="folders")
    assert all_of_them.names == ("cat/a.png", "dog/b.png")
    np.testing.assert_array_equal(all_of_them.arrays, [first, second])
    assert all_of_them.labels is not None
    assert all_of_them.labels.tolist() == ["cat", "dog"]
    picture(tmp_path / "in" / "dog" / "c.png", 5, 6)
    assert refusal(tmp_path, path="in")[0] == "inputs.base.path"
    assert "inputs.base.size" in refusal(tmp_path, path="in")[1]


def test_arrays_have_one_input_or_many(tmp_path: Path) -> None:
    many = RNG.normal(size=(7, 5))
    np.save(tmp_path / "many.npy", many)
    np.save(tmp_path / "one.npy", many[0])
    (tmp_path / "labels.txt").write_text("\n".join("3141592"))
    assert found(tmp_path, path="one.npy", layout="F").several is False
    some = found(tmp_path, path="many.npy", layout="F", rows="2:4", labels="labels.txt")
    np.testing.assert_array_equal(some.arrays, many[2:4])
    assert some.labels is not None
    assert (some.names, some.several, some.labels.tolist()) == ((2, 3), True, [4, 1])
    listed = found(tmp_path, path="many.npy", layout="F", rows=[5, 0])
    np.testing.assert_array_equal(listed.arrays, many[[5, 0]])
    single = found(tmp_path, path="many.npy", layout="F", rows=3)
    assert (single.names, single.several) == ((3,), False)


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_table_gives_rows_and_labels(tmp_path: Path, suffix: str) -> None:
    frame = pd.DataFrame({"a": [1.0, 2.0], "kind": ["no", "yes"], "b": [3.0, 4.0], "y": [0, 1]})
    path = tmp_path / f"data{suffix}"
    frame.to_csv(path, index=False) if suffix == ".csv" else frame.to_parquet(path)
    taken = found(tmp_path, path=path.name, labels="y")
    np.testing.assert_array_equal(taken.arrays, [[1.0, 3.0], [2.0, 4.0]])
    assert taken.labels is not None
    assert taken.labels.tolist() == [0, 1]
    named = found(tmp_path, path=path.name, columns=["b", "a"], labels="kind")
    np.testing.assert_array_equal(named.arrays, [[3.0, 1.0], [4.0, 2.0]])
    assert named.labels is not None
    assert named.labels.tolist() == ["no", "yes"]
    assert refusal(tmp_path, path=path.name, labels="z") == (
        "inputs.base.labels",
        f"no column 'z' in {path.name}; it has a, kind, b, y",
    )
    assert refusal(tmp_path, path=path.name, columns=["q"])[0] == "inputs.base.columns"


def test_faults_name_what_to_do(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.array([[1.0, np.nan], [1.0, 2.0]]))
    assert "input '0' holds values that are not finite" in refusal(tmp_path, path="x.npy", layout="F")[1]
    np.save(tmp_path / "x.npy", np.ones((2, 2)))
    place, said = refusal(tmp_path, path="x.npy", layout="HWC")
    assert (place, "the layout HWC wants numbers of 3 axes" in said) == ("inputs.base.path", True)
    assert refusal(tmp_path, path="x.npy", layout="F", rows=2)[0] == "inputs.base.rows"
    (tmp_path / "labels.txt").write_text("1\n2\n3\n")
    assert refusal(tmp_path, path="x.npy", layout="F", labels="labels.txt")[0] == "inputs.base.labels"
    (tmp_path / "not.png").write_text("<html>")
    assert "cannot be read as an image" in refusal(tmp_path, path="not.png")[1]


def test_labels_of_images_are_joined_by_name(tmp_path: Path) -> None:
    for name in ("i1", "i2", "i10"):
        picture(tmp_path / "in" / f"{name}.png")
    (tmp_path / "labels.csv").write_text("file,label\ni1.png,1\ni2.png,2\ni10.png,10\n")
    some = found(tmp_path, path="in", labels="labels.csv")
    assert some.labels is not None
    assert dict(zip(some.names, some.labels.tolist(), strict=True)) == {
        "i1.png": 1,
        "i2.png": 2,
        "i10.png": 10,
    }
    (tmp_path / "labels.csv").write_text("i1.png,1\ni2.png,2\n")
    place, said = refusal(tmp_path, path="in", labels="labels.csv")
    assert (place, "no label for 1 images, such as i10.png" in said) == ("inputs.base.labels", True)


def test_rows_of_a_folder_are_all_that_is_read(tmp_path: Path) -> None:
    first = picture(tmp_path / "in" / "a.png")
    picture(tmp_path / "in" / "b.png", 9, 9)
    (tmp_path / "labels.txt").write_text("3\n4\n")
    one = found(tmp_path, path="in", rows="0:1", labels="labels.txt")
    np.testing.assert_array_equal(one.arrays, [first])
    assert one.labels is not None
    assert (one.several, one.labels.tolist()) == (True, [3])
    assert found(tmp_path, path="in", rows=1).several is False


def test_deep_images_are_refused_instead_of_cut_off(tmp_path: Path) -> None:
    Image.fromarray(np.arange(16, dtype=np.uint16).reshape(4, 4) * 4000).save(tmp_path / "deep.png")
    place, said = refusal(tmp_path, path="deep.png", layout="HW")
    assert (place, "I;16" in said) == ("inputs.base.path", True)


def test_pictures_of_studies_are_no_inputs(tmp_path: Path) -> None:
    picture(tmp_path / "in" / "a.png")
    picture(tmp_path / "in" / "run" / "report" / "indices.png")
    picture(tmp_path / "in" / ".thumbs" / "a.png")
    assert len(found(tmp_path, path="in").names) == 3 - 1
    (tmp_path / "in" / "run" / "journal.jsonl").write_text("")
    assert found(tmp_path, path="in").names == ("a.png",)


def test_arrays_of_another_byte_order_are_read(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.arange(4.0).astype(">f8"))
    assert found(tmp_path, path="x.npy", layout="F").arrays.tolist() == [[0.0, 1.0, 2.0, 3.0]]
