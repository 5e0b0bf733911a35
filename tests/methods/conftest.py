"""An archive with the demo collections."""

from collections.abc import Iterator

import pytest

from tciagen.archive.demo import DemoArchive
from tciagen.archive.running import RunningArchive, running_archive


@pytest.fixture(scope="session")
def archive(demo: DemoArchive) -> Iterator[RunningArchive]:
    """A running archive."""
    with running_archive(demo.catalog) as server:
        yield server
