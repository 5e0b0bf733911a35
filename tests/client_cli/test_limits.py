"""Limits of downloads on the command line."""

from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def uid(tcia: Any) -> str:
    rows: str = tcia(
        "get-series", "--collection=PYDICOM-CT-MR", "--columns=series_instance_uid"
    ).text
    return rows.split()[1]


LIMITS = [
    ("--max-members", "1", "100"),
    ("--max-member-size", "1k", "1G"),
    ("--max-total-size", "1 KiB", "1GB"),
    ("--min-free-space", "1000T", "0"),
]


@pytest.mark.parametrize(("option", "low", "enough"), LIMITS, ids=[option for option, *_ in LIMITS])
def test_advice_of_each_limit_error_raises_the_limit(
    tcia: Any, uid: str, tmp_path: Path, option: str, low: str, enough: str
) -> None:
    target = tmp_path / "dicom"
    command = ["download-image", "--series-instance-uid", uid, "--to", target]
    failed = tcia(*command, option, low)
    assert failed.status == 3
    assert option in failed.err
    assert not target.exists()
    assert tcia(*command, option, enough).status == 0


@pytest.mark.parametrize("size", ["much", "1.5.2G", "-1", "5X", ""])
def test_invalid_size_is_a_usage_error(tcia: Any, size: str) -> None:
    failed = tcia("download-image", "--series-instance-uid=1.2", f"--max-total-size={size}")
    assert failed.status == 2
    assert "is not a size. Write bytes, or a number with K, M, G or T" in failed.err
