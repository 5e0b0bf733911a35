"""Rows go to table libraries whole, with the types that they have."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import attrs
import duckdb
import pandas as pd  # type: ignore[import-untyped]
import polars as pl
import pyarrow as pa  # type: ignore[import-untyped]
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tcia_client

METHODS: list[tuple[str, list[str]]] = [
    ("get_collection_values", []),
    ("get_modality_values", []),
    ("get_body_part_values", []),
    ("get_manufacturer_values", []),
    ("get_patient", []),
    ("patients_by_modality", ["collection", "modality"]),
    ("get_patient_study", []),
    ("get_series", []),
    ("get_series_size", ["series_instance_uid"]),
    ("get_sop_instance_uids", ["series_instance_uid"]),
    ("new_patients_in_collection", ["date", "collection"]),
    ("new_studies_in_patient_collection", ["date", "collection"]),
    ("contents_by_name", ["name"]),
]
SERIES = {
    "series_instance_uid": pl.String,
    "modality": pl.Categorical,
    "series_date": pl.Date,
    "body_part_examined": pl.Categorical,
    "series_number": pl.Int64,
    "collection": pl.String,
    "image_count": pl.Int64,
}


@pytest.fixture(scope="module")
def one(client: tcia_client.Client) -> dict[str, str]:
    """Values to ask with."""
    series = client.get_series()[0]
    return {
        "collection": series.collection,
        "modality": series.modality,
        "series_instance_uid": series.series_instance_uid,
        "date": "1990-01-01",
        "name": "demo-first-look",
    }


@pytest.mark.parametrize(("method", "keys"), METHODS, ids=[m for m, _ in METHODS])
def test_every_endpoint_gives_a_table_of_the_same_values(
    client: tcia_client.Client, one: dict[str, str], method: str, keys: list[str]
) -> None:
    rows = getattr(client, method)(**{key: one[key] for key in keys})
    assert len(rows) > 0
    expected = [attrs.asdict(row) for row in rows]
    assert pa.table(rows).to_pylist() == expected
    assert pl.DataFrame(rows).to_dicts() == expected


def test_polars_takes_types(client: tcia_client.Client) -> None:
    frame = pl.DataFrame(client.get_series())
    assert {name: frame.schema[name] for name in SERIES} == SERIES
    assert frame["series_number"].null_count() == sum(
        row.series_number is None for row in client.get_series()
    )


def test_duckdb_asks_in_sql(client: tcia_client.Client) -> None:
    rows = client.get_series()
    found = duckdb.execute(
        "select modality, sum(image_count)::int, min(series_date) from rows group by all"
    ).fetchall()
    assert ("CT", sum(r.image_count for r in rows if r.modality == "CT"), date(1995, 9, 3)) in found


def test_pandas_takes_types(client: tcia_client.Client) -> None:
    rows = client.get_series()
    frame = pd.DataFrame.from_arrow(rows)
    assert frame["modality"].dtype == "category"
    assert frame["image_count"].dtype == "int64"
    assert frame["series_date"].dropna().map(type).eq(date).all()
    assert frame["image_count"].sum() == sum(row.image_count for row in rows)


def test_pandas_by_its_constructor_is_told_the_right_call(fleet_rows: Any) -> None:
    with pytest.raises(TypeError, match=r"pandas\.DataFrame\.from_arrow\(rows\)"):
        pd.DataFrame(fleet_rows.rows())


def test_no_rows_keep_their_columns(client: tcia_client.Client) -> None:
    rows = client.get_series()
    none = client.get_series(collection="no such collection")
    assert none == []
    assert pa.table(none).schema == pa.table(rows).schema
    assert pl.DataFrame(none).schema == pl.DataFrame(rows).schema
    assert duckdb.from_arrow(none).columns == pa.table(rows).column_names
    assert list(pd.DataFrame.from_arrow(none).columns) == pa.table(rows).column_names


def test_every_kind_has_its_type(fleet_rows: Any) -> None:
    table = pa.table(fleet_rows.rows())
    assert table.schema.types == [
        pa.string(),
        pa.dictionary(pa.int32(), pa.string()),
        pa.string(),
        pa.int64(),
        pa.decimal128(38, 18),
        pa.bool_(),
        pa.date32(),
        pa.timestamp("us"),
        pa.time64("us"),
    ]
    assert table.to_pylist() == [attrs.asdict(row) for row in fleet_rows.rows()]


def test_a_time_with_an_offset_is_brought_to_utc(fleet_rows: Any) -> None:
    seen = datetime(2020, 1, 31, 12, tzinfo=timezone(timedelta(hours=2)))
    rows = fleet_rows.rows(fleet_rows.Vessel(last_seen_at=seen))
    (found,) = pa.table(rows)["last_seen_at"].to_pylist()
    assert found.replace(tzinfo=UTC) == seen


def test_half_a_surrogate_pair_is_replaced(fleet_rows: Any) -> None:
    rows = fleet_rows.rows(fleet_rows.Vessel(vessel_id="a\ud800b"), fleet_rows.whole)
    assert pa.table(rows)["vessel_id"].to_pylist() == ["a\ufffdb", fleet_rows.whole.vessel_id]


@pytest.mark.parametrize(
    ("name", "value", "kind"),
    [
        ("crew_count", "many", "integer"),
        ("crew_count", 2**70, "integer"),
        ("crew_count", 1.5, "integer"),
        ("crew_count", True, "integer"),
        ("built_on", 20200131, "date"),
        ("built_on", datetime(2020, 1, 31), "date"),
        ("last_seen_at", "yesterday", "dateTime"),
        ("watch_begins", 6, "time"),
        ("is_moored", 1, "boolean"),
        ("vessel_id", 7, "string"),
        ("flag", 7, "string"),
        ("survey_uid", 1.2, "uid"),
        ("gross_tonnage", Decimal("1E-19"), "decimal"),
        ("gross_tonnage", Decimal("1E+21"), "decimal"),
        ("gross_tonnage", 1.5, "decimal"),
    ],
)
def test_a_value_that_fits_no_column_is_named(
    fleet_rows: Any, name: str, value: object, kind: str
) -> None:
    rows = fleet_rows.rows(fleet_rows.whole, fleet_rows.Vessel(**{name: value}))
    with pytest.raises(ValueError, match=f"row 2: {name} is .* does not fit .* kind {kind}"):
        pl.DataFrame(rows)


@given(
    st.lists(
        st.tuples(
            st.text(max_size=5),
            st.none() | st.integers(-(2**63), 2**63 - 1),
            st.none() | st.decimals(-(10**12), 10**12, places=6),
            st.none() | st.dates(),
            st.none() | st.datetimes(),
            st.none() | st.times(),
        ),
        max_size=5,
    )
)
def test_whatever_rows_hold_comes_back(fleet_rows: Any, values: list[tuple[Any, ...]]) -> None:
    names = ["vessel_id", "crew_count", "gross_tonnage", "built_on", "last_seen_at", "watch_begins"]
    rows = tcia_client.RowList(
        [fleet_rows.Vessel(**dict(zip(names, row, strict=True))) for row in values],
        fleet_rows.attributes,
    )
    assert pa.table(rows).to_pylist() == [attrs.asdict(row) for row in rows]


def test_without_pyarrow_the_extra_is_named(client: tcia_client.Client, python: Any) -> None:
    source = f"""
        import sys
        sys.modules["pyarrow"] = None
        import tcia_client, polars
        with tcia_client.Client(base_url={client.base_url!r}) as client:
            rows = client.get_collection_values()
        try:
            polars.DataFrame(rows)
        except ImportError as error:
            print(error)
    """
    assert python(source).stdout == (
        "tables need pyarrow; install tcia_client with its extra 'arrow'\n"
    )
