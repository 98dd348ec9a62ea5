"""Write docs/spec.md from the models that read a spec: `python docs/generate_spec.py [--check]`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from parsl_sa.execution.options import LocalOptions, SlurmOptions
from parsl_sa.spec import json_schema

if TYPE_CHECKING:
    from collections.abc import Iterator

TARGET = Path(__file__).with_name("spec.md")

HEAD = """\
# The spec of a study

<!-- Written by docs/generate_spec.py from the models that read a spec: change those, then `make docs`. -->

A study is one JSON file. Only the keys without a default are needed; this is a whole spec:

```json
{
  "spec_version": 1,
  "name": "wing",
  "model": {"loader": "python", "path": "model.py:load"},
  "inputs": {"parameters": [
    {"name": "alpha", "distribution": "normal", "mean": 3.0, "sd": 0.5, "unit": "deg"},
    {"name": "Re", "distribution": "loguniform", "low": 5e5, "high": 5e6}]},
  "design": {"n": 4096, "both_ways": true},
  "outputs": [{"name": "CL", "select": "CL"}]
}
```

Paths are relative to the spec. Unknown keys, NaN and infinity are refused; whole numbers may be written as
`1e4`. `parsl-sa check` names every fault with its place, as in
`inputs.parameters[1].high: must exceed low`; `parsl-sa schema` prints the JSON Schema, with which editors
complete and check a spec while you write. [Which design for which question](choosing.md) helps to choose.
"""

OPTIONS = """\
## `farm.options`

What a site takes depends on its batch system; `parsl-sa sites` lists the sites. Every option may be left out,
and then is what the site's preset says.
"""

HUGE = 2**40  # bounds that say what a float64 can hold tell a reader nothing
KINDS = {key: f"One table for each `{key}`." for key in ("distribution", "name", "kind")}
NUMBERS = (
    ("minimum", "at least"),
    ("exclusiveMinimum", "greater than"),
    ("maximum", "at most"),
    ("exclusiveMaximum", "less than"),
)


def main(arguments: list[str]) -> int:
    """Write the page, or with --check tell whether it is up to date."""
    text = page()
    if "--check" in arguments:
        fresh = TARGET.exists() and TARGET.read_text() == text
        if not fresh:
            print(f"{TARGET.name} is out of date; run: make docs")
        return 0 if fresh else 1
    TARGET.write_text(text)
    return 0


def page() -> str:
    """Return the whole page."""
    schema = json_schema()
    parts = [HEAD, *_object("", schema, schema["$defs"])]
    local, slurm = (kind.model_json_schema() for kind in (LocalOptions, SlurmOptions))
    own = {key: value for key, value in slurm["properties"].items() if key not in local["properties"]}
    everywhere = _table(local["properties"], (), "farm.options")
    parts += [OPTIONS, "**Every site**\n", everywhere.replace(" or null", "")]
    parts += ["**Slurm**\n", _table(own, (), "farm.options").replace(" or null", "")]
    parts += [*_object("farm.options.launch", local["$defs"]["LaunchSite"], local["$defs"])]
    return "\n".join(parts)


def _object(path: str, schema: dict[str, Any], known: dict[str, Any]) -> Iterator[str]:
    """Yield the section of an object, then those of the objects in it."""
    yield f"## `{path}`\n" if path else "## The whole\n"
    if path:
        yield _prose(schema.get("description", "")) + "\n"
    described = {
        key: {
            "description": known.get(value.get("$ref", "").rpartition("/")[2], {}).get("description"),
            **value,
        }
        for key, value in schema["properties"].items()
    }
    yield _table(described, schema.get("required", ()), path)
    for key, value in schema["properties"].items():
        yield from _inside(f"{path}.{key}" if path else key, value, known)


def _inside(path: str, schema: dict[str, Any], known: dict[str, Any]) -> Iterator[str]:
    """Yield the sections of what a value may hold."""
    if "$ref" in schema:
        yield from _object(path, _target(schema, known), known)
    elif "oneOf" in schema:
        yield from _kinds(path, schema, known)
    elif "items" in schema:
        yield from _inside(f"{path}[]", schema["items"], known)
    elif isinstance(schema.get("additionalProperties"), dict):
        yield from _inside(f"{path}{{}}", schema["additionalProperties"], known)
    for one in schema.get("anyOf", ()):
        yield from _inside(path, one, known)


def _kinds(path: str, schema: dict[str, Any], known: dict[str, Any]) -> Iterator[str]:
    """Yield the section of objects of several kinds: what all have, then each kind."""
    key = schema["discriminator"]["propertyName"]
    kinds = {name: known[ref.rpartition("/")[2]] for name, ref in schema["discriminator"]["mapping"].items()}
    ordered = [name for one in schema["oneOf"] for name, kind in kinds.items() if kind is _target(one, known)]
    first = kinds[ordered[0]]["properties"]
    shared = {
        name: value
        for name, value in first.items()
        if name != key and all(kind["properties"].get(name) == value for kind in kinds.values())
    }
    yield f"## `{path}`\n"
    if shared:
        yield "All have these keys.\n"
        required = [name for name in shared if name in kinds[ordered[0]].get("required", ())]
        yield _table(shared, required, path)
    yield KINDS[key] + "\n"
    for name in ordered:
        kind = kinds[name]
        own = {k: v for k, v in kind["properties"].items() if k not in shared and k != key}
        yield f'**`"{key}": "{name}"`** {_prose(kind.get("description", ""))}\n'
        if own:
            yield _table(own, kind.get("required", ()), path)
    for name in ordered:
        for key, value in kinds[name]["properties"].items():
            yield from _inside(f"{path}.{key}", value, known)


def _target(schema: dict[str, Any], known: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = known[schema["$ref"].rpartition("/")[2]]
    return found


def _table(properties: dict[str, Any], required: tuple[str, ...] | list[str], path: str) -> str:
    lines = ["| key | value | default | |", "|---|---|---|---|"]
    for key, schema in properties.items():
        default = "needed" if key in required else _default(schema)
        inner = f"{path}.{key}" if path else key
        cells = (f"`{key}`", _type(schema, inner), default, _prose(schema.get("description") or ""))
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join([*lines, ""])


def _default(schema: dict[str, Any]) -> str:
    default = schema.get("default")
    if default is None or isinstance(default, dict):
        return ""
    return f"`{json.dumps(default)}`"


def _type(schema: dict[str, Any], path: str) -> str:
    """Say in words what a value may be."""
    if "$ref" in schema or "oneOf" in schema:
        return f"[object](#{_anchor(path)})"
    if "const" in schema:
        return f"`{json.dumps(schema['const'])}`"
    if "enum" in schema:
        return ", ".join(f"`{json.dumps(value)}`" for value in schema["enum"])
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(_type(one, path) for one in schema["anyOf"]))
    kind = schema.get("type")
    if isinstance(kind, list):
        return " or ".join(_type({**schema, "type": one}, path) for one in kind)
    if kind == "array" and "prefixItems" in schema:
        return f"list of {len(schema['prefixItems'])}, each {_type(schema['prefixItems'][0], f'{path}[]')}"
    if kind == "array":
        return f"list of {_type(schema.get('items', {}), f'{path}[]')}"
    if kind == "object":
        values = schema.get("additionalProperties")
        return f"object of {_type(values, path)}" if isinstance(values, dict) else "object"
    if kind in {"number", "integer"}:
        given = [(words, schema[key]) for key, words in NUMBERS if abs(schema.get(key, HUGE)) < HUGE]
        bounds = [f"{words} {bound:g}" for words, bound in given]
        return " ".join(["whole number" if kind == "integer" else "number", " and ".join(bounds)]).strip()
    return {"string": "text", "boolean": "true or false", "null": "null"}.get(str(kind), "any value")


def _anchor(path: str) -> str:
    """Return the name that a renderer gives to the heading of a path."""
    return "".join(letter for letter in path.lower() if letter.isalnum() or letter in "_- ")


def _prose(text: str) -> str:
    """Join the first paragraph of a docstring or a description; names of JSON values stand in code."""
    return " ".join(text.partition("\n\n")[0].split())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
