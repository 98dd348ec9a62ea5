"""What validated of a spec, object by object: the ground that rules across fields stand on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from parsl_sa.errors import Fault

if TYPE_CHECKING:
    from pydantic import BaseModel

Steps = tuple[str | int, ...]


@dataclass(frozen=True)
class Finding:
    """A fault whose place is still a path of keys and indices.

    Parameters
    ----------
    steps : tuple of str or int
        Keys and list indices from the root of the spec.
    message : str
        What is wrong and its cure.
    """

    steps: Steps
    message: str

    def fault(self) -> Fault:
        """Return it with its place written out."""
        return Fault(place_of(self.steps), self.message)


def place_of(steps: Steps) -> str:
    """Write a path of keys and indices the way a user reads it.

    Examples
    --------
    >>> place_of(("inputs", "parameters", 2, "high"))
    'inputs.parameters[2].high'
    """
    text = ""
    for step in steps:
        if step == "" and text.endswith("template"):  # the only tensor of a template, which has no name
            continue
        if isinstance(step, int):
            text += f"[{step}]"
        elif step.replace("_", "").replace("-", "").isalnum():
            text += f".{step}" if text else step
        else:
            text += f"[{step!r}]"
    return text


class Broken:
    """Where the field level found faults.

    Parameters
    ----------
    findings : iterable of Finding
        The faults of the field level.
    """

    def __init__(self, findings: Iterable[Finding]) -> None:
        self._keys: dict[Steps, set[str | int]] = {}
        self._whole: set[Steps] = set()
        for finding in findings:
            self._whole.add(finding.steps)
            for depth, step in enumerate(finding.steps):
                self._keys.setdefault(finding.steps[:depth], set()).add(step)

    def at(self, steps: Steps) -> bool:
        """Tell whether that very place was found faulty."""
        return steps in self._whole

    def under(self, steps: Steps) -> set[str | int]:
        """Return the keys of that object that are faulty, or have something faulty inside."""
        return self._keys.get(steps, set())


@dataclass(frozen=True)
class Part:
    """One object of a spec, reduced to what validated.

    Parameters
    ----------
    steps : tuple of str or int
        Where it stands.
    values : mapping
        Its sound fields, defaults filled in.
    broken : frozenset of str or int
        Keys whose value is missing or faulty: no rule may conclude anything from them.
    lengths : mapping of str to int
        Lengths of its lists, also of those in which single entries are faulty.
    """

    steps: Steps
    values: Mapping[str, Any]
    broken: frozenset[str | int] = frozenset()
    lengths: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, kind: type[BaseModel], plain: Any, steps: Steps, broken: Broken) -> Part:
        """Keep the sound fields of what the user wrote for an object of that kind.

        Parameters
        ----------
        kind : type
            The class that the field level validated it with.
        plain : object
            What stands in the spec; None where nothing does.
        steps : tuple of str or int
            Where.
        broken : Broken
            What the field level found.
        """
        if broken.at(steps):
            # Missing or of the wrong kind: not even its defaults hold.
            return cls(steps, {}, frozenset(kind.model_fields))
        written: Mapping[str, Any] = plain if isinstance(plain, Mapping) else {}
        unusable = set(broken.under(steps))
        values: dict[str, Any] = {}
        for key, info in kind.model_fields.items():
            if key in unusable:
                continue
            if key in written:
                values[key] = written[key]
            elif info.is_required():
                unusable.add(key)
            else:
                values[key] = info.get_default(call_default_factory=True)
        lengths = {
            key: len(value)
            for key, value in written.items()
            if isinstance(value, list | tuple) and not broken.at((*steps, key))
        }
        return cls(steps, values, frozenset(unusable), lengths)

    def get(self, key: str) -> Any:
        """Return a sound value, or None where it is faulty or null."""
        return self.values.get(key)

    def finding(self, message: str, *keys: str | int) -> Finding:
        """Complain about this object or, with keys, about a place inside it."""
        return Finding((*self.steps, *keys), message)
