"""Items of ``many`` in the shapes that people's libraries have them in, and slips of calls."""

import csv
import io
import re
import sqlite3
from collections import namedtuple
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd  # type: ignore[import-untyped]
import polars as pl
import pyarrow as pa  # type: ignore[import-untyped]
import pytest
from files_client import Client
from pydicom.dataset import Dataset

from _runtime.downloads.public import Expected, Limits, Manifest
from _runtime.errors import ParameterError

CLIENTS = ("sync",)
UIDS = ["1.2.1", "1.2.2", "1.2.3"]
COLUMNS = {"Modality": ["CT"] * 3, "series_instance_uid": UIDS, "name": ["a", None, "c"]}
NBIA = {"Series UID": UIDS, "Collection": ["X"] * 3, "Study UID": ["1.1"] * 3}
Row = namedtuple("Row", ["modality", "SeriesInstanceUID"])  # noqa: PYI024 - as itertuples has it


@pytest.fixture
def series(make: SimpleNamespace, server: Any) -> Any:
    """A server of three series."""
    for uid in UIDS:
        server.by_uid[uid] = make.Reply(make.zipped([("1.dcm", make.dicom(series=uid))]))
    return server


def dataset(uid: str) -> Dataset:
    header = Dataset()
    header.SeriesInstanceUID = uid
    header.PatientName = "x"
    return header


def from_sqlite() -> list[sqlite3.Row]:
    connection = sqlite3.connect(":memory:")
    connection.row_factory = sqlite3.Row
    query = " UNION ALL ".join(f"SELECT 1 AS n, '{u}' AS SERIES_INSTANCE_UID" for u in UIDS)
    rows: list[sqlite3.Row] = connection.execute(query).fetchall()
    connection.close()
    return rows


SHAPES: dict[str, Callable[[], Any]] = {
    "pandas records": lambda: pd.DataFrame(COLUMNS).to_dict("records"),
    "pandas records of NBIA": lambda: pd.DataFrame(NBIA).to_dict("records"),
    "pandas series": lambda: pd.DataFrame(NBIA)["Series UID"],
    "pandas tuples": lambda: pd.DataFrame(COLUMNS).itertuples(index=False),
    "pandas rows": lambda: (row for _, row in pd.DataFrame(NBIA).iterrows()),
    "polars named rows": lambda: pl.DataFrame(COLUMNS).rows(named=True),
    "polars iterator": lambda: pl.DataFrame(NBIA).iter_rows(named=True),
    "polars series": lambda: pl.DataFrame(NBIA)["Series UID"],
    "pyarrow column": lambda: pa.table(COLUMNS)["series_instance_uid"],
    "pyarrow dictionary": lambda: pa.array(UIDS).dictionary_encode(),
    "pyarrow structs": lambda: pa.array(pa.table(NBIA).to_pylist()),
    "pyarrow rows": lambda: pa.table(NBIA).to_pylist(),
    "numpy array": lambda: pd.Series(UIDS).to_numpy(dtype="U"),
    "csv reader": lambda: csv.DictReader(io.StringIO("SeriesInstanceUID\n" + "\n".join(UIDS))),
    "named tuples": lambda: [Row("CT", uid) for uid in UIDS],
    "sqlite rows": from_sqlite,
    "pydicom datasets": lambda: [dataset(uid) for uid in UIDS],
    "wire names": lambda: [{"SeriesInstanceUID": uid, "ImageCount": 1} for uid in UIDS],
}


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_many_rows_of_any_library_are_downloaded(
    series: Any, tmp_path: Path, shape: Callable[[], Any]
) -> None:
    with Client(base_url=series.base_url) as client:
        done = client.download_images(tmp_path, shape())
    assert [one.path.name for one in done] == UIDS


def test_many_values_for_all_complete_values_of_items(
    make: SimpleNamespace, server: Any, tmp_path: Path
) -> None:
    server.by_uid["1.2.9"] = make.Reply(make.dicom("1.2.9", series="1.2.1"))
    with Client(base_url=server.base_url) as client:
        items = ["1.2.9"]
        done = client.download_single_images(tmp_path, items, series_instance_uid="1.2.1")
    assert [one.checks[-2:] for one in done] == [("SeriesInstanceUID", "SOPInstanceUID")]


def test_many_options_of_one_item_apply_only_to_it(series: Any, tmp_path: Path) -> None:
    items = [{"series_instance_uid": UIDS[0], "keep_zip": True}, {"series_instance_uid": UIDS[1]}]
    with Client(base_url=series.base_url) as client:
        done = client.download_images(tmp_path, items)
    assert [one.path.name for one in done] == [f"{UIDS[0]}.zip", UIDS[1]]


@pytest.mark.parametrize(
    ("items", "sentence"),
    [
        (pd.DataFrame(NBIA), "is a DataFrame.*Pass its rows, such as items.to_dict"),
        (pl.DataFrame(NBIA), r"is a DataFrame.*items\.iter_rows\(named=True\)"),
        (pa.table(NBIA), r"is a Table.*items\.to_pylist\(\)"),
        (Manifest(UIDS), r"is a Manifest, not a list of items\. Pass items\.series\."),
        (None, "is a NoneType, not a list"),
        ([{"series_instance_ui": "1.2"}], "item 1 .* none of the columns 'series_instance_ui' is"),
        (["1.2.1", {"Modality": "CT"}], "item 2 has no value for series_instance_uid"),
        (["1.2.1", None], "item 2 has no value for series_instance_uid"),
        ([float("nan")], "item 1 has no value for series_instance_uid"),
        ([pd.NA], "item 1 has no value for series_instance_uid"),
        ([(0, "1.2.1")], "item 1 has no column, attribute or key"),
        (
            [{"Series UID": "1.2.1", "SeriesInstanceUID": "1.2.2"}],
            "item 1: columns 'Series UID' and 'SeriesInstanceUID' both name series_instance_uid",
        ),
        ([{"series_instance_uid": "1.2.1", "keep_zp": True}], "did you mean 'keep_zip'"),
        ([{"series_instance_uid": "1.2.1", "expct": Expected(count=1)}], "did you mean 'expect'"),
        ([{"series_instance_uid": "1.2.1", "limit": Limits()}], "did you mean 'limits'"),
        ([{"series_instance_uid": ["1.2.1"]}], "cannot be"),
    ],
)
def test_many_item_without_required_value_raises_one_error(
    series: Any, tmp_path: Path, items: Any, sentence: str
) -> None:
    with Client(base_url=series.base_url) as client:
        with pytest.raises(ParameterError, match=sentence) as caught:
            client.download_images(tmp_path, items)
        assert caught.value.parameter in ("items", "series_instance_uid")
    assert series.requests == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (
            lambda c: c.download_image("x", SeriesInstanceUID="1.2"),
            "download_image() got an unexpected keyword argument 'SeriesInstanceUID'; did you mean "
            "series_instance_uid?",
        ),
        (
            lambda c: c.download_image("x", series_instance_uid="1.2", keep_zp=True),
            "download_image() got an unexpected keyword argument 'keep_zp'; did you mean keep_zip?",
        ),
        (
            lambda c: c.download_images("x", ["1.2"], nme=1),
            "download_images() got an unexpected keyword argument 'nme'; did you mean names?",
        ),
        (
            lambda c: c.download_images("x", ["1.2"], key=3),
            "download_images() got an unexpected keyword argument 'key'",
        ),
    ],
)
def test_call_with_a_wrong_option_suggests_the_right_one(call: Any, sentence: str) -> None:
    with Client() as client, pytest.raises(TypeError, match=f"^{re.escape(sentence)}$"):
        call(client)


@pytest.mark.parametrize(
    ("name", "method"),
    [
        ("downloadImage", "download_image"),
        ("getImage", "download_image"),
        ("GETIMAGE", "download_image"),
        ("downlod_image", "download_image"),
        ("getHullScan", "download_hull_scan"),
        ("clse", "close"),
    ],
)
def test_attribute_that_a_client_lacks_names_the_method(name: str, method: str) -> None:
    with Client() as client:
        sentence = f"^Client has no attribute '{name}'; did you mean {method}\\?$"
        with pytest.raises(AttributeError, match=sentence):
            getattr(client, name)
        with pytest.raises(AttributeError, match=r"^Client has no attribute 'xyz'$"):
            client.xyz  # noqa: B018
        assert not hasattr(client, "_repr_html_")
