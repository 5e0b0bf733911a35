"""Checks of an archive as a whole, once all of it has arrived."""

import zipfile
from pathlib import Path

from . import md5
from .checks import Checks
from .companions import is_companion
from .errors import CorruptDownloadError, NoFileError
from .input import read_blocks
from .unpack import Unpacker


def check_archive(unpacker: Unpacker, checks: Checks, path: Path) -> None:
    """Check what the members of an archive do not show one by one.

    Args:
        unpacker: What has read the archive to its end.
        checks: The checks of the download.
        path: The archive, or the folder that it was unpacked into.

    Raises:
        DownloadError: The archive is damaged.
    """
    if not unpacker.unreadable:
        _compare_md5(unpacker, checks, path)
    elif not zipfile.is_zipfile(path):
        raise CorruptDownloadError("the ZIP archive is cut short: it has no directory at its end")


def refuse_empty(unpacker: Unpacker, checks: Checks) -> None:
    """Refuse an archive without a file, which is what servers send where they have none.

    Raises:
        NoFileError: It has none, and announces none.
    """
    checks.saw(unpacker.files)
    if not (unpacker.files or unpacker.unreadable or checks.is_announced):
        raise NoFileError("the archive is empty: the server has no file for this")


def _compare_md5(unpacker: Unpacker, checks: Checks, path: Path) -> None:
    """Compare the files with the archive's own list of MD5 sums, if there is one."""
    listed = md5.by_member(md5.read_list(unpacker.md5_list), unpacker.names)
    if not listed:
        return
    if path.is_dir():
        files = zip(unpacker.names, unpacker.files, strict=True)
        found = {
            name: md5.sum_of(read_blocks(path / written))
            for name, (written, _) in files
            if name in listed
        }
    else:
        found = dict(md5.sums_in(read_blocks(path)))
    complete = all(name in listed or is_companion(name) for name in unpacker.names)
    checks.md5(listed, found, complete=complete)
