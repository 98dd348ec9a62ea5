"""Estimators in the form of scikit-learn, from a file or from a function."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from parsl_sa.errors import ModelError
from parsl_sa.models import Evaluator, load
from parsl_sa.models.inputs import Assembler
from parsl_sa.models.probing import check_order
from support.requirements import require_module

if TYPE_CHECKING:
    from pathlib import Path

ROWS = np.random.default_rng(0).standard_normal((40, 3))
LABELS = np.where(ROWS[:, 0] > 0, "up", "down")


@pytest.fixture(autouse=True)
def needs_sklearn() -> None:
    require_module("sklearn")


def stored(folder: Path, estimator: Any) -> None:
    (folder / "net.pkl").write_bytes(pickle.dumps(estimator))


def loaded(folder: Path, **model: Any) -> Any:
    return load({"path": "net.pkl", "trust": True, **model}, folder)


def test_a_classifier_gives_probabilities_unless_asked_otherwise(tmp_path: Path) -> None:
    from sklearn.linear_model import LogisticRegression

    fitted = LogisticRegression().fit(ROWS, LABELS)
    stored(tmp_path, fitted)
    model = loaded(tmp_path)
    np.testing.assert_array_equal(model(ROWS), fitted.predict_proba(ROWS))
    assert any("predict_proba" in remark and "classes down, up" in remark for remark in model.remarks)
    margin = loaded(tmp_path, method="decision_function")
    np.testing.assert_array_equal(margin(ROWS), fitted.decision_function(ROWS))
    with pytest.raises(
        ModelError,
        match=r"model\.method: .*no 'predict_probs'.*did you mean "
        "'predict_proba'",
    ):
        loaded(tmp_path, method="predict_probs")


def test_a_classifier_without_probabilities_gives_its_margin(tmp_path: Path) -> None:
    from sklearn.svm import LinearSVC

    stored(tmp_path, LinearSVC().fit(ROWS, LABELS))
    assert "decision_function" in loaded(tmp_path).remarks[-1]


def test_a_regressor_uses_one_thread_and_float64(tmp_path: Path) -> None:
    from sklearn.ensemble import RandomForestRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    forest = RandomForestRegressor(5, n_jobs=2, random_state=0)
    stored(tmp_path, make_pipeline(StandardScaler(), forest).fit(ROWS, ROWS[:, 1]))
    model = loaded(tmp_path)
    assert (model.dtype, model.inputs[0].shape) == ("float64", (None, 3))
    assert model.function.estimator.steps[1][1].n_jobs == 1
    with pytest.raises(ModelError, match="5 columns, one a parameter, but the model takes 3"):
        Evaluator(model, [{"name": "y"}], Assembler(5)).probe(np.zeros((4, 5)))


def test_columns_by_name(tmp_path: Path) -> None:
    require_module("pandas")
    import pandas as pd
    from sklearn.compose import make_column_transformer
    from sklearn.linear_model import LinearRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    table = pd.DataFrame(ROWS, columns=["a", "b", "c"])
    columns = make_column_transformer((StandardScaler(), ["c", "a"]), remainder="drop")
    fitted = make_pipeline(columns, LinearRegression()).fit(table, 2 * ROWS[:, 2])
    stored(tmp_path, fitted)
    model = loaded(tmp_path)
    np.testing.assert_allclose(model(ROWS), 2 * ROWS[:, 2], atol=1e-12)
    assert any("the parameters are taken for a, b, c, in this order" in remark for remark in model.remarks)
    for names in (["a", "b", "c"], ["width", "b", "c"]):
        check_order(model, {"columns": names})
    with pytest.raises(
        ModelError, match="fitted on the columns a, b, c, and the spec has them in another order"
    ):
        check_order(model, {"columns": ["b", "a", "c"]})


def test_a_function_may_return_one(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(
        "import numpy as np\nfrom sklearn.linear_model import LinearRegression\n"
        "def load():\n    x = np.eye(3)\n    return LinearRegression().fit(x, x[:, 0])\n"
    )
    model = load({"path": "net.py:load"}, tmp_path)
    np.testing.assert_allclose(model(np.eye(3)), [1, 0, 0], atol=1e-12)
    assert model.arrays == "numpy"


def test_what_it_cannot_do_is_refused(tmp_path: Path) -> None:
    from sklearn.linear_model import LinearRegression

    stored(tmp_path, LinearRegression().fit(ROWS, ROWS[:, 0]))
    for key, value in {"trust": False, "mode": "dropout", "options": {"a": 1}}.items():
        with pytest.raises(ModelError) as caught:
            loaded(tmp_path, **{key: value})
        assert caught.value.faults[0].place == f"model.{key}"
    stored(tmp_path, {1, 2})
    with pytest.raises(ModelError, match="holds a set, which has no method 'predict'"):
        loaded(tmp_path, loader="sklearn")
