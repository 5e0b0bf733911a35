"""Rows are a list to Python, to its standard library and to other libraries."""

import copy
import json
import pickle
import random
from typing import Any

import attrs
import pandas as pd  # type: ignore[import-untyped]
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tcia_client

NUMBERS = st.lists(st.integers(0, 9), max_size=8)


def rows_of(values: list[int]) -> Any:
    return tcia_client.Rows(values, ())


@given(NUMBERS, NUMBERS, st.integers(0, 3))
def test_operators_return_the_same_as_a_list(values: list[int], others: list[int], n: int) -> None:
    rows = rows_of(values)
    assert rows == values
    assert values == rows
    assert rows == rows_of(values)
    assert (rows != others) == (values != others)
    assert (rows < others) == (values < others)
    assert rows + others == rows + rows_of(others) == values + others
    assert others + rows == others + values
    assert type(rows + others) is type(rows * n) is type(n * rows) is tcia_client.Rows
    assert rows * n == n * rows == values * n
    assert len(rows) == len(values)
    assert list(reversed(rows)) == list(reversed(values))
    assert sorted(rows, reverse=True) == sorted(values, reverse=True)
    assert [n in rows, bool(rows), [*rows]] == [n in values, bool(values), values]


@given(NUMBERS, NUMBERS, st.slices(8))
def test_mutations_have_the_same_result_as_on_a_list(
    values: list[int], others: list[int], part: slice
) -> None:
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


def test_parts_and_copies_are_rows(fleet_rows: Any) -> None:
    rows = fleet_rows.rows()
    parts = [rows[:1], rows[::-1], rows + rows, rows * 2, rows.copy(), copy.copy(rows)]
    parts.append(copy.deepcopy(rows))
    for part in parts:
        assert isinstance(part, tcia_client.Rows)
        assert part.attributes == rows.attributes
    assert rows[0] is fleet_rows.whole
    assert rows[:1] == [fleet_rows.whole]


def test_rows_are_an_instance_of_list(fleet_rows: Any) -> None:
    rows = fleet_rows.rows()
    assert isinstance(rows, list)
    match rows:
        case [first, _second]:
            assert first is fleet_rows.whole
        case _:
            pytest.fail("rows do not match a sequence pattern")


def test_standard_library_accepts_rows(client: tcia_client.Client) -> None:
    rows = client.get_modality_values()
    assert {row.modality for row in random.sample(rows, 3)} < {row.modality for row in rows}
    text = json.dumps(rows, default=attrs.asdict)
    assert json.loads(text) == [{"modality": row.modality} for row in rows]


def test_pandas_series_holds_the_rows(client: tcia_client.Client) -> None:
    rows = client.get_series()
    series = pd.Series(rows)
    assert series.tolist() == rows
    assert series.map(lambda row: row.image_count).sum() == sum(r.image_count for r in rows)


def test_pickle_of_rows_loads_equal_rows(client: tcia_client.Client) -> None:
    rows = client.get_series()
    again = pickle.loads(pickle.dumps(rows))
    assert again == rows
    assert again.attributes == rows.attributes
    assert len(again) == 61


def test_hash_of_rows_raises_as_a_list_does(fleet_rows: Any) -> None:
    with pytest.raises(TypeError, match="unhashable"):
        hash(fleet_rows.rows())


def test_import_and_call_load_no_extra(client: tcia_client.Client, python: Any) -> None:
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
