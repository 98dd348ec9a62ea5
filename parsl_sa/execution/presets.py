"""Site presets: where they are found, and the site that a spec asks for."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from parsl_sa.errors import Fault, SpecError
from parsl_sa.execution.options import with_options
from parsl_sa.execution.site import Site
from parsl_sa.spec.faults import translate
from parsl_sa.spec.fields import known_names

if TYPE_CHECKING:
    from parsl_sa.spec import FarmSpec

SITE_PATH = "PARSL_SA_SITES"
"""Environment variable: directories of the user's own presets, separated as in ``PATH``."""

_PACKAGE = Path(__file__).parent.parent
_SHIPPED = (_PACKAGE / "_shipped" / "clusters", _PACKAGE.parent / "configs" / "clusters")


def directories() -> list[Path]:
    """List where presets are looked for: the user's own directories first, then the shipped ones.

    Raises
    ------
    SpecError
        If a directory of the user does not exist.
    """
    own = [Path(part) for part in os.environ.get(SITE_PATH, "").split(os.pathsep) if part]
    faults = [
        Fault(SITE_PATH, f"'{path}' is no directory; correct the variable, or unset it")
        for path in own
        if not path.is_dir()
    ]
    if faults:
        raise SpecError(faults)
    return [*own, *_SHIPPED]


def presets() -> dict[str, Path]:
    """Return the known presets by name: one JSON file each; the first one of a name counts."""
    found: dict[str, Path] = {}
    for directory in directories():
        for path in sorted(directory.glob("*.json")):
            found.setdefault(path.stem, path)
    return found


def read_site(path: Path) -> Site:
    """Read a preset.

    Raises
    ------
    SpecError
        If the file is no preset; every fault with its place.
    """
    try:
        site = Site.model_validate(json.loads(path.read_text()))
    except ValidationError as error:
        found = [finding.fault() for finding in translate(error, Site)]
        raise SpecError([Fault(f"{path}: {fault.place}", fault.message) for fault in found]) from error
    except (OSError, ValueError) as error:
        raise SpecError([Fault(str(path), f"is not a site preset: {error}")]) from error
    if site.name != path.stem:
        text = f"must be '{path.stem}', after the file; it is '{site.name}'"
        raise SpecError([Fault(f"{path}: name", text)])
    return site


def site_of(farm: FarmSpec) -> Site:
    """Return the site of a farm: the preset that it names, with its options laid over it.

    Parameters
    ----------
    farm : FarmSpec
        ``farm.site`` is the name of a preset; what ``farm.options`` may hold depends on its provider,
        see `parsl_sa.execution.options`.

    Raises
    ------
    SpecError
        If the site or an option is unknown, or a value is wrong.
    """
    known = presets()
    if farm.site not in known:
        text = f"unknown site '{farm.site}'; {known_names(farm.site, tuple(sorted(known)))}"
        more = f"your own: one JSON file a site in a directory that {SITE_PATH} names"
        raise SpecError([Fault("farm.site", f"{text}; {more}")])
    return with_options(read_site(known[farm.site]), farm.options)
