"""Misleading targets of downloads on the command line."""

from typing import Any

import pytest

ONE = ["download-image", "--series-instance-uid=1.2"]
REFUSED = [
    (
        [*ONE, "--to=s3://bucket/x"],
        "--to is not a local path: 's3://bucket/x'. Download to a local",
    ),
    ([*ONE, "--to=~/x"], "--to begins with ~, which only a shell expands: '~/x'. Did you mean '/"),
    ([*ONE, "--to="], "--to is empty. Pass a path; '.' is the current folder."),
    ([*ONE, "--to=x.tar"], "--to names a file that is not a ZIP archive: 'x.tar'. Pass a folder"),
    (
        ["download-image", "--from=-", "--to=dl.zip"],
        "--to names one file, and many downloads need a folder: 'dl.zip'. Pass a folder; with "
        "keep_zip (--keep-zip)",
    ),
]


@pytest.mark.parametrize(("command", "words"), REFUSED, ids=[words[:30] for _, words in REFUSED])
def test_misleading_target_is_a_usage_error(tcia: Any, command: list[str], words: str) -> None:
    failed = tcia(*command, given="series_instance_uid\n1.2\n1.3\n")
    assert (failed.status, failed.text) == (2, "")
    assert words in failed.err
    assert [path.name for path in tcia.home.iterdir() if not path.name.startswith(".")] == []


def test_other_names_for_a_complete_folder_are_a_usage_error(tcia: Any) -> None:
    table = tcia("get-series", "--collection=PYDICOM-CT-MR", "--columns=series_instance_uid").text
    command = ["download-image", "--from=-", "--to=in"]
    assert tcia(*command, given=table).status == 0
    failed = tcia(*command, "--names=instance-number", given=table)
    assert failed.status == 2
    assert "--names would fetch" in failed.err
    assert "Pass 'server' to keep them" in failed.err
    assert "existing" in tcia(*command, given=table).err
