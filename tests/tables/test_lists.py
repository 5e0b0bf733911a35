"""Rows are a list in all that one does with a list."""

import copy
import json
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import tcia_client

NUMBERS = st.lists(st.integers(0, 9), max_size=8)


def rows_of(values: list[int]) -> Any:
    return tcia_client.RowList(values, ())


@given(NUMBERS, NUMBERS, st.integers(0, 3))
def test_operators_give_what_a_list_gives(values: list[int], others: list[int], n: int) -> None:
    rows = rows_of(values)
    assert rows == values
    assert values == rows
    assert rows == rows_of(values)
    assert (rows != others) == (values != others)
    assert (rows < others) == (values < others)
    assert rows + others == rows + rows_of(others) == values + others
    assert others + rows == others + values
    assert rows * n == n * rows == values * n
    assert len(rows) == len(values)
    assert list(reversed(rows)) == list(reversed(values))
    assert sorted(rows, reverse=True) == sorted(values, reverse=True)
    assert [n in rows, bool(rows), [*rows]] == [n in values, bool(values), values]


@given(NUMBERS, NUMBERS, st.slices(8))
def test_changes_are_those_of_a_list(values: list[int], others: list[int], part: slice) -> None:
    rows, expected = rows_of(values), [*values]
    same = rows
    target: Any
    for target in (rows, expected):
        target.append(4)
        target.extend(others)
        target.insert(1, 7)
        target.reverse()
        target.sort()
        target.remove(4)
        target.__iadd__(others)
        target[0] = 3
        target[1:2] = others
        del target[part]
    assert rows == expected
    assert rows is same
    assert rows[part] == expected[part]
    assert rows.count(3) == expected.count(3)
    rows.clear()
    assert rows == []


def test_parts_and_copies_are_tables_too(fleet_rows: Any) -> None:
    rows = fleet_rows.rows()
    parts = [rows[:1], rows[::-1], rows + rows, rows * 2, rows.copy(), copy.copy(rows)]
    parts.append(copy.deepcopy(rows))
    for part in parts:
        assert isinstance(part, tcia_client.RowList)
        assert part.attributes == rows.attributes
    assert rows[0] is fleet_rows.whole
    assert rows[:1] == [fleet_rows.whole]


def test_rows_pickle(client: tcia_client.Client) -> None:
    rows = client.get_series()
    again = pickle.loads(pickle.dumps(rows))
    assert again == rows
    assert again.attributes == rows.attributes
    assert len(again) == 61


def test_rows_cannot_be_hashed_as_lists_cannot(fleet_rows: Any) -> None:
    with pytest.raises(TypeError, match="unhashable"):
        hash(fleet_rows.rows())


def test_importing_and_calling_the_package_loads_no_extra(
    client: tcia_client.Client, python: Any
) -> None:
    source = f"""
        import sys, json, tcia_client
        before = [*sys.modules]
        with tcia_client.Client(base_url={client.base_url!r}) as client:
            made = [*sys.modules]
            count = len(client.get_series())
        print(json.dumps([before, made, [*sys.modules], count]))
    """
    before, made, after, count = json.loads(python(source).stdout)
    extras = {"pyarrow", "polars", "pandas", "duckdb", "platformdirs"}
    assert count == 61
    assert extras.isdisjoint(after)
    assert {*extras, "click", "rich", "httpx", "msgspec", "urllib3"}.isdisjoint(made)
    assert "attrs" not in before
