"""The archive's reader of DICOM headers, with the files of the client's reader."""

from contextlib import suppress
from pathlib import Path

import pytest
from tests import dicom_corpus as corpus

from tciagen.archive.headers import NotUsable, read_header


@pytest.mark.parametrize("name", corpus.READABLE)
def test_archive_reads_identity_of_odd_files(name: str, tmp_path: Path) -> None:
    path = tmp_path / "odd.dcm"
    path.write_bytes(corpus.READABLE[name])
    header = read_header(path)
    assert (header.sop_uid, header.study_uid, header.series_uid) == (
        corpus.SOP,
        corpus.STUDY,
        corpus.SERIES,
    )


@pytest.mark.parametrize("name", corpus.UNREADABLE)
def test_archive_reads_no_other_identity_from_unreadable_files(name: str, tmp_path: Path) -> None:
    path = tmp_path / "odd.dcm"
    path.write_bytes(corpus.UNREADABLE[name])
    with suppress(NotUsable):
        assert read_header(path).series_uid == corpus.SERIES


@pytest.mark.parametrize("name", corpus.NOT_DICOM)
def test_archive_refuses_files_that_identify_no_object(name: str, tmp_path: Path) -> None:
    path = tmp_path / "odd.dcm"
    path.write_bytes(corpus.NOT_DICOM[name][0])
    with pytest.raises(NotUsable):
        read_header(path)


@pytest.mark.parametrize("value", [b"1.2\n.3", b"1.2\0.3", b"1.2\\1.3", b"1.2.x", b""])
def test_archive_refuses_uid_with_other_characters_inside(value: bytes, tmp_path: Path) -> None:
    path = tmp_path / "odd.dcm"
    path.write_bytes(corpus.with_elements(corpus.uid(corpus.SERIES_TAG, value)))
    with pytest.raises(NotUsable, match="SeriesInstanceUID"):
        read_header(path)
