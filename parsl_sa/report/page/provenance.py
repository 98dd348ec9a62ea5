"""Where the numbers come from: inputs, drops, versions and hashes, in the words of the spec."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from parsl_sa.report.page.ties import ties

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_SAID_ELSEWHERE = {"name", "unit", "description", "distribution", "digest"}
_MOST_SHOWN = 6
_BASE_SHOWN = ("layout", "rows", "columns", "size", "clip", "unit")


@dataclass(frozen=True)
class Input:
    """One entry of the model's input.

    Parameters
    ----------
    name, unit, description : str
        As the spec has them.
    distribution : str
        Its distribution in words.
    """

    name: str
    unit: str
    description: str
    distribution: str


def read_spec(attrs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the frozen spec that the results carry; empty if there is none."""
    spec = attrs.get("spec") or "{}"
    loaded: dict[str, Any] = json.loads(spec) if isinstance(spec, str) else dict(spec)
    return loaded


def inputs(spec: Mapping[str, Any]) -> list[Input]:
    """List the inputs of a spec with their distributions in words.

    Examples
    --------
    >>> parameter = {"name": "alpha", "distribution": "normal", "mean": 3.0, "sd": 0.25, "unit": "deg"}
    >>> inputs({"inputs": {"parameters": [parameter]}})[0].distribution
    'normal, mean 3, sd 0.25'
    >>> finish = {"name": "finish", "distribution": "categorical", "levels": ["rough", "smooth"]}
    >>> inputs({"inputs": {"parameters": [finish]}})[0].distribution
    'categorical, levels 0 = rough, 1 = smooth'
    """
    whole = spec.get("inputs", {})
    return [
        Input(
            str(one["name"]),
            str(one.get("unit", "")),
            str(one.get("description", "")),
            ", ".join([*_distribution(one), *ties(str(one["name"]), whole)]),
        )
        for one in whole.get("parameters", [])
    ]


def perturbed(spec: Mapping[str, Any]) -> list[str]:
    """Say which base inputs a study had, and how they were perturbed; nothing where it had none.

    Examples
    --------
    >>> base = {"path": "/data/cats", "layout": "HWC", "rows": None}
    >>> mask = {"kind": "mask", "grid": [7, 7], "baseline": "blur", "segments": None}
    >>> perturbed({"inputs": {"base": base, "perturbations": [mask]}})
    ['base inputs: cats, layout HWC', 'mask: grid [7, 7], baseline blur']
    """
    whole = spec.get("inputs", {})
    base = whole.get("base")
    if base is None:
        return []
    said = [f"{key} {_plain(base[key])}" for key in _BASE_SHOWN if base.get(key) is not None]
    lines = [", ".join([f"base inputs: {base['path'].rpartition('/')[2]}", *said])]
    for one in whole.get("perturbations", []):
        fields = [
            f"{key} {_plain(value)}" for key, value in one.items() if key != "kind" and value is not None
        ]
        lines.append(f"{one['kind']}: {', '.join(fields)}")
    return lines


def _distribution(parameter: Mapping[str, Any]) -> list[str]:
    """Return a distribution and its fields; nothing for a joint one, which its ties describe."""
    kind = str(parameter["distribution"])
    return [] if kind == "joint" else [kind, *_fields(parameter)]


def _fields(parameter: Mapping[str, Any]) -> list[str]:
    return [
        f"{name} {_coded(value) if name == 'levels' else _plain(value)}"
        for name, value in parameter.items()
        if name not in _SAID_ELSEWHERE and value is not None and value != {}
    ]


def _coded(levels: Sequence[Any]) -> str:
    """Name levels by the codes that the model gets.

    Examples
    --------
    >>> _coded(["rough", "smooth"])
    '0 = rough, 1 = smooth'
    """
    named = [f"{code} = {_plain(level)}" for code, level in enumerate(levels[:_MOST_SHOWN])]
    return ", ".join([*named, "…"] if len(levels) > _MOST_SHOWN else named)


def _plain(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, list):
        shown = [_plain(item) for item in value[:_MOST_SHOWN]]
        return "[" + ", ".join([*shown, "…"] if len(value) > _MOST_SHOWN else shown) + "]"
    if isinstance(value, dict):
        return ", ".join(f"{key} = {_plain(item)}" for key, item in value.items())
    return "open" if value is None else str(value)


def headline(attrs: Mapping[str, Any], spec: Mapping[str, Any]) -> list[str]:
    """List what stands under the title; what is not known is left out.

    Examples
    --------
    >>> headline({"n_used": 4094, "n_planned": 4096, "n_replicates": 16}, {})
    ['4,094 of 4,096 bundles', '16 replicates']
    """
    n_inputs = len(inputs(spec))
    known = [
        f"{attrs['n_used']:,} of {attrs.get('n_planned', 0):,} bundles" if "n_used" in attrs else "",
        f"{attrs['n_replicates']} replicates" if "n_replicates" in attrs else "",
        f"{attrs['n_forwards']:,} forwards" if "n_forwards" in attrs else "",
        f"{n_inputs:,} inputs" if n_inputs else "",
        str(attrs.get("created") or "")[:10],
    ]
    return [text for text in known if text]


def facts(attrs: Mapping[str, Any], spec: Mapping[str, Any]) -> list[tuple[str, str]]:
    """List what identifies a study, label and text; what is not known is left out."""
    design = spec.get("design", {})
    versions = attrs.get("versions") or {}
    known = [
        ("design", str(attrs.get("design") or "")),
        ("bundles", f"{int(attrs.get('n_used', 0)):,} used of {int(attrs.get('n_planned', 0)):,} planned"),
        ("replicates", _replicates(attrs, design)),
        ("forwards", f"{int(attrs['n_forwards']):,}" if "n_forwards" in attrs else ""),
        ("estimator", str(attrs.get("estimator") or "")),
        ("seed", str(attrs.get("seed", ""))),
        ("model", str(spec.get("model", {}).get("path", ""))),
        ("plan", str(attrs.get("plan") or "")),
        ("study", str(attrs.get("study") or "")),
        ("results written", _date(str(attrs.get("created") or ""))),
        ("hardware", ", ".join(f"{key} {value}" for key, value in (attrs.get("hardware") or {}).items())),
        ("versions", ", ".join(f"{name} {version}" for name, version in versions.items())),
    ]
    return [(label, text) for label, text in known if text]


def hashes(attrs: Mapping[str, Any]) -> list[tuple[str, str]]:
    """List the model's files and their digests."""
    return [(str(file), str(digest)) for file, digest in (attrs.get("model_hashes") or {}).items()]


def drops(attrs: Mapping[str, Any], limit: int = 50) -> tuple[list[tuple[str, int]], list[tuple[int, str]]]:
    """Return the reasons of the drops with their counts, and the first dropped bundles.

    Examples
    --------
    >>> drops({"dropped": [{"bundle": 3, "reason": "CD is NaN"}, {"bundle": 9, "reason": "CD is NaN"}]})
    ([('CD is NaN', 2)], [(3, 'CD is NaN'), (9, 'CD is NaN')])
    """
    dropped = attrs.get("dropped") or []
    if isinstance(dropped, int):
        return [("reason not recorded", dropped)], []
    listed = [(int(one["bundle"]), str(one["reason"])) for one in dropped]
    return Counter(reason for _, reason in listed).most_common(), listed[:limit]


def _replicates(attrs: Mapping[str, Any], design: Mapping[str, Any]) -> str:
    planned = f" of {design['replicates']}" if design.get("replicates") else ""
    return f"{attrs['n_replicates']}{planned} complete" if "n_replicates" in attrs else ""


def _date(iso: str) -> str:
    """Write an ISO time for people.

    Examples
    --------
    >>> _date("2026-11-25T02:44:32+00:00")
    '2026-11-25 02:44 UTC'
    """
    return f"{iso[:10]} {iso[11:16]} UTC" if iso.endswith("+00:00") else iso
