"""Every endpoint of the archive, with values that are hard to write: one truth in four formats."""

import asyncio
import inspect
import sqlite3
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import attrs
import pytest

import tcia_client
from tcia_client import _endpoints
from tcia_client._runtime.endpoint import RecordEndpoint
from tciagen.archive.catalog import save_shared_list, writing
from tciagen.archive.demo import build_demo
from tciagen.archive.running import running_archive

COLLECTION = 'Hôpital "d\'Été" & <b>\\n/a,,b'
HARD = [
    None,
    "",
    "null",
    " ",
    "ABDOMEN_PELVIS ",
    "BRAIN/HEAD",
    'a "quoted" word',
    "l'été",
    "back\\slash",
    "\\",
    '\\"',
    "\\n",
    "two\nlines\tand\r\n",
    "},{",
    '"},{"',
    "[]",
    ",,",
    '",,"',
    "A & B &amp; &lt;",
    "1 < 2 > 0",
    "</b><Row>",
    "</Row>",
    "</TD>",
    "</SeriesDescription>",
    "Ü 中 🚢 \u2028 \u00a0",
    "\u0001\u007f",
    "007",
    "1e5",
    "true",
    "NaN",
]
COLUMNS = {
    "patient": ["patient_name", "patient_sex", "ethnic_group"],
    "study": ["study_description", "admitting_diagnoses_description", "study_id", "patient_age"],
    "series": [
        "protocol_name", "series_description", "body_part_examined", "annotations_flag",
        "manufacturer", "manufacturer_model_name", "software_versions",
    ],
}  # fmt: skip
FORMATS = ("json", "csv", "xml", "html")


@attrs.frozen
class HardArchive:
    """A served archive, the rows of its catalog, and values for queries."""

    base_url: str
    descriptions: dict[str, str | None]
    values: dict[str, str]


def harden(connection: sqlite3.Connection) -> None:
    """Put the hard values into every text of the catalog, and nulls where there may be some."""
    for table, columns in COLUMNS.items():
        rowids = [rowid for (rowid,) in connection.execute(f"SELECT rowid FROM {table}")]
        for start, column in zip(count(step=7), columns, strict=False):
            connection.executemany(
                f"UPDATE {table} SET {column} = ? WHERE rowid = ?",
                [(HARD[(start + n) % len(HARD)], rowid) for n, rowid in enumerate(rowids)],
            )
    connection.execute("UPDATE series SET series_number = NULL WHERE rowid % 3 = 0")
    connection.execute("UPDATE series SET series_date = NULL WHERE rowid % 4 = 0")
    connection.execute("UPDATE patient SET patient_birth_date = NULL WHERE rowid % 2 = 0")
    (first,) = connection.execute("SELECT min(collection) FROM series").fetchone()
    for table in COLUMNS:
        connection.execute(
            f"UPDATE {table} SET collection = ? WHERE collection = ?", (COLLECTION, first)
        )


@pytest.fixture(scope="module")
def hard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HardArchive]:
    """The demo archive with hard values, served."""
    demo = build_demo(tmp_path_factory.mktemp("hard"))
    with writing(demo.catalog) as connection:
        harden(connection)
        found = connection.execute(
            "SELECT series_uid, study_uid, patient_id, modality FROM series WHERE collection = ?"
            " ORDER BY image_count DESC",
            (COLLECTION,),
        ).fetchone()
        save_shared_list(connection, "l'été/2", [found[0]])
        descriptions = dict(
            connection.execute("SELECT series_uid, series_description FROM series").fetchall()
        )
    keys = ("series_instance_uid", "study_instance_uid", "patient_id", "modality")
    values = dict(zip(keys, found, strict=True))
    values |= {"collection": COLLECTION, "date": "1990-01-01", "name": "l'été/2"}
    with running_archive(demo.catalog) as server:
        yield HardArchive(server.base_url, descriptions, values)


RunClient = Callable[..., list[Any]]


@pytest.fixture(params=["sync", "async"])
def rows_of(request: pytest.FixtureRequest, hard: HardArchive) -> RunClient:
    """Call a method by name on either client."""
    if request.param == "sync":

        def run_client(method: str, **arguments: str) -> list[Any]:
            with tcia_client.Client(base_url=hard.base_url) as client:
                return list(getattr(client, method)(**arguments))

        return run_client

    async def awaited(method: str, arguments: dict[str, str]) -> list[Any]:
        async with tcia_client.AsyncClient(base_url=hard.base_url) as client:
            return list(await getattr(client, method)(**arguments))

    return lambda method, **arguments: asyncio.run(awaited(method, arguments))


def as_written(row: Any, name: str) -> Any:
    """Return a row with None where the format writes a string as it writes null.

    XML has an empty element for both null and an empty text. HTML prints ``null`` for both
    null and that very text. JSON and CSV distinguish all of them.
    """
    lost = {"xml": "", "html": "null"}.get(name)
    values = attrs.asdict(row)
    return attrs.evolve(row, **{key: None for key, value in values.items() if value == lost})


ENDPOINTS = {
    "contents_by_name": ["name"],  # only in JSON, as its documentation states
    "get_body_part_values": [],
    "get_collection_values": [],
    "get_manufacturer_values": ["collection"],
    "get_modality_values": ["collection"],
    "get_patient": [],
    "get_patient_study": [],
    "get_series": [],
    "get_series_size": ["series_instance_uid"],
    "get_sop_instance_uids": ["series_instance_uid"],
    "new_patients_in_collection": ["date", "collection"],
    "new_studies_in_patient_collection": ["date", "collection", "patient_id"],
    "patients_by_modality": ["collection", "modality"],
}


def test_every_endpoint_with_rows_is_tested() -> None:
    methods = {one.method for one in _endpoints.ALL if isinstance(one, RecordEndpoint)}
    assert methods == set(ENDPOINTS)


@pytest.mark.parametrize("method", ENDPOINTS)
def test_endpoint_returns_the_same_rows_in_every_format(
    rows_of: RunClient, hard: HardArchive, method: str
) -> None:
    arguments = {key: hard.values[key] for key in ENDPOINTS[method]}
    expected = rows_of(method, **arguments)
    assert expected
    offered = inspect.signature(getattr(tcia_client.Client, method)).parameters
    for name in FORMATS if "format" in offered else ():
        found = rows_of(method, **arguments, format=name)
        assert found == [as_written(row, name) for row in expected], name
        kinds = [[type(value) for value in attrs.astuple(row)] for row in found]
        assert kinds == [
            [type(value) for value in attrs.astuple(as_written(row, name))] for row in expected
        ], name


def test_rows_equal_those_of_the_catalog(rows_of: RunClient, hard: HardArchive) -> None:
    assert set(hard.descriptions.values()) >= set(HARD)
    for name in ("json", "csv"):
        rows = rows_of("get_series", format=name)
        assert {row.series_instance_uid: row.series_description for row in rows} == (
            hard.descriptions
        )


@pytest.mark.parametrize("name", FORMATS)
def test_query_finds_values_with_special_characters(
    rows_of: RunClient, hard: HardArchive, name: str
) -> None:
    rows = rows_of("get_series", collection=COLLECTION, format=name)
    assert rows
    assert {row.collection for row in rows} == {COLLECTION}
