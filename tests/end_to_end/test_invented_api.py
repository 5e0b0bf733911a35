"""A second API, with other resources and names: generated, imported and called."""

import asyncio
import datetime
import inspect
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

Call = Callable[..., Any]


@pytest.fixture(params=["sync", "async"])
def call(request: pytest.FixtureRequest, fleet_client: ModuleType, fleet_server: str) -> Call:
    """Call a method by name, on either client."""
    if request.param == "sync":

        def call_sync(method: str, *args: object, **kwargs: object) -> Any:
            with fleet_client.Client(base_url=fleet_server) as client:
                return getattr(client, method)(*args, **kwargs)

        return call_sync

    async def awaited(method: str, *args: object, **kwargs: object) -> Any:
        async with fleet_client.AsyncClient(base_url=fleet_server) as client:
            return await getattr(client, method)(*args, **kwargs)

    return lambda method, *args, **kwargs: asyncio.run(awaited(method, *args, **kwargs))


def test_rows_of_the_invented_api_are_typed(call: Call, fleet_client: ModuleType) -> None:
    first, second = call("list_vessels")
    assert first == fleet_client.models.Vessel(
        vessel_id="V-7",
        name='Meridian "II"',
        flag="NL",
        gross_tonnage=Decimal("1234.5"),
        crew_count=12,
        built_on=datetime.date(1998, 12, 8),
        last_seen_at=datetime.datetime(2020, 1, 31, 12, 0, 0, 500_000),
        watch_begins=datetime.time(6, 30),
        is_moored=True,
        survey_uid=fleet_client.UID("1.2.840.7"),
        id_=1,
    )
    assert second == fleet_client.models.Vessel(
        vessel_id="V-8", name="Grüße & <病院> ", crew_count=0
    )


def test_rows_are_frozen_and_slotted(call: Call) -> None:
    row = call("list_crew", vessel_id="V-7")[0]
    with pytest.raises(AttributeError):
        row.name = "other"
    assert not hasattr(row, "__dict__")


def test_aliases_of_the_overlay_are_read(call: Call) -> None:
    with pytest.warns(DeprecationWarning, match="listCrew"):
        (row,) = call("list_sailors", vessel_id="V-7")
    assert (row.name, row.birth_date, row.weight) == (
        "Doe", datetime.date(1970, 1, 1), Decimal("80.1"),
    )  # fmt: skip


def test_deprecated_keyword_warns_at_its_use(call: Call) -> None:
    with pytest.warns(DeprecationWarning, match="class_"):
        call("list_vessels", class_="A1")


def test_class_name_of_two_shapes_makes_two_classes(fleet_client: ModuleType) -> None:
    names = {name for name in dir(fleet_client.models) if name.endswith("Sailor")}
    assert names == {"Sailor", "ListSailorsSailor"}


def test_download_writes_the_complete_file(call: Call, tmp_path: Path) -> None:
    done = call("download_hull_scan", tmp_path / "scan.zip", vessel_id="V-7")
    assert (tmp_path / "scan.zip").read_bytes()[:2] == b"PK"
    assert done.bytes == (tmp_path / "scan.zip").stat().st_size
    assert [p.name for p in tmp_path.iterdir()] == ["scan.zip"]


@pytest.mark.parametrize(
    ("arguments", "missing"),
    [({}, "vessel_id"), ({"vessel": "x"}, "vessel")],
)
def test_unknown_keyword_is_a_type_error(
    call: Call, arguments: dict[str, str], missing: str
) -> None:
    with pytest.raises(TypeError, match=missing):
        call("list_crew", **arguments)


def test_methods_have_the_docstring_of_their_document(fleet_client: ModuleType) -> None:
    client = fleet_client.Client()
    signature = inspect.signature(client.list_vessels)
    assert list(signature.parameters)[:2] == ["flag", "built_after"]
    assert all(p.kind is p.KEYWORD_ONLY for p in signature.parameters.values())
    assert "Lists the vessels of a harbour" in (inspect.getdoc(client.list_vessels) or "")
    assert "class_" in signature.parameters
    client.close()


def test_base_url_is_read_from_the_environment(
    fleet_client: ModuleType, fleet_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert fleet_client.Client().base_url.rstrip("/") == "https://harbour.example/api"
    monkeypatch.setenv("FLEET_BASE_URL", fleet_server)
    with fleet_client.Client() as client:
        assert len(client.list_vessels()) == 2


def test_package_contains_its_version_and_contract(fleet_client: ModuleType) -> None:
    assert fleet_client.__version__ == "2.3.4"
    assert fleet_client.__file__ is not None
    folder = Path(fleet_client.__file__).parent
    assert (folder / "contract.json").is_file()
    assert (folder / "py.typed").is_file()
    for name in fleet_client.__all__:
        assert getattr(fleet_client, name) is not None
