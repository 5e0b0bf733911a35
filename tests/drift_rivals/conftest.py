"""Lets the tests import the benchmark's projections."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
