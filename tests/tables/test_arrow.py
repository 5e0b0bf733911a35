"""Rows convert to the tables of other libraries with their types."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import attrs
import duckdb
import polars as pl
import pyarrow as pa  # type: ignore[import-untyped]
import pytest
from hypothesis import given, settings
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
    """Values for queries."""
    series = client.get_series()[0]
    return {
        "collection": series.collection,
        "modality": series.modality,
        "series_instance_uid": series.series_instance_uid,
        "date": "1990-01-01",
        "name": "demo-first-look",
    }


@pytest.mark.parametrize(("method", "keys"), METHODS, ids=[m for m, _ in METHODS])
def test_to_arrow_every_endpoint_has_the_same_values(
    client: tcia_client.Client, one: dict[str, str], method: str, keys: list[str]
) -> None:
    rows = getattr(client, method)(**{key: one[key] for key in keys})
    assert len(rows) > 0
    expected = [attrs.asdict(row) for row in rows]
    assert rows.to_arrow().to_pylist() == expected
    assert rows.to_polars().to_dicts() == expected
    assert rows.to_pandas().columns.tolist() == [*expected[0]]


def test_to_polars_series_have_types(client: tcia_client.Client) -> None:
    frame = client.get_series().to_polars()
    assert {name: frame.schema[name] for name in SERIES} == SERIES
    assert frame["series_number"].null_count() == sum(
        row.series_number is None for row in client.get_series()
    )


def test_duckdb_queries_the_arrow_table(client: tcia_client.Client) -> None:
    rows = client.get_series()
    query = "select modality, sum(image_count)::int, min(series_date) from series group by all"
    found = duckdb.connect().register("series", rows.to_arrow()).execute(query).fetchall()
    assert ("CT", sum(r.image_count for r in rows if r.modality == "CT"), date(1995, 9, 3)) in found


def test_to_pandas_series_have_types(client: tcia_client.Client) -> None:
    rows = client.get_series()
    frame = rows.to_pandas()
    assert frame["modality"].dtype == "category"
    assert frame["image_count"].dtype == "int64"
    assert frame["series_date"].dropna().map(type).eq(date).all()
    assert frame["image_count"].sum() == sum(row.image_count for row in rows)


def test_capsule_interface_consumer_gets_all_rows(fleet_rows: Any) -> None:
    rows = fleet_rows.rows()
    assert pa.schema(rows) == rows.to_arrow().schema
    assert pa.RecordBatchReader.from_stream(rows).read_all() == rows.to_arrow()


def test_empty_result_has_the_same_columns(client: tcia_client.Client) -> None:
    rows = client.get_series()
    none = client.get_series(collection="no such collection")
    assert none == []
    assert none.to_arrow().schema == rows.to_arrow().schema
    assert none.to_polars().schema == rows.to_polars().schema
    assert duckdb.from_arrow(none.to_arrow()).columns == rows.to_arrow().column_names
    assert none.to_pandas().columns.tolist() == rows.to_arrow().column_names


def test_to_arrow_every_kind_has_its_type(fleet_rows: Any) -> None:
    table = fleet_rows.rows().to_arrow()
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


def test_to_arrow_time_with_offset_is_converted_to_utc(fleet_rows: Any) -> None:
    seen = datetime(2020, 1, 31, 12, tzinfo=timezone(timedelta(hours=2)))
    rows = fleet_rows.rows(fleet_rows.Vessel(last_seen_at=seen))
    (found,) = rows.to_arrow()["last_seen_at"].to_pylist()
    assert found.replace(tzinfo=UTC) == seen


def test_to_arrow_half_a_surrogate_pair_is_replaced(fleet_rows: Any) -> None:
    rows = fleet_rows.rows(fleet_rows.Vessel(vessel_id="a\ud800b"), fleet_rows.whole)
    assert rows.to_arrow()["vessel_id"].to_pylist() == ["a\ufffdb", fleet_rows.whole.vessel_id]


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
def test_to_polars_value_that_does_not_fit_is_named(
    fleet_rows: Any, name: str, value: object, kind: str
) -> None:
    rows = fleet_rows.rows(fleet_rows.whole, fleet_rows.Vessel(**{name: value}))
    with pytest.raises(ValueError, match=f"row 2: {name} is .* does not fit .* kind {kind}"):
        rows.to_polars()


@settings(deadline=None)  # the first table loads modules of pyarrow
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
def test_to_arrow_any_values_are_preserved(fleet_rows: Any, values: list[tuple[Any, ...]]) -> None:
    names = ["vessel_id", "crew_count", "gross_tonnage", "built_on", "last_seen_at", "watch_begins"]
    rows = tcia_client.Rows(
        [fleet_rows.Vessel(**dict(zip(names, row, strict=True))) for row in values],
        fleet_rows.attributes,
    )
    assert rows.to_arrow().to_pylist() == [attrs.asdict(row) for row in rows]


@pytest.mark.parametrize(
    ("method", "missing", "extra"),
    [
        ("to_arrow", "pyarrow", "arrow"),
        ("to_polars", "pyarrow", "arrow"),
        ("to_polars", "polars", "polars"),
        ("to_pandas", "pandas", "pandas"),
    ],
)
def test_conversion_without_the_library_prints_the_install_command(
    python: Any, method: str, missing: str, extra: str
) -> None:
    source = f"""
        import sys
        sys.modules[{missing!r}] = None
        import tcia_client
        try:
            tcia_client.Rows().{method}()
        except ImportError as error:
            print(error)
    """
    line = python(source).stdout
    assert line.startswith(f"{missing} is not installed; install it with: pip install 'tcia")
    assert line.endswith(f"[{extra}]'\n")
