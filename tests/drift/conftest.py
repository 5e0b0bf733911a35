"""Fixtures of the drift tests; their helpers are in ``benchmark.py``, ``edits.py`` and so on."""

import copy
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.drift.benchmark import BENCHMARK, Documents


@pytest.fixture
def base() -> Documents:
    """The benchmark's 15 full documents by address."""
    return copy.deepcopy(BENCHMARK["base_documents"])
