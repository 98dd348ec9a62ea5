"""The walls between the rooms of the package, read from its source with `ast`; nothing is imported.

An import counts wherever it stands: at the top, inside a function, under ``TYPE_CHECKING``, or as the
literal argument of `import_module`.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

# A row may import the rows below it; the rooms of one row do not import each other.
ROWS = (
    ("cli",),
    ("study",),
    ("launch",),
    ("execution",),
    ("client", "reducer", "report"),
    ("protocol", "design", "stats", "models", "channel", "results"),
    ("spec", "studydir", "analytic", "lifeline"),
    # Below spec, which lists the known names of an unknown one.
    ("records", "registry", "framefile", "jsonfile", "locks"),
    ("arrays",),
    ("errors",),  # below arrays, whose faults are raised as FrameError
)
ROW_OF = {room: row for row, rooms in enumerate(ROWS) for room in rooms}

# What a room may not import from outside, and why.
FORBIDDEN: dict[str, tuple[str, ...]] = {
    # `check` of an invalid spec answers at once.
    "spec": ("torch", "numba", "parsl", "mpi4py", "zmq"),
    "records": ("torch", "numba", "parsl", "mpi4py", "zmq"),
    "registry": ("torch", "numba", "parsl", "mpi4py", "zmq"),
    # These serve in a notebook by themselves.
    "stats": ("torch", "parsl", "mpi4py", "zmq", "pydantic"),
    "design": ("torch", "parsl", "mpi4py", "zmq", "pydantic"),
    # Pure state machines: no sockets, clocks, files, processes or chance.
    "protocol": (
        *(
            "torch",
            "parsl",
            "mpi4py",
            "zmq",
            "socket",
            "selectors",
            "asyncio",
            "threading",
            "multiprocessing",
        ),
        *("subprocess", "time", "datetime", "random", "secrets", "uuid", "os", "shutil", "tempfile"),
    ),
}
OUTSIDE = ("apps", "tests", "support", "benchmarks", "analysis")  # they import the package, never the reverse


@dataclass(frozen=True)
class Import:
    """One import statement: in module `by` at `line`, of `of` (a dotted module name)."""

    by: str
    line: int
    of: str
    typing_only: bool

    def __str__(self) -> str:
        return f"{self.by}:{self.line} imports {self.of}"


def modules(package: Path) -> dict[str, Path]:
    """Map the dotted name of each module of a package to its file."""
    found: dict[str, Path] = {}
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports(package: Path) -> list[Import]:
    """List every import in a package, each resolved to a module where it names one of the package."""
    known = modules(package)
    return [found for name, path in known.items() for found in _imports_of(name, path, known)]


def wall_faults(found: list[Import], root: str) -> list[str]:
    """Name the imports that run up, run sideways, leave a room's bounds, or involve a room without a row."""
    faults: list[str] = []
    for one in found:
        by, of = room(one.by, root), room(one.of, root)
        top = one.of.partition(".")[0]
        if top in OUTSIDE:
            faults.append(f"{one}: the package never imports {top}/")
        elif of is None:
            if top in FORBIDDEN.get(by or "", ()):
                faults.append(f"{one}: {by} never imports {top}")
        elif by and by not in ROW_OF:
            faults.append(f"{one}: room {by} has no row; add it to support/layers.py")
        elif by and of and by != of and ROW_OF.get(of, -1) <= ROW_OF[by]:
            faults.append(f"{one}: {by} may import only rows below it, and {of} is not below")
    return faults


def circles(found: list[Import], root: str, *, between: str) -> list[list[str]]:
    """List the circles between ``"rooms"``, or between ``"modules"`` at run time (typing-only ones apart)."""
    graph: dict[str, set[str]] = defaultdict(set)
    for one in found:
        if between == "rooms":
            by, of = room(one.by, root), room(one.of, root)
        else:
            by, of = one.by, one.of if one.of.split(".")[0] == root and not one.typing_only else None
        if by and of and by != of:
            graph[by].add(of)
    return _strong_components(graph)


def room(module: str, root: str) -> str | None:
    """Return the room of a module of the package, "" for its root, None for a module from elsewhere."""
    top, _, rest = module.partition(".")
    return rest.partition(".")[0] if top == root else None


def top_level_names(path: Path) -> set[str]:
    """List what a module defines or imports at its top level."""
    names: set[str] = set()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names |= {alias.asname or alias.name for alias in node.names}
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names |= {target.id for target in targets if isinstance(target, ast.Name)}
    return names


def _imports_of(name: str, path: Path, known: Mapping[str, Path]) -> Iterator[Import]:
    tree = ast.parse(path.read_text(), filename=str(path))
    typing_only = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")
        for statement in node.body
        for inner in ast.walk(statement)
    }
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    for node in ast.walk(tree):
        for target in _targets(node, known, package):
            yield Import(name, getattr(node, "lineno", 0), target, id(node) in typing_only)


def _targets(node: ast.AST, known: Mapping[str, Path], package: str) -> list[str]:
    """List the modules that a node imports; ``from package import module`` names the module."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        above = package.split(".")[: len(package.split(".")) + 1 - node.level] if node.level else []
        base = ".".join([*above, *(node.module or "").split(".")]).strip(".")
        inside = [f"{base}.{alias.name}" for alias in node.names]
        return sorted({target if target in known else base for target in inside})
    if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("import_module", "__import__")):
        return [a.value for a in node.args[:1] if isinstance(a, ast.Constant) and isinstance(a.value, str)]
    return []


def _strong_components(graph: Mapping[str, set[str]]) -> list[list[str]]:
    """List the groups of nodes that reach each other, by reachability; the graphs here are small."""
    reach = {node: _reachable(graph, node) for node in graph}
    groups = {
        frozenset(other for other in reach[node] if node in reach.get(other, ()))
        for node in graph
        if node in reach[node]
    }
    return sorted(sorted(group) for group in groups)


def _reachable(graph: Mapping[str, set[str]], start: str) -> set[str]:
    seen: set[str] = set()
    ahead = list(graph.get(start, ()))
    while ahead:
        node = ahead.pop()
        if node not in seen:
            seen.add(node)
            ahead += graph.get(node, ())
    return seen
