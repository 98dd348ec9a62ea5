"""A study: a spec that can be checked and run, from a file or from a function."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from parsl_sa.launch import planning
from parsl_sa.launch.trial import INLINE, describe
from parsl_sa.launch.views import view_for
from parsl_sa.spec import load_spec, parse_spec, resolved, warnings
from parsl_sa.spec.problem import problem_of
from parsl_sa.study.advice import warn
from parsl_sa.study.directories import existing, finished, new_directory, require_same
from parsl_sa.study.function import spec_of
from parsl_sa.study.results import Results
from parsl_sa.study.run import Run, finish, run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from parsl_sa.spec import StudySpec
    from parsl_sa.studydir import StudyDir

    Watch = Callable[[dict[str, Any]], None]


class Study:
    """A spec that can be checked and run.

    Parameters
    ----------
    spec : StudySpec
        Resolved, its paths absolute.
    live : callable, optional
        The model itself, where the spec names a function of this process.

    Examples
    --------
    From a spec file, on this machine's farm::

        from parsl_sa import Study

        results = Study.load("apps/ishigami/spec.json").launch(site="local")
        results["y"]["ST"].to_series()

    From a function and a SALib problem, in this process:

    >>> from parsl_sa import Study
    >>> problem = {"num_vars": 2, "names": ["a", "b"], "bounds": [[0, 1], [0, 1]]}
    >>> study = Study.from_function(lambda x: x[:, 0] + 2 * x[:, 1], problem, n=1024)
    >>> results = study.launch(progress=False)
    >>> bool(abs(results["y"]["S1"].sel(parameter="b") - 0.8) < 0.05)
    True
    """

    def __init__(self, spec: StudySpec, live: Callable[..., Any] | None = None) -> None:
        self.spec = spec
        self._live = live

    @classmethod
    def load(cls, path: str | Path) -> Study:
        """Read a spec file.

        Raises
        ------
        SpecError
            With every fault found in it.
        """
        study = cls(planning.read_spec(Path(path)))
        warn(warnings(load_spec(path)))
        return study

    @classmethod
    def from_function(
        cls,
        function: Callable[..., Any],
        problem: Mapping[str, Any] | Sequence[Mapping[str, Any]],
        *,
        n: int = 1024,
        outputs: Sequence[str | Mapping[str, Any]] | None = None,
        name: str = "study",
        **spec: Any,
    ) -> Study:
        """Make a study of a function, a torch callable or a live `torch.nn.Module`.

        Parameters
        ----------
        function : callable
            Takes a batch of inputs, shape (batch, parameters), as an array or a tensor, and returns
            the outputs.
        problem : mapping or sequence of mapping
            A SALib problem, with its groups if it has any; or the parameters, or the whole ``inputs``, as a
            spec has them.
        n : int
            Number of base points, SALib's N.
        outputs : sequence of str or mapping, optional
            Names of the quantities of interest, or entries of a spec's ``outputs``. Several names
            select the columns of the output; where it is a dict, give entries with ``name`` and ``select``.
            By default the names that a SALib problem gives, else "y".
        name : str
            Name of the study.
        **spec
            Further parts of a spec: ``statistics``, ``stop``, and ``inputs``, ``design``, ``farm`` and
            ``model``, such as ``inputs={"groups": {"flow": ["a", "b"]}}``, which are laid over the defaults.

        Raises
        ------
        SpecError
            With every fault found.

        Notes
        -----
        The design is pick-freeze both ways, 2 d + 2 forwards a base point, unless ``design`` says otherwise;
        one way where ``inputs`` have a ``dependence``.
        A module is copied and evaluated in eval mode; the module at hand is left as it is. Modules that a
        plain function uses are put in eval mode.
        """
        plain = spec_of(function, problem, n=n, outputs=outputs, name=name, spec=spec)
        read = parse_spec(plain)
        warn(warnings(read))
        return cls(resolved(read, Path.cwd()), function)

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
        with self._loadable(self._on(site, ranks)) as spec:
            told = describe(planning.check_spec(spec))
        warn(told["warnings"])
        return told

    def launch(
        self,
        directory: str | Path | None = None,
        site: str | None = None,
        *,
        ranks: int | None = None,
        plan: str | Path | None = None,
        watch: Watch | None = None,
        progress: bool = True,
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
        progress : bool
            Whether to show progress, on a terminal or in a notebook; not where `watch` is given.

        Raises
        ------
        SpecError
            If spec or model is at fault, or the directory holds another study; nothing was started.
        StudyError
            If the study failed or was stopped before it had any result.
        """
        if directory is not None and self._live is None:
            held = finished(self._on(site, ranks), Path(directory))
            if held is not None:
                return Results.open(held.root)
        return _run(self._prepare(directory, site, ranks, plan), watch, progress)

    def resume(self, directory: str | Path, *, watch: Watch | None = None, progress: bool = True) -> Results:
        """Go on with this study from its last checkpoint, and return its results.

        Parameters
        ----------
        directory : str or Path
            The study directory; also one that another Python process made of the same function.
        watch, progress : optional
            As for `launch`.

        Raises
        ------
        SpecError
            If the directory holds no study, or another one.
        StudyError
            If the study failed or was stopped before it had any result.
        """
        study = existing(Path(directory))
        require_same(study, self.spec)
        if self._live is not None:
            from parsl_sa.models.loaders.live import register  # noqa: PLC0415 - torch

            register(self._live, Path(load_spec(study.spec).model.path).name)
        if study.read_status().get("stage") == "done":
            return Results.open(study.root)
        return _run(study, watch, progress)

    def start(
        self,
        directory: str | Path | None = None,
        site: str | None = None,
        *,
        ranks: int | None = None,
        plan: str | Path | None = None,
        watch: Watch | None = None,
    ) -> Run:
        """Run the study in the background; as `launch`, but returns at once what to wait for or stop."""
        return Run(self._prepare(directory, site, ranks, plan), watch)

    def _prepare(
        self, directory: str | Path | None, site: str | None, ranks: int | None, plan: str | Path | None
    ) -> StudyDir:
        where = Path(directory) if directory is not None else new_directory(self.spec.name)
        frozen = Path(plan) if plan is not None else None
        spec = self._on(site, ranks)
        with self._loadable(spec) as loadable:
            return planning.prepare_spec(loadable, where, frozen, bring=loadable is not spec, warn=warn)

    def _on(self, site: str | None, ranks: int | None) -> StudySpec:
        return planning.with_farm(self.spec, site, ranks)

    @contextmanager
    def _loadable(self, spec: StudySpec) -> Iterator[StudySpec]:
        """Turn a live module into a file that a farm can load, for a while, or say why it cannot be."""
        if self._live is None or spec.farm.site == INLINE:
            yield spec
            return
        from parsl_sa.models.export import export  # noqa: PLC0415 - torch

        with tempfile.TemporaryDirectory(prefix="parsl-sa-export-") as scratch:
            columns = len(spec.inputs.parameters)
            path = export(self._live, columns, Path(scratch) / "model.pt2", spec.model.dtype)
            model = spec.model.model_copy(update={"loader": "exported", "path": str(path), "arrays": "auto"})
            yield spec.model_copy(update={"model": model})

    @property
    def problem(self) -> dict[str, Any]:
        """The inputs as a SALib problem, such as `from_function` takes.

        Raises
        ------
        SpecError
            With every parameter that SALib has no words for.
        """
        return problem_of(self.spec)

    def __repr__(self) -> str:
        d, design = len(self.spec.uncertain), self.spec.design
        return f"<Study {self.spec.name}: {d} parameters, n = {design.n}, site {self.spec.farm.site}>"


def _run(study: StudyDir, watch: Watch | None, progress: bool) -> Results:
    """Run a prepared study in the foreground."""
    if watch is not None or not progress:
        return finish(study, run(study, watch))
    view = view_for()
    try:
        return finish(study, run(study, view.show))
    finally:
        view.close()
