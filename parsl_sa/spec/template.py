"""How parameters become the tensors that a network takes: which stands where, and what stands elsewhere."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from parsl_sa.errors import Fault
from parsl_sa.spec.fields import AsTuple, Section, complain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic.annotated_handlers import GetJsonSchemaHandler
    from pydantic_core import CoreSchema

    from parsl_sa.spec.parts import Finding, Part

_INDICATOR = re.compile(r"(?P<name>.+?)\s*==\s*(?P<value>[-+0-9.eE]+)")
_HUGE = 1e300
_ENTRY = 'must be numbers and names of parameters, nested as the tensor is, such as ["alpha", 0.0, "Re"]'


def shape_of(nested: Any) -> tuple[int, ...] | None:
    """Return the shape of nested lists; None where they are ragged.

    Examples
    --------
    >>> shape_of([["a", 0.0], ["b", 1.0]]), shape_of("a"), shape_of([["a"], "b"])
    ((2, 2), (), None)
    """
    if not isinstance(nested, list | tuple):
        return ()
    inner = {shape_of(entry) for entry in nested}
    if len(inner) != 1 or (only := inner.pop()) is None:
        return None
    return (len(nested), *only)


def leaves(nested: Any) -> Iterator[Any]:
    """Yield the entries of nested lists in C order."""
    if isinstance(nested, list | tuple):
        for entry in nested:
            yield from leaves(entry)
    else:
        yield nested


def indicator(entry: str) -> tuple[str, float | None]:
    """Split an entry into the name of a parameter and the value that it is compared with, if any.

    Examples
    --------
    >>> indicator("material == 2"), indicator("alpha")
    (('material', 2.0), ('alpha', None))
    """
    match = _INDICATOR.fullmatch(entry)
    if match is None:
        return entry, None
    try:
        return match["name"], float(match["value"])
    except ValueError:
        return entry, None


def _values(given: Any) -> Any:
    if given is None:
        return None
    shape = shape_of(given)
    if shape is None or 0 in shape:
        raise complain("must be lists of equal length in each other, none of them empty")
    if not all(isinstance(leaf, str | int | float) and not isinstance(leaf, bool) for leaf in leaves(given)):
        raise complain(_ENTRY)
    if not all(isinstance(leaf, str) or abs(leaf) < _HUGE for leaf in leaves(given)):
        raise complain(f"holds a number beyond {_HUGE:g}")
    return given


def _set(given: Any) -> Any:
    if not isinstance(given, Mapping):
        raise complain('must be an object of positions by parameter, such as {"alpha": [0, 3]}')
    places = {}
    for name, written in given.items():
        position = [written] if isinstance(written, int) else written
        many = [position] if _is_position(position) else position
        if not isinstance(many, list | tuple) or not many or not all(map(_is_position, many)):
            raise complain(f"'{name}' needs a position such as [0, 3], or a list of them")
        places[name] = tuple(tuple(one) for one in many)
    return places


def _is_position(given: Any) -> bool:
    return isinstance(given, list | tuple) and bool(given) and all(type(one) is int for one in given)


_NESTED = {"anyOf": [{"type": "array"}, {"type": "string"}, {"type": "number"}, {"type": "null"}]}
_POSITIONS = {
    "type": "object",
    "additionalProperties": {"anyOf": [{"type": "array"}, {"type": "integer"}]},
}

Values = Annotated[Any, BeforeValidator(_values), WithJsonSchema(_NESTED)]
Places = Annotated[Any, BeforeValidator(_set), WithJsonSchema(_POSITIONS)]


class TensorSpec(Section):
    """One tensor of the network's input, without its batch axis."""

    values: Values = Field(
        default=None,
        description='Numbers and names of parameters, nested as the tensor is: ["alpha", 0.0, "Re"]. '
        '"material == 2" is 1 where that parameter is 2 and 0 elsewhere, for one-hot inputs.',
    )
    file: str | None = Field(
        default=None, description="Instead of values: a .npy file relative to the spec with one input."
    )
    set: Places = Field(
        default={},
        description="Where parameters replace what the file holds: a position, or a list of positions, by "
        'name, such as {"inlet": [0, 3]}.',
    )
    base: bool = Field(
        default=False, description="Instead of values: the perturbed base input of `inputs.base`."
    )
    dtype: Literal["float", "int64", "bool"] = Field(
        default="float",
        description='What it holds; "float" is the dtype of the model. Whole numbers are for token ids and '
        "lookups.",
    )

    @classmethod
    def rules(cls, part: Part) -> Iterator[Finding]:
        """Yield what is wrong between fields that are sound one by one."""
        sources = [
            key
            for key in ("values", "file", "base")
            if part.get(key) is not None and part.get(key) is not False
        ]
        if len(sources) != 1 and not {"values", "file", "base"} & part.broken:
            yield part.finding('needs one of "values", "file" and "base"')
        if part.get("base") is True and part.get("dtype") not in {None, "float"}:
            yield part.finding("the base input is floating; leave dtype out", "dtype")
        if part.get("set") and part.get("file") is None and "file" not in part.broken:
            yield part.finding("replaces places of a file: give the file", "set")
        file = part.get("file")
        if file is not None and Path(file).suffix != ".npy":
            yield part.finding(f"must be a .npy file; it is '{file}'", "file")

    def names(self) -> list[str]:
        """Return the parameters that it uses."""
        written = [indicator(leaf)[0] for leaf in leaves(self.values) if isinstance(leaf, str)]
        return [*written, *self.set]

    def at(self, base_dir: Path) -> TensorSpec:
        """Return it with the path of its file made absolute."""
        if self.file is None:
            return self
        path = (base_dir / Path(self.file).expanduser()).resolve()
        return self.model_copy(update={"file": str(path)})

    def file_faults(self, place: str) -> Iterator[Fault]:
        """Yield what is wrong with its file, and with positions that lie outside of it."""
        if self.file is None:
            return
        import numpy as np  # noqa: PLC0415 - specs are read by commands that never compute

        try:
            shape = np.load(self.file, allow_pickle=False, mmap_mode="r").shape
        except FileNotFoundError:
            yield Fault(f"{place}.file", f"{self.file}: no such file; paths are relative to the spec")
            return
        except (OSError, ValueError, EOFError) as error:
            yield Fault(f"{place}.file", f"{self.file} is not a .npy file of numbers: {error}")
            return
        for name, positions in self.set.items():
            for position in positions:
                if len(position) != len(shape) or any(
                    not -length <= one < length for one, length in zip(position, shape, strict=False)
                ):
                    text = f"has no place {list(position)}: the file holds one input of shape {shape}"
                    yield Fault(f"{place}.set.{name}", text)


def _tensor(given: Any) -> Any:
    return given if isinstance(given, Mapping | Section) else {"values": given}


def _tensors(given: Any) -> Any:
    if isinstance(given, list | tuple):
        return {"": {"values": given}}
    return given


class _Short:
    """Annotation that lets the JSON Schema show a short form beside the object."""

    def __init__(self, *kinds: str) -> None:
        self.kinds = kinds

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {"anyOf": [*({"type": kind} for kind in self.kinds), handler(schema)]}


Tensor = Annotated[TensorSpec, BeforeValidator(_tensor), _Short("array", "string", "number")]
Template = Annotated[
    dict[str, Tensor], AsTuple, Field(min_length=1), BeforeValidator(_tensors), _Short("array")
]
