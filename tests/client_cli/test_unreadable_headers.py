"""Files with headers that cannot be followed, on the command line."""

import io
import zipfile
from typing import Any

from tests import dicom_corpus as corpus


def test_command_reports_unreadable_headers_as_warning_and_in_its_summary(
    tcia: Any, wire: Any
) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("a.dcm", corpus.READABLE["plain"])
        file.writestr("b.dcm", corpus.UNREADABLE["something other than an item"])
    wire.rows(archive.getvalue(), kind="application/zip")
    done = tcia(
        "download-image",
        f"--series-instance-uid={corpus.SERIES}",
        "--to=in",
        env={"TCIA_BASE_URL": wire.base_url},
    )
    assert (done.status, done.text) == (0, f"in/{corpus.SERIES}\n")
    assert "could not check DICOM, SeriesInstanceUID: b.dcm: a sequence in its header" in done.err
    assert "1 of 1 done" in done.err
    assert "; unreadable DICOM headers in 1" in done.err
