"""A user's own function of a tensor: ``file.py:name``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from parsl_sa.errors import ModelError
from parsl_sa.models.selection import is_tensor
from parsl_sa.models.source import find_function, import_file, importable, split_path, user_code

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@dataclass(frozen=True)
class UserFunction:
    """A function of a user's file.

    Parameters
    ----------
    name : str
        Its name.
    call : callable
        The function.
    files : tuple of Path
        Its file first, then the modules of that folder which it imported; provenance hashes them.
    place : str
        Where it stands in the spec.
    """

    name: str
    call: Callable[[Any], Any]
    files: tuple[Path, ...]
    place: str

    def __call__(self, tensor: Any) -> Any:
        """Apply it to a batch.

        Raises
        ------
        ModelError
            With the user's own file and line where it raises, or where it returns no tensor.
        """
        doing = f"{self.name}() of a tensor {tuple(tensor.shape)}"
        with user_code(self.place, doing, self.files[0].parent), torch.inference_mode():
            result = self.call(tensor)
        if not is_tensor(result):
            raise ModelError(
                self.place,
                f"{self.name}() returned {type(result).__name__}; it must return a tensor or an array with "
                "the batch as its first axis",
            )
        return result


def load_function(text: str, base_dir: Path, place: str) -> UserFunction:
    """Import ``file.py:name``.

    Parameters
    ----------
    text : str
        File, relative to the spec, and function.
    base_dir : Path
        Folder that a relative path starts from.
    place : str
        Where it stands in the spec.

    Raises
    ------
    ModelError
        At `place`.
    """
    path, name = split_path(text, base_dir, place)
    files: list[Path] = []
    with importable(path.parent, files):
        call = find_function(import_file(path, place), name, path, place)
    return UserFunction(name, call, (path, *files), place)
