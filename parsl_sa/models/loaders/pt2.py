"""What of a `torch.export` archive would run as code when torch reads it; told without running any of it."""

from __future__ import annotations

import ast
import io
import json
import re
import zipfile
from typing import TYPE_CHECKING, Any

import torch
from torch.export.pt2_archive import constants
from torch.export.pt2_archive._package import PT2ArchiveReader

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_PLAIN = re.compile(r"[\w.]*", re.ASCII)
_OPERATOR = re.compile(
    r"torch\.ops\.(?!_|load_library|import_module)\w+(\.\w+){1,2}|torch\.(_sym_sqrt|sym_\w+)|math\.[a-z]\w*"
    r"|_operator\.(?!(attrgetter|itemgetter|methodcaller|call)\b)[a-z]\w*",
    re.ASCII,
)
_SYMBOL = re.compile(r"[a-z]+\d+", re.ASCII)
# Functions and attributes of the sizes that torch writes, as sympy prints them and in guards.
_FUNCTIONS = frozenset(
    (
        *("Symbol", "Integer", "Rational", "Float", "Add", "Mul", "Pow", "Mod", "Max", "Min", "Abs", "floor"),
        *("ceiling", "Eq", "Ne", "Lt", "Le", "Gt", "Ge", "Equality", "Unequality", "LessThan", "GreaterThan"),
        *("StrictLessThan", "StrictGreaterThan", "And", "Or", "Not", "true", "false", "oo", "int_oo", "L"),
        *("math", "max", "min", "abs", "FloorDiv", "ModularIndexing", "Where", "PythonMod", "CleanDiv"),
        *("CeilToInt", "FloorToInt", "CeilDiv", "LShift", "RShift", "PowByNatural", "FloatPow"),
        *("FloatTrueDiv", "IntTrueDiv", "IsNonOverlappingAndDenseIndicator", "TruncToFloat", "TruncToInt"),
        *("RoundToInt", "RoundDecimal", "ToFloat", "Identity"),
    )
)
_ATTRIBUTES = frozenset(
    {"size", "stride", "storage_offset", "shape", "isnan", "inf", "floor", "ceil", "trunc"}
)
_FORMULA = (
    *(ast.Expression, ast.Call, ast.keyword, ast.Name, ast.Attribute, ast.Subscript, ast.Constant, ast.Load),
    *(ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare, ast.operator, ast.unaryop, ast.boolop, ast.cmpop),
)
# Texts that torch neither evaluates nor looks anything up by.
_FREE = frozenset({"metadata", "as_string", "torch_version"})


def runs(path: Path) -> str:
    """Tell what of an archive would run.

    Parameters
    ----------
    path : Path
        A ``.pt2`` file.

    Returns
    -------
    str
        The first such part in words; empty if there is none.

    Raises
    ------
    Exception
        Whatever torch raises at a file that is damaged.

    Notes
    -----
    `torch.export.load` is no safe reader. It unpickles sample inputs, weights and constants (it tries
    ``weights_only=True``, then goes on without), opens compiled libraries, gives formulas of sizes to
    ``sympify``, which is ``eval``, compiles guards and the names of nodes as source text, and looks operators
    up by any dotted name. Here pickles must pass ``weights_only=True``, and every text of the graph a
    grammar of what torch itself writes.
    """
    with zipfile.ZipFile(path) as archive:
        if {"version", "serialized_exported_program.json"} & set(archive.namelist()):
            return "parts in the form of torch before 2.8, which are pickles"
    reader = PT2ArchiveReader(str(path))
    names = reader.get_file_names()
    if any(name.startswith(constants.AOTINDUCTOR_DIR) for name in names):
        return "a compiled library"
    for name, is_loadable in _pickles(reader, names):
        if not (is_loadable and _loads_as_weights(reader.read_bytes(name))):
            return f"a pickle of other Python objects than tensors ({name})"
    for name in names:
        if name.startswith(constants.MODELS_DIR):
            for key, text in _texts(json.loads(reader.read_string(name))):
                if not _is_harmless(key, text):
                    return f"a text that torch would evaluate ({key}: {text[:60]!r})"
    return ""


def _pickles(reader: PT2ArchiveReader, names: list[str]) -> Iterator[tuple[str, bool]]:
    """Yield the records that torch unpickles, and whether it does so by `torch.load`."""
    folders = (constants.WEIGHTS_DIR, constants.CONSTANTS_DIR)
    for name in names:
        if name.startswith(constants.SAMPLE_INPUTS_DIR) or (
            name.startswith(folders) and name.endswith(".pt")  # as torch before 2.9 wrote them
        ):
            yield name, True
    for folder in folders:
        for config in names:
            if config.startswith(folder) and config.endswith(".json"):
                for each in json.loads(reader.read_string(config))["config"].values():
                    record = str(each["path_name"])
                    if folder == constants.CONSTANTS_DIR and not record.startswith(
                        constants.TENSOR_CONSTANT_FILENAME_PREFIX
                    ):
                        yield folder + record, False
                    elif each["use_pickle"]:
                        yield folder + record, True


def _loads_as_weights(pickled: bytes) -> bool:
    if not pickled:
        return True
    try:
        torch.load(io.BytesIO(pickled), weights_only=True, map_location="cpu")
    except Exception:  # noqa: BLE001 - whatever it is, torch.export would go on without weights_only
        return False
    return True


def _texts(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """Yield every text of a graph with the key that it stands under."""
    if isinstance(value, str):
        yield key, value
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from _texts(inner, name) if name not in _FREE else ()
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner, key)


def _is_harmless(key: str, text: str) -> bool:
    if key in {"expr_str", "guards_code"}:
        return _is_formula(text)
    if key in {"target", "as_operator"}:
        return _OPERATOR.fullmatch(text) is not None
    if key in {"in_spec", "out_spec"}:
        return not _imports(text)
    return _PLAIN.fullmatch(text) is not None


def _imports(value: Any) -> bool:
    """Tell whether the form of inputs or outputs, JSON within JSON, names modules that torch would import."""
    if isinstance(value, str):
        try:
            return _imports(json.loads(value))
        except ValueError:
            return False
    if isinstance(value, dict):
        return bool({"__enum__", "default_factory_module"} & set(value)) or any(map(_imports, value.values()))
    return isinstance(value, list) and any(map(_imports, value))


def _is_formula(text: str) -> bool:
    """Tell a formula of sizes from other code.

    Examples
    --------
    >>> _is_formula("Mul(Integer(4), Symbol('s57'))"), _is_formula("(L['x'].size()[0] % 2) == 0")
    (True, True)
    >>> _is_formula("__import__('os').system('ls')"), _is_formula("L.__class__")
    (False, False)
    """
    try:
        nodes = list(ast.walk(ast.parse(text.strip(), mode="eval")))
    except (SyntaxError, ValueError, RecursionError):
        return False
    return "\n" not in text and "#" not in text and all(map(_is_of_formula, nodes))


def _is_of_formula(node: ast.AST) -> bool:
    if isinstance(node, ast.Name):
        return node.id in _FUNCTIONS or _SYMBOL.fullmatch(node.id) is not None
    if isinstance(node, ast.Attribute):
        return node.attr in _ATTRIBUTES
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value.isidentifier()
    return isinstance(node, _FORMULA)
