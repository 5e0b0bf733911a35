"""The free space of a disk that downloads write to."""

import shutil
from pathlib import Path

from .errors import LimitError

_STEP = 16 * 1024 * 1024


class FreeSpace:
    """Keeps some bytes of a disk free.

    Args:
        folder: A folder on the disk.
        least: How many bytes stay free; 0 leaves it to the operating system to refuse writes.
    """

    def __init__(self, folder: Path, least: int) -> None:
        self._folder = folder
        self._least = least
        self._allowed = 0

    def expect(self, count: int) -> None:
        """Check that a number of bytes can be written.

        Raises:
            LimitError: Too few bytes would stay free.
            OSError: The disk cannot be asked.
        """
        if not self._least:
            return
        free = shutil.disk_usage(self._folder).free
        if free - count < self._least:
            raise LimitError(
                f"less than {self._least} bytes would stay free on the disk of {self._folder}",
                limit="free_bytes",
            )
        self._allowed = min(free - self._least, _STEP)

    def write(self, count: int) -> None:
        """Check the same before a number of bytes is written; the disk is asked now and then."""
        if count > self._allowed:
            self.expect(count)
        self._allowed -= count
