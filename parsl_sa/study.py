"""`Study` and `Results`: what scripts and the command line call."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from parsl_sa.errors import Fault, SpecError, StudyError
from parsl_sa.launch import planning
from parsl_sa.launch.supervise import Supervisor
from parsl_sa.launch.trial import describe, read_faults
from parsl_sa.spec import load_spec, science
from parsl_sa.studydir import StudyDir

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd
    import xarray as xr


class Study:
    """A spec that can be checked and launched.

    Parameters
    ----------
    path : Path
        The spec file.

    Examples
    --------
    Launch it on this machine and look at one quantity::

        from parsl_sa import Study

        results = Study.load("apps/ishigami/spec.json").launch(site="local")
        results["y"]["ST"].to_series()
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def load(cls, path: str | Path) -> Study:
        """Read a spec file.

        Raises
        ------
        SpecError
            With every fault found in it.
        """
        planning.read_spec(Path(path))
        return cls(Path(path))

    def check(self, site: str | None = None, ranks: int | None = None) -> dict[str, Any]:
        """Try the model and estimate what the study takes.

        Returns
        -------
        dict
            Forwards, lease size, memory in bytes, estimated seconds, and more.

        Raises
        ------
        SpecError
            If spec or model is at fault.
        """
        return describe(planning.check(self.path, site, ranks))

    def launch(
        self,
        directory: str | Path | None = None,
        site: str | None = None,
        ranks: int | None = None,
        plan: str | Path | None = None,
        watch: Callable[[dict[str, Any]], None] | None = None,
    ) -> Results:
        """Run the study to its end and return its results; one that is finished already is not run again.

        Parameters
        ----------
        directory : str or Path, optional
            The study directory; by default a new one in `runs`.
        site : str, optional
            Instead of the spec's ``farm.site``.
        ranks : int, optional
            Instead of the spec's ``farm.clients.ranks``.
        plan : str or Path, optional
            A frozen plan to use again, for identical bits.
        watch : callable, optional
            Called with a status record a few times a second.

        Raises
        ------
        SpecError
            If spec or model is at fault, or the directory holds another study; nothing was started.
        StudyError
            If the study failed or was stopped before it had any result.
        """
        spec = planning.read_spec(self.path, site, ranks)
        where = Path(directory) if directory is not None else new_directory(spec.name)
        study = finished(self.path, where, site, ranks)
        if study is not None:
            return Results.open(study.root)
        study = planning.prepare(self.path, where, site, ranks, Path(plan) if plan is not None else None)
        return _finish(study, run(study, watch))


class Results:
    """The results of a study, finished or not.

    Parameters
    ----------
    datasets : dict of str to xarray.Dataset
        One a quantity of interest.
    attrs : dict
        Provenance.
    directory : Path
        The study directory.
    """

    def __init__(self, datasets: dict[str, xr.Dataset], attrs: dict[str, Any], directory: Path) -> None:
        self.datasets = datasets
        self.attrs = attrs
        self.directory = directory

    @classmethod
    def open(cls, directory: str | Path) -> Results:
        """Open the results of a study directory.

        Notes
        -----
        Of a study that is still running, or was killed, these are the results at its newest common
        checkpoint; ``attrs["finished"]`` is False then, and ``attrs["n_used"]`` says how far it had come.

        Raises
        ------
        StudyError
            If there is no study, or nothing durable yet.
        """
        from parsl_sa.results import store  # noqa: PLC0415 - xarray is half a second

        study = existing(Path(directory))
        if study.results.exists():
            datasets, attrs = store.open_store(study.results)
            if attrs.get("finished"):
                return cls(datasets, attrs, study.root)
        from parsl_sa.reducer.harvest import harvest  # noqa: PLC0415 - numba is another

        return cls(*harvest(study), study.root)

    @property
    def names(self) -> list[str]:
        """Names of the quantities of interest."""
        return list(self.datasets)

    def __getitem__(self, name: str) -> xr.Dataset:
        """Return the dataset of one quantity."""
        return self.datasets[name]

    def to_json(self) -> dict[str, Any]:
        """Return the summary that `parsl-sa results --json` prints."""
        from parsl_sa.results import summary  # noqa: PLC0415 - see `open`

        return summary.to_json(self.datasets, self.attrs)

    def to_dataframe(self) -> pd.DataFrame:
        """Return one row an output, parameter and statistic."""
        from parsl_sa.results import summary  # noqa: PLC0415 - see `open`

        return summary.to_dataframe(self.datasets)

    def __repr__(self) -> str:
        used, planned = self.attrs["n_used"], self.attrs["n_planned"]
        return f"<Results of {self.attrs['name']}: {', '.join(self.names)}; n = {used} of {planned}>"


def run(study: StudyDir, watch: Callable[[dict[str, Any]], None] | None = None) -> int:
    """Run or resume a prepared study; return the exit status of the command.

    Raises
    ------
    SpecError
        If a probe in a block has found the model at fault, or another process runs the study.
    StudyError
        If the coordinator dies again and again.
    """
    code = Supervisor(study, watch or (lambda status: None)).run()  # noqa: ARG005 - nobody watches
    read_faults(study.root)
    return code


def finished(
    path: Path, directory: Path, site: str | None = None, ranks: int | None = None
) -> StudyDir | None:
    """Return the study in a directory if it is that of a spec, finished; None if the directory is free.

    Parameters
    ----------
    path : Path
        The spec.
    directory : Path
        Where the study is to be.
    site, ranks : optional
        Instead of what the spec says.

    Raises
    ------
    SpecError
        If the directory holds this study unfinished, or another one.
    """
    spec = planning.read_spec(path, site, ranks)
    study = StudyDir(directory.resolve())
    if not study.exists():
        study.require_free()
        return None
    changed = planning.changed_files(spec, study.read_plan()) if study.plan.exists() else []
    if science(load_spec(study.spec)) != science(spec):
        text = "holds another study: model, inputs, design, outputs or statistics differ"
    elif changed:
        text = f"holds a study of another model: {', '.join(changed)} changed since"
    elif study.read_status().get("stage") == "done":
        return study
    else:
        raise SpecError([Fault(str(directory), f"holds this study, unfinished: parsl-sa resume {directory}")])
    raise SpecError([Fault(str(directory), f"{text}; choose another --dir")])


def existing(directory: Path) -> StudyDir:
    """Return the study in a directory.

    Raises
    ------
    SpecError
        If there is none.
    """
    study = StudyDir(directory.resolve())
    if not study.exists():
        raise SpecError([Fault(str(directory), "is not a study directory (no spec.json and journal.jsonl)")])
    return study


def new_directory(name: str, base: Path = Path("runs")) -> Path:
    """Return the next free directory for a study: `runs/NAME-001`, `runs/NAME-002`, ...

    Examples
    --------
    >>> new_directory("wing", Path("nowhere")).as_posix()
    'nowhere/wing-001'
    """
    pattern = re.compile(re.escape(name) + r"-(\d{3,})")
    taken = [int(match[1]) for path in base.glob(f"{name}-*") if (match := pattern.fullmatch(path.name))]
    return base / f"{name}-{max(taken, default=0) + 1:03d}"


def _finish(study: StudyDir, code: int) -> Results:
    reason = str(study.read_status().get("reason") or "the study failed")
    if code == 2:
        raise SpecError([Fault("", reason)])
    if code == 4:
        raise StudyError(reason)
    return Results.open(study.root)
