"""The plug-in tables resolve, and a wrong name lists the right ones."""

from __future__ import annotations

import pytest

from parsl_sa.errors import ParslSaError
from parsl_sa.registry import TABLES, UnknownPluginError, names, resolve

ENTRIES = [(family, name) for family, table in TABLES.items() for name in table]


@pytest.mark.parametrize(("family", "name"), ENTRIES)
def test_an_entry_resolves_to_what_its_line_says(family: str, name: str) -> None:
    found = resolve(family, name)
    module, _, attribute = TABLES[family][name].partition(":")
    assert callable(found)
    assert (found.__module__, found.__name__) == (module, attribute)


@pytest.mark.parametrize("family", TABLES)
def test_names_are_those_of_the_table_in_its_order(family: str) -> None:
    assert names(family) == tuple(TABLES[family])
    assert len(set(TABLES[family].values())) == len(TABLES[family])


@pytest.mark.parametrize("family", TABLES)
def test_an_unknown_name_lists_the_known_ones(family: str) -> None:
    with pytest.raises(UnknownPluginError) as caught:
        resolve(family, "nonsense")
    assert str(caught.value) == f"unknown {family} 'nonsense'; known: {', '.join(TABLES[family])}"
    assert isinstance(caught.value, ParslSaError)
    assert isinstance(caught.value, KeyError)
