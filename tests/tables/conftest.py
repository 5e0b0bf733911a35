"""Rows of every kind, and rows of a real archive."""

import os
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import attrs
import pytest

import tcia_client
from tcia_client._runtime.endpoint import Attribute
from tciagen.archive.demo import DemoArchive
from tciagen.archive.running import running_archive

KINDS = (
    Attribute("VesselID", "vessel_id", optional=False),
    Attribute("Flag", "flag", code=True),
    Attribute("SurveyUID", "survey_uid", "uid"),
    Attribute("CrewCount", "crew_count", "integer"),
    Attribute("GrossTonnage", "gross_tonnage", "decimal"),
    Attribute("IsMoored", "is_moored", "boolean"),
    Attribute("BuiltOn", "built_on", "date"),
    Attribute("LastSeenAt", "last_seen_at", "dateTime"),
    Attribute("WatchBegins", "watch_begins", "time"),
)


@attrs.frozen(kw_only=True)
class Vessel:
    """A row with a value of every kind."""

    vessel_id: Any = "V-7"
    flag: Any = None
    survey_uid: Any = None
    crew_count: Any = None
    gross_tonnage: Any = None
    is_moored: Any = None
    built_on: Any = None
    last_seen_at: Any = None
    watch_begins: Any = None


WHOLE = Vessel(
    vessel_id='Meridian "II" <病院>',
    flag="NL",
    survey_uid=tcia_client.UID("1.2.840.7"),
    crew_count=12,
    gross_tonnage=Decimal("1234.500000"),
    is_moored=True,
    built_on=date(1998, 12, 8),
    last_seen_at=datetime(2020, 1, 31, 12, 0, 0, 500_000),
    watch_begins=time(6, 30),
)


@attrs.frozen
class Fleet:
    """The names of this file for tests, since test folders are not packages."""

    attributes: tuple[Attribute, ...] = KINDS
    Vessel: Any = Vessel
    whole: Any = WHOLE

    def rows(self, *rows: Any) -> Any:
        """Return rows as a client does."""
        return tcia_client.Rows(rows or (WHOLE, Vessel()), self.attributes)


@pytest.fixture(scope="session")
def fleet_rows() -> Fleet:
    return Fleet()


@pytest.fixture(scope="session")
def client(demo: DemoArchive) -> Iterator[tcia_client.Client]:
    """A client of the demo archive."""
    with (
        running_archive(demo.catalog) as archive,
        tcia_client.Client(base_url=archive.base_url) as client,
    ):
        yield client


@pytest.fixture(scope="session")
def python(root: Path) -> Callable[[str], subprocess.CompletedProcess[str]]:
    """Run a program in a fresh interpreter that has the client."""

    def run(source: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", textwrap.dedent(source)],
            env={**os.environ, "PYTHONPATH": str(root / "generated" / "tcia-client" / "src")},
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )

    return run
