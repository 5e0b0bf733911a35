"""Manifest files: writing, reading, and errors that name the line."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from _runtime.downloads.public import Manifest, ManifestError, read_manifest, write_manifest

PORTAL = """downloadServerUrl=https://archive.invalid/servlet/DownloadServlet\r
includeAnnotation=true\r
noOfrRetry=4\r
databasketId=manifest-1.tcia\r
manifestVersion=3.0\r
ListOfSeriesToDownload=\r
1.3.6.1.4.1.1\r
1.3.6.1.4.1.2\r
1.3.6.1.4.1.1\r
\r
"""


def test_manifest_of_a_portal_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.tcia"
    path.write_bytes(b"\xef\xbb\xbf" + PORTAL.encode())
    manifest = read_manifest(path)
    assert manifest.series == ("1.3.6.1.4.1.1", "1.3.6.1.4.1.2")
    assert manifest.fields["noOfrRetry"] == "4"
    assert next(iter(manifest.fields)) == "downloadServerUrl"


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n"])
def test_manifest_is_read_with_any_line_end(tmp_path: Path, end: str) -> None:
    path = tmp_path / "a.tcia"
    path.write_bytes(PORTAL.replace("\r\n", end).encode())
    assert read_manifest(path).series == ("1.3.6.1.4.1.1", "1.3.6.1.4.1.2")
    path.write_bytes(PORTAL.replace("\r\n", end).encode() + b"x")
    with pytest.raises(ManifestError, match="line 11: 'x'"):
        read_manifest(path)


@pytest.mark.parametrize(
    "text",
    [
        "SeriesInstanceUID,Modality\n1.2.3,CT\n1.2.4,MR\n",
        "Collection;Series UID\nx;1.2.3\ny;1.2.4\n",
        '{"SeriesInstanceUID": "1.2.3"}\n{"SeriesInstanceUID": "1.2.4"}\n',
        "1.2.3\n1.2.4\n",
    ],
)
def test_manifest_of_another_form_states_its_series(tmp_path: Path, text: str) -> None:
    path = tmp_path / "cart.csv"
    path.write_text(text)
    assert read_manifest(path) == Manifest(["1.2.3", "1.2.4"])


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be"])
def test_manifest_in_another_encoding_is_refused(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "a.tcia"
    path.write_text("\ufeff" * (encoding != "utf-16") + PORTAL, encoding=encoding)
    with pytest.raises(ManifestError, match=r"is UTF-16\. Save it as UTF-8"):
        read_manifest(path)
    path.write_text(PORTAL, encoding="utf-8")
    assert read_manifest(path).series


def test_link_at_the_target_is_followed(tmp_path: Path) -> None:
    path = tmp_path / "a.tcia"
    path.symlink_to(tmp_path / "real.tcia")
    assert write_manifest(path, ["1.2.3"]) == path
    assert path.is_symlink()
    assert read_manifest(tmp_path / "real.tcia").series == ("1.2.3",)


def test_string_instead_of_a_list_of_series_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="pass a list of UIDs"):
        write_manifest(tmp_path / "a.tcia", "1.2.3")
    with pytest.raises(TypeError, match="pass a list of UIDs"):
        Manifest("1.2.3")


uids = st.lists(st.integers(0, 10**12), min_size=2, max_size=4).map(
    lambda parts: ".".join(map(str, parts))
)
keys = st.from_regex(r"[A-Za-z0-9_.-]{1,20}", fullmatch=True)
values = st.text(st.characters(categories=["L", "N", "P"]), max_size=20)


@settings(deadline=None)
@given(st.lists(uids, unique=True), st.dictionaries(keys, values, max_size=4))
def test_written_manifest_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, series: Any, fields: Any
) -> None:
    path = tmp_path_factory.getbasetemp() / "round.tcia"
    fields.pop("ListOfSeriesToDownload", None)
    write_manifest(path, series, fields)
    manifest = read_manifest(path)
    assert (list(manifest.series), manifest.fields) == (series, fields)


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"", None),
        (b"a=1\n", None),
        (b"ListOfSeriesToDownload=\n../../etc/passwd\n", 2),
        (b"ListOfSeriesToDownload=\n1.2.3\n1.2;rm\n", 3),
        (b"ListOfSeriesToDownload=\n" + b"1." * 40 + b"1\n", 2),
        (b"a sentence\nListOfSeriesToDownload=\n", 1),
        (b"a=\x1b[2J\nListOfSeriesToDownload=\n", 1),
        (b"a=1\n\xff\xfe\n", 2),
        (b"ListOfSeriesToDownload=\n1.2\0\n", 2),
        (b"Modality,PatientID\nCT,x\n", 1),
        (b"Modality,SeriesInstanceUID\nCT,x\n", None),
        ("ListOfSeriesToDownload=\n\uff11.\uff12\n".encode(), 2),
    ],
)
def test_invalid_manifest_is_refused(tmp_path: Path, content: bytes, line: int | None) -> None:
    path = tmp_path / "a.tcia"
    path.write_bytes(content)
    with pytest.raises(ManifestError) as caught:
        read_manifest(path)
    assert caught.value.line == line
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("series", "fields"),
    [
        (["x"], {}),
        (["1.2\n1.3"], {}),
        (["1.2"], {"a": "1\nb=2"}),
        (["1.2"], {"a b": "1"}),
        (["1.2"], {"ListOfSeriesToDownload": ""}),
    ],
)
def test_invalid_values_of_a_manifest_are_refused(tmp_path: Path, series: Any, fields: Any) -> None:
    with pytest.raises(ManifestError):
        write_manifest(tmp_path / "a.tcia", series, fields)
    assert list(tmp_path.iterdir()) == []


def test_write_that_fails_leaves_no_other_file(tmp_path: Path) -> None:
    target = tmp_path / "a.tcia"
    target.mkdir()
    with pytest.raises(IsADirectoryError):
        write_manifest(target, ["1.2.3"])
    assert list(tmp_path.iterdir()) == [target]
