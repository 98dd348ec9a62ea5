"""The base inputs of a study: an image, a row of data, or a folder or table of them, to be perturbed."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from parsl_sa.errors import Fault
from parsl_sa.spec.fields import AsTuple, Count, Number, Section, complain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from parsl_sa.spec.parts import Finding, Part

IMAGE_SUFFIXES = (".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")
TABLE_SUFFIXES = (".csv", ".parquet")
ARRAY_SUFFIXES = (".npy",)
FOLDERS = "folders"

_KNOWN = ("HWC", "CHW", "HW", "CW", "WC", "W", "F")


def _layout(text: str) -> str:
    if text not in _KNOWN:
        raise complain(
            f"names the axes of one input in their order: C channels, H rows, W columns or steps, F "
            f"features, "
            f"such as {', '.join(_KNOWN)}; it is '{text}'"
        )
    return text


def _rows(given: Any) -> Any:
    if given is None or (isinstance(given, int) and not isinstance(given, bool) and given >= 0):
        return given
    if isinstance(given, str):
        first, colon, last = given.partition(":")
        if colon and all(part == "" or (part.isascii() and part.isdigit()) for part in (first, last)):
            return given
    elif isinstance(given, list | tuple) and given and all(type(one) is int and one >= 0 for one in given):
        if len(set(given)) < len(given):
            raise complain("names an input twice; name each once")
        return tuple(given)
    raise complain('must be an index from 0, a list of them, or a range such as "0:100"')


Layout = Annotated[str, AfterValidator(_layout)]
Rows = Annotated[
    Any,
    BeforeValidator(_rows),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 0},
                {"type": "array", "items": {"type": "integer", "minimum": 0}, "minItems": 1},
                {"type": "string", "pattern": "^[0-9]*:[0-9]*$"},
                {"type": "null"},
            ]
        }
    ),
]


class BaseSpec(Section):
    """The inputs that perturbations start from; several of them are the cases of a study."""

    path: str = Field(
        min_length=1,
        description="Relative to the spec: an image, a folder of images, a .npy array of one input or of "
        "many "
        "along its first axis, or a .csv or .parquet table with an input a line.",
    )
    layout: Layout | None = Field(
        default=None,
        description='The axes of one input: C channels, H rows, W columns or steps, F features. "HWC" for '
        'colour images and "HW" for grey ones is what image files give; a table gives "F"; a .npy array has '
        "to state it.",
    )
    rows: Rows = Field(
        default=None,
        description='Which inputs to take: an index from 0 (one input, no case axis), a list, or "0:100"; '
        "null takes all.",
    )
    columns: Annotated[tuple[str, ...], AsTuple] | None = Field(
        default=None,
        description="Columns of a table that form the input, in the model's order; null takes all numeric "
        "ones "
        "but that of the labels.",
    )
    size: Annotated[tuple[Count, Count], AsTuple] | None = Field(
        default=None,
        description="Rows and columns that images are scaled to when they are read, so that all of a folder "
        "are alike; null keeps them.",
    )
    labels: str | None = Field(
        default=None,
        description="The right answers, class indices, class names, or numbers for a regression: a column of "
        "the table; a .npy, .txt or .csv file with one a line (in a .csv the last column; for images, the "
        'file names stand before it); or "folders", where the names of subfolders say the class.',
    )
    chosen_wrong: bool = Field(
        default=False,
        description="Whether these inputs were chosen because the model is wrong about them; true allows a "
        "model that is no better at their labels than guessing.",
    )
    clip: Annotated[tuple[Number, Number], AsTuple] | None = Field(
        default=None,
        description="Range that perturbed inputs are clipped to, such as [0, 255]; null does not clip.",
    )
    unit: str = Field(default="", description="Unit of the inputs' values; shown, never computed with.")
    digest: str | None = Field(
        default=None,
        description="Digest of the files' contents; filled in when a study begins, so that it goes on with "
        "the same inputs.",
    )

    @classmethod
    def rules(cls, part: Part) -> Iterator[Finding]:
        """Yield what is wrong between fields that are sound one by one."""
        path, layout, clip = part.get("path"), part.get("layout"), part.get("clip")
        if clip is not None and clip[1] <= clip[0]:
            yield part.finding(f"must be [low, high] with high above low; it is {list(clip)}", "clip")
        if path is None or "layout" in part.broken:
            return
        suffix = Path(path).suffix.lower()
        if suffix in ARRAY_SUFFIXES and layout is None:
            yield part.finding(
                f"is needed for an array: the axes of one input, such as {', '.join(_KNOWN)}", "layout"
            )
        if suffix in TABLE_SUFFIXES and layout not in {None, "F"}:
            yield part.finding(f'a table has the layout "F"; it is "{layout}"', "layout")
        if part.get("columns") is not None and suffix not in TABLE_SUFFIXES:
            yield part.finding("only a table has columns", "columns")
        if part.get("size") is not None and suffix in (*TABLE_SUFFIXES, *ARRAY_SUFFIXES):
            yield part.finding("only images are scaled when they are read", "size")

    @property
    def axes(self) -> str:
        """The layout, filled in from the kind of file; "HWC" for images."""
        if self.layout is not None:
            return self.layout
        return "F" if Path(self.path).suffix.lower() in TABLE_SUFFIXES else "HWC"

    def at(self, base_dir: Path) -> BaseSpec:
        """Return it with absolute paths, its layout filled in, and what the files hold pinned down.

        Parameters
        ----------
        base_dir : Path
            Folder that relative paths start from: that of the spec's file.
        """
        path = (base_dir / Path(self.path).expanduser()).resolve()
        labels = self.labels
        if labels is not None and _is_file(labels):
            labels = str((base_dir / Path(labels).expanduser()).resolve())
        update = {"path": str(path), "layout": self.axes, "labels": labels}
        placed = self.model_copy(update=update)
        if placed.digest is None and path.exists():
            placed = placed.model_copy(update={"digest": placed.contents()})
        return placed

    def file_faults(self) -> Iterator[Fault]:
        """Yield what is wrong with its files, as far as their names and bytes tell."""
        path = Path(self.path)
        if not path.exists():
            yield Fault("inputs.base.path", f"{path}: no such file or folder; paths are relative to the spec")
            return
        known = (*IMAGE_SUFFIXES, *TABLE_SUFFIXES, *ARRAY_SUFFIXES)
        if path.is_file() and path.suffix.lower() not in known:
            yield Fault("inputs.base.path", f"{path} is of no known kind; known: {', '.join(known)}, folders")
        if path.is_dir() and not images_of(path):
            yield Fault("inputs.base.path", f"{path} has no images in it ({', '.join(IMAGE_SUFFIXES)})")
        if self.labels is not None and _is_file(self.labels) and not Path(self.labels).is_file():
            yield Fault("inputs.base.labels", f"{self.labels}: no such file; paths are relative to the spec")
        elif self.digest is not None and self.digest != self.contents():
            text = "has changed since the study began; give a new study a new directory"
            yield Fault("inputs.base.path", f"{path} {text}")

    def contents(self) -> str:
        """Return the digest of the files: names within a folder, and bytes."""
        digest, path = hashlib.blake2b(digest_size=16), Path(self.path)
        labels = [Path(self.labels)] if self.labels is not None and _is_file(self.labels) else []
        for file in [*(images_of(path) if path.is_dir() else [path]), *labels]:
            name = file.relative_to(path) if path.is_dir() and file.is_relative_to(path) else file.suffix
            digest.update(f"{name}|".encode())
            if file.is_file():
                with file.open("rb") as opened:
                    digest.update(hashlib.file_digest(opened, "blake2b").digest())
        return digest.hexdigest()

    def science(self) -> dict[str, Any]:
        """Return what results depend on: the contents of the files instead of their names."""
        labels = self.labels if self.labels is None or not _is_file(self.labels) else "file"
        plain = self.model_dump(
            mode="json", exclude={"path", "digest", "unit", "layout", "labels", "chosen_wrong"}
        )
        return {**plain, "layout": self.axes, "labels": labels, "contents": self.digest or self.contents()}


def images_of(folder: Path) -> list[Path]:
    """Return the image files of a folder and of its subfolders, in the order of their names.

    Hidden files are left out, and the pictures of studies that were launched there.
    """
    studies = {journal.parent for journal in folder.rglob("journal.jsonl")}
    found = (file for file in folder.rglob("*") if file.suffix.lower() in IMAGE_SUFFIXES)
    return sorted(
        file
        for file in found
        if not any(part.startswith(".") for part in file.relative_to(folder).parts)
        and studies.isdisjoint(file.parents)
    )


def _is_file(labels: str) -> bool:
    return Path(labels).suffix.lower() in {".npy", ".txt", ".csv"}
