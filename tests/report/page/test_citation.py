from __future__ import annotations

import inspect

import pytest

from parsl_sa.registry import names, resolve
from parsl_sa.report.page.citation import citation_file, papers, software


@pytest.mark.parametrize("estimator", names("estimator"))
def test_every_estimator_has_the_paper_that_its_code_names(estimator: str) -> None:
    cited = papers(estimator, fields=False)
    assert len(cited) == 2
    assert f"doi:{cited[1].doi}" in inspect.getdoc(resolve("estimator", estimator))


def test_what_a_study_does_not_use_is_not_cited() -> None:
    assert papers("", fields=True) == []
    assert len(papers("azzini-rosati", fields=True)) == 3


def test_the_software_is_cited_from_the_file_in_the_repository() -> None:
    text = citation_file()
    assert text.startswith("cff-version")
    assert software(text, "0.1.0").startswith("The parsl-sa developers. parsl-sa: sensitivity analysis of")
    assert software("", "") == "parsl-sa."
