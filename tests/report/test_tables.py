from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr
from rich.cells import cell_len
from rich.console import Console, RenderableType

from parsl_sa.report.tables import counts, moments, quantity_view, results_view, truth_table

NAN = np.nan
Build = Callable[..., xr.Dataset]


def render(renderable: RenderableType, width: int) -> str:
    console = Console(width=width, color_system=None, force_terminal=True, legacy_windows=False)
    with console.capture() as capture:
        console.print(renderable)
    return capture.get()


def study(scalar: Build, field: Build) -> dict[str, xr.Dataset]:
    rng = np.random.default_rng(5)
    long_names = [f"boundary_layer.weights[{i}].left_eye" for i in range(60)]
    return {
        "CD": scalar([0.81, 0.12, 0.0003], half=[0.02, 0.012, 0.0001], units=["deg", "1", "kg m^-3"]),
        "L/D": scalar([0.557, NAN, 0.244], half=[0.02, NAN, 0.011], unit="1", names=["a[b]", "[red]x", "c"]),
        "none": scalar([NAN, NAN]),
        "bare": scalar([0.7, 0.2], half=NAN),
        "many": scalar(list(rng.dirichlet(np.ones(60))), names=long_names),
        "theta": field(64, 5),
        "moments": scalar([0.1])[["mean", "variance"]],
    }


@pytest.mark.parametrize("width", [80, 120, 200])
def test_nothing_is_wider_than_the_console(
    scalar: Build, field: Build, attrs: dict[str, object], width: int
) -> None:
    text = render(results_view(study(scalar, field), attrs), width)
    assert max(cell_len(line) for line in text.splitlines()) <= width


@pytest.mark.parametrize("width", [80, 200])
def test_no_number_is_cut(scalar: Build, field: Build, attrs: dict[str, object], width: int) -> None:
    text = render(results_view(study(scalar, field), attrs), width)
    for number in ("0.729  ± 0.020", "0.810  ± 0.020", "0.0003 ± 0.0001", "0.557 ± 0.020", "0.244 ± 0.011"):
        assert number in text
    assert "mean 0.009123 ± 0.000020   sd 0.000707 ± 0.000007" in text
    fields = text[text.index("theta (64 cells)") :]
    assert fields.count(" to ") >= 5
    assert all(line.count("(") == line.count(")") for line in fields.splitlines() if "to 0." in line)


def test_narrow_consoles_leave_columns_out_instead_of_squeezing_them(scalar: Build, field: Build) -> None:
    names = ["leading_edge_weight", "xtr_upper"]
    told = scalar([0.7254, 0.0547], half=0.0019, names=names, units=["deg", "chord"])
    narrow, wide = (render(quantity_view("y", told), width) for width in (78, 120))
    assert ("chord" in narrow, "chord" in wide) == (False, True)
    assert "ST, 0 to 1" in narrow
    cells = quantity_view("theta", field(64, 5))
    assert ("over cells" in render(cells, 60), "over cells" in render(cells, 120)) == (False, True)


@pytest.mark.parametrize("width", [80, 200])
def test_names_with_brackets_are_not_markup(scalar: Build, width: int) -> None:
    text = render(quantity_view("y[0]", scalar([0.8, 0.1], names=["a[bold]", "[red]x"])), width)
    assert "a[bold]" in text
    assert "[red]x" in text
    assert "y[0]" in text


def test_rows_stand_by_total_order_with_honest_ranks(scalar: Build) -> None:
    text = render(quantity_view("y", scalar([0.1, 0.6, 0.11], half=0.01)), 100)
    table = text[text.index("──") :].splitlines()[1:]
    rows = [line.split()[:2] for line in table if line.strip()]
    assert rows == [["1", "x2"], ["2-3", "x3"], ["2-3", "x1"]]


def test_undefined_is_a_word_not_a_number(scalar: Build) -> None:
    text = render(quantity_view("y", scalar([0.7, NAN])), 100)
    assert "undefined" in next(line for line in text.splitlines() if line.split()[:2] == ["-", "x2"])
    assert "nan" not in text.lower()


def test_a_constant_output_has_no_table(scalar: Build) -> None:
    text = render(quantity_view("y", scalar([NAN, NAN])), 100)
    assert "y is constant" in text
    assert "ST, 0 to 1" not in text


def test_only_so_many_parameters_are_shown_and_the_rest_is_summed_up(scalar: Build) -> None:
    ds = scalar(list(np.linspace(0.04, 0.001, 60)), half=1e-4)
    text = render(quantity_view("y", ds, limit=10), 100)
    assert "… and 50 more, ST at most 0.033" in text
    assert "x11 " not in text
    assert "x60" in render(quantity_view("y", ds, limit=None), 100)


def test_the_bar_grows_with_the_room(scalar: Build) -> None:
    widths = [
        render(quantity_view("y", scalar([1.0], half=0.001)), width).count("█") for width in (70, 80, 200)
    ]
    assert widths == sorted(widths)
    assert widths[-1] == 32


def test_the_counts_say_what_the_numbers_rest_on(attrs: dict[str, object]) -> None:
    assert counts(attrs) == (
        "airfoil · 4094 of 4096 bundles used · 2 dropped · azzini-rosati · ± is half the 95 % interval"
    )
    assert "unfinished" in counts({**attrs, "finished": False})
    assert "90 %" in counts({**attrs, "level": 0.9})


def test_the_unit_stands_with_the_moments(scalar: Build) -> None:
    assert moments(scalar([0.5], unit="N m")).endswith("[N m]")
    assert "[" not in moments(scalar([0.5], unit="1"))


def test_estimates_are_compared_with_the_truth(scalar: Build) -> None:
    ds = scalar([0.56, 0.44], S1=[0.31, 0.5], half=0.01, names=["x1", "x2"])
    truth = {
        "y": {
            "S1": {"x1": 0.3139, "x2": 0.4424},
            "ST": {"x1": 0.5576, "x2": 0.4424},
            "mean": 0.009120,
            "variance": 5.0e-7,
        }
    }
    for width in (80, 200):
        text = render(truth_table({"y": ds}, truth), width)
        lines = [line.split() for line in text.splitlines() if line.startswith("y ")]
        assert [line[-1] for line in lines] == ["yes", "no", "yes", "yes", "yes", "yes"]
        assert lines[0][1:-1] == ["S1", "of", "x1", "0.3100", "0.3139", "-0.0039", "0.0100"]


def test_truth_without_an_interval_is_not_judged(scalar: Build) -> None:
    ds = scalar([0.56], half=NAN)
    text = render(truth_table({"y": ds}, {"y": {"ST": {"x1": 0.5}}}), 80)
    assert text.splitlines()[-1].split()[-1] == "-"


def test_tables_do_not_import_matplotlib() -> None:
    code = (
        "import sys, parsl_sa.report.tables; sys.exit(any(m in sys.modules for m in ('matplotlib', 'torch')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_cells_with_names_have_a_line_each(field: Build) -> None:
    theta = field(24, 2).isel(side=0)
    named = theta.assign_coords(x=[f"class {k}" for k in range(12)])
    text = render(quantity_view("p", named), 80)
    lines = [line.strip() for line in text.splitlines() if line.strip().startswith("class ")]
    assert [line.split("  ")[0] for line in lines] == [f"class {k}" for k in range(12)]
    assert lines[0].endswith("-")  # its variance is 0: no ST
    assert all("±" in line for line in lines[1:])
    assert "class 0" not in render(quantity_view("p", theta), 80)
    more = field(28, 2).isel(side=0).assign_coords(x=[f"class {k}" for k in range(14)])
    assert "… and 2 more" in render(quantity_view("p", more), 80)
