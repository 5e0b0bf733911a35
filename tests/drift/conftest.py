"""Fixtures of the drift tests; their helpers stand in ``drift_benchmark``."""

import copy
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent))

from drift_benchmark import BENCHMARK, Documents


@pytest.fixture
def base() -> Documents:
    """The benchmark's 15 full documents by address."""
    return copy.deepcopy(BENCHMARK["base_documents"])
