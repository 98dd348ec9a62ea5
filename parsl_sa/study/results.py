"""The results of a study, as scripts and notebooks see them."""

from __future__ import annotations

import html
from pathlib import Path
from typing import TYPE_CHECKING, Any

from parsl_sa.errors import UnknownOutputError
from parsl_sa.study.directories import existing
from parsl_sa.study.notebook import show_figures
from parsl_sa.studydir import StudyDir

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd
    import xarray as xr
    from matplotlib.figure import Figure


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

    Notes
    -----
    ``results["CL"]`` is the dataset of a quantity; in a notebook the object shows itself as tables.
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
        SpecError
            If there is no study.
        StudyError
            If nothing is durable yet.
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
        """Return the dataset of one quantity.

        Raises
        ------
        UnknownOutputError
            If there is no such quantity; a `KeyError`.
        """
        if name not in self.datasets:
            raise UnknownOutputError(f"no output '{name}'; there are: {', '.join(self.datasets)}")
        return self.datasets[name]

    def to_json(self) -> dict[str, Any]:
        """Return the summary that `parsl-sa results --json` prints."""
        from parsl_sa.results import summary  # noqa: PLC0415 - see `open`

        return summary.to_json(self.datasets, self.attrs)

    def to_dataframe(self) -> pd.DataFrame:
        """Return one row an output and parameter, one column a statistic."""
        from parsl_sa.results import summary  # noqa: PLC0415 - see `open`

        return summary.to_dataframe(self.datasets)

    def plot(self) -> Figure:
        """Return a figure of S1 and ST, or of effects, with their intervals, one panel a quantity.

        Where it is the last value of a notebook's cell, it is shown there; ``figure.savefig(path)`` keeps it.
        """
        from parsl_sa.report.effects.bars import draw_effects  # noqa: PLC0415 - matplotlib
        from parsl_sa.report.figures import draw_indices  # noqa: PLC0415 - matplotlib

        show_figures()
        if any("effect" in ds for ds in self.datasets.values()):
            return draw_effects(self.datasets, self.attrs)
        return draw_indices(self.datasets, attrs=self.attrs)

    def report(self, folder: str | Path | None = None) -> Path:
        """Write the report: one HTML page that needs nothing else, and its figures as PNG, SVG and CSV.

        Parameters
        ----------
        folder : str or Path, optional
            Default: `report` in the study directory.

        Returns
        -------
        Path
            The page.
        """
        from parsl_sa.report.page.write import write_report  # noqa: PLC0415 - matplotlib is slow to import

        study = StudyDir(self.directory)
        where = Path(folder) if folder is not None else study.report
        return write_report(self.datasets, self.attrs, where, study.read_status(), _pictures(study))

    def _repr_html_(self) -> str:
        """Return the tables of the command line as HTML, for notebooks."""
        from io import StringIO  # noqa: PLC0415 - beside its use

        from rich.console import Console  # noqa: PLC0415 - slow to import

        from parsl_sa.report.tables import results_view  # noqa: PLC0415

        # Of itself rich would display in a notebook what it is asked to print.
        console = Console(record=True, width=110, file=StringIO(), force_terminal=False, force_jupyter=False)
        console.print(results_view(self.datasets, self.attrs))
        return f'<pre style="line-height:1.2">{html.escape(console.export_text())}</pre>'

    def __repr__(self) -> str:
        used, planned = self.attrs["n_used"], self.attrs["n_planned"]
        return f"<Results of {self.attrs['name']}: {', '.join(self.names)}; n = {used} of {planned}>"


def _pictures(study: StudyDir) -> npt.NDArray[np.uint8] | None:
    """Return the first base inputs as they look; None where there are none."""
    import numpy as np  # noqa: PLC0415 - for reports only

    return np.load(study.pictures) if study.pictures.is_file() else None
