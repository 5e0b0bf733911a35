"""Lists of downloads that ``--from`` reads: every format, and ambiguous ones."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.csv as pa_csv  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import pytest

from tcia_client import ManifestError, _endpoints
from tcia_client._runtime.cli.sources import read_jobs
from tcia_client._runtime.endpoint import FileEndpoint, Parameter

ONE, TWO = "1.3.6.1.4.1.14519.1", "1.3.6.1.4.1.14519.2"
SERVER = f"SeriesInstanceUID,Modality,ImageCount\n{ONE},CT,72\n{TWO},MR,3\n"
NBIA = (
    "Series UID,Collection,3rd Party Analysis,Subject ID,Study UID,Number of Images\n"
    f'{ONE},X,,"Doe, J",1.2,72\n{TWO},X,,b,1.2,3\n'
)
TCIA = f"modality,series_instance_uid\nCT,{ONE}\nMR,{TWO}\n"
PORTAL = f"downloadServerUrl=https://a.invalid\nListOfSeriesToDownload=\n{ONE}\n{TWO}\n"
JSON_LINES = "".join(
    json.dumps({"modality": "CT", "series_instance_uid": uid}) + "\n" for uid in (ONE, TWO)
)
OPTIONS = {
    "series_instance_uid": "--series-instance-uid",
    "sop_instance_uid": "--sop-instance-uid",
}

FORMS = {
    "server's CSV": SERVER,
    "server's CSV with escapes": SERVER.replace("CT", '"5\\/5 \\"mm\\", \\u00e4\\n\\\\"')
    .replace(ONE, f'"{ONE}"')
    .replace("72", '"72"'),
    "server's CSV in quotes": SERVER.replace("SeriesInstanceUID", '"SeriesInstanceUID"'),
    "NBIA's CSV": NBIA,
    "tcia's CSV": TCIA,
    "semicolons": TCIA.replace(",", ";"),
    "tabs": TCIA.replace(",", "\t"),
    "semicolons and a comma in a name": f"Series UID;Subject, ID\n{ONE};a, b\n{TWO};c\n",
    "one column": f"SeriesInstanceUID\n{ONE}\n\n{TWO}\n",
    "upper case": f"SERIES_INSTANCE_UID\n{ONE}\n{TWO}\n",
    "blanks": f" Series Instance UID , x\n {ONE} , 1\n{TWO} ,2\n",
    "list": f"\n{ONE}\n  {TWO}\n{ONE}\n",
    "manifest": PORTAL,
    "JSON lines": JSON_LINES,
    "JSON array": json.dumps([json.loads(line) for line in JSON_LINES.splitlines()], indent=1),
    "twice": SERVER + SERVER.partition("\n")[2],
    "BOM": "\ufeff" + SERVER,
    "CR LF": SERVER.replace("\n", "\r\n"),
    "CR": SERVER.replace("\n", "\r"),
    "no final line end": SERVER.rstrip("\n"),
}


def jobs_of(
    path: Path, endpoint: Any = _endpoints.DOWNLOAD_IMAGE, **fixed: Any
) -> list[dict[str, Any]]:
    return read_jobs(endpoint, path, fixed, OPTIONS)


@pytest.mark.parametrize("name", ["list.csv", "list.tcia", "list"])
@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_list_of_any_form_states_its_series_once(tmp_path: Path, form: str, name: str) -> None:
    path = tmp_path / name
    path.write_text(form, encoding="utf-8", newline="")
    assert [job["series_instance_uid"] for job in jobs_of(path)] == [ONE, TWO]


@pytest.mark.parametrize("header", ["modality,series_instance_uid", '"modality","Series UID"'])
def test_escapes_of_the_server_are_read_if_its_header_has_no_quotes(
    tmp_path: Path, header: str
) -> None:
    path = tmp_path / "x.csv"
    path.write_text(f'{header}\n"C:\\u0044\\\\",{ONE}\n"C:\\u0044","{TWO}"\n"a ""b"" c","1.2"\n')
    quoted = "C:\\u0044" if header[0] == '"' else "C:D"
    values = [job[header.split(",", maxsplit=1)[0].strip('"')] for job in jobs_of(path)]
    assert values == ["C:\\u0044\\\\", quoted, 'a "b" c']


def test_rows_retain_columns_that_are_not_parameters(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text(SERVER.replace("Modality", "names"))
    assert jobs_of(path)[0] == {"ImageCount": "72", "series_instance_uid": ONE}


@pytest.mark.parametrize("form", [SERVER, NBIA], ids=["server", "nbia"])
def test_equal_rows_with_different_counts_print_one_error(tmp_path: Path, form: str) -> None:
    path = tmp_path / "x.csv"
    last = form.splitlines()[1].replace("72", "71")
    path.write_text(f"{form}{last}\n")
    sentence = (
        r"x.csv, line 4: .* of the item states 71 files, where .*x.csv, line 2 states 72 for the "
        r"same download\. Remove the outdated one\."
    )
    with pytest.raises(ManifestError, match=sentence):
        jobs_of(path)


def test_count_of_a_later_equal_row_is_used_if_the_first_has_none(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text(f"image_count,Series UID\n,{ONE}\n3,{TWO}\n72,{ONE}\n,{ONE}\n")
    assert [(job["series_instance_uid"], job["image_count"]) for job in jobs_of(path)] == [
        (ONE, "72"),
        (TWO, "3"),
    ]


@pytest.mark.parametrize("header", ["image_count,image_count", "Number of Images,ImageCount"])
def test_row_with_two_counts_prints_one_error(tmp_path: Path, header: str) -> None:
    path = tmp_path / "x.csv"
    path.write_text(f"Series UID,{header}\n{ONE},72,72\n{TWO},3,4\n")
    with pytest.raises(ManifestError, match=r"line 3: .* of the row is '4', where .* states 3\."):
        jobs_of(path)


def test_columns_named_by_the_dicom_keyword_are_found(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    uid = Parameter("id", "id_", "uid", required=True, dicom_keyword="SeriesInstanceUID")
    endpoint = FileEndpoint(resource="R", name="getFile", formats=("ZIP",), parameters=(uid,))
    for text in (SERVER, NBIA, TCIA, PORTAL, f"id\n{ONE}\n{TWO}\n"):
        path.write_text(text)
        assert [job["id_"] for job in jobs_of(path, endpoint)] == [ONE, TWO]


def test_options_complete_the_rows(tmp_path: Path) -> None:
    path = tmp_path / "objects.csv"
    single = _endpoints.DOWNLOAD_SINGLE_IMAGE
    for text in ("SOPInstanceUID\n1.2.3\n", f"SOP Instance UID;Series UID\n1.2.3;{ONE}\n", "1.2.3"):
        path.write_text(text)
        assert jobs_of(path, single, series_instance_uid=ONE) == [
            {"sop_instance_uid": "1.2.3", "series_instance_uid": ONE}
        ]
    path.write_text(f"sop_instance_uid,series_instance_uid\n1.2.3,{TWO}\n")
    sentence = f"line 2, column 'series_instance_uid': '{TWO}' contradicts --series-instance-uid"
    with pytest.raises(ManifestError, match=sentence):
        jobs_of(path, single, series_instance_uid=ONE)


def test_table_without_rows_has_no_downloads(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("series_instance_uid\n")
    assert jobs_of(path) == []


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "x is empty"),
        (b"\n \n", "x is empty"),
        (b"modality,study_instance_uid\nCT,1.2\n", "x, line 1: none of the columns 'modality', "),
        (b"a;b;c\n1;2;3\n", "x, line 1: none of the columns 'a', 'b', 'c' is series_instance_uid"),
        (b"hello\n", "x, line 1: 'hello' is neither a column of series_instance_uid, nor a UID"),
        (b"Series UID,SeriesInstanceUID\n1.2,1.3\n", "x, line 1: columns 'Series UID' and "),
        (b"Series UID,Series UID\n1.2,1.3\n", "x, line 1: columns 'Series UID' and 'Series UID'"),
        (b"Series UID;a,b;c,Series UID\n1;2\n", "x, line 1: commas or semicolons may separate"),
        (b"1.2.3,CT\n1.2.4,MR\n", "x, line 1: '1.2.3,CT' has a UID where a header is expected"),
        (b"1.2.3\nx\n", "x, line 2: 'x' is no UID"),
        (b"Series UID,x\n1.2,1\n1.3,1,2\n", "x, line 3: 3 values for 2 columns"),
        (b"x,Series UID\n1,1.2\n2\n", "x, line 3: 1 values for 2 columns"),
        (b'x,Series UID\n1,"1.2\n', "x, line 2: no table: unexpected end of data"),
        (b"x,Series UID\n1,no uid\n", "x, line 2, column 'Series UID': series_instance_uid cannot"),
        (b"x,Series UID\n1,\n", "x, line 2, column 'Series UID': series_instance_uid is required"),
        (b"\n\nx,Series UID\n\n1,no\n", "x, line 5, column 'Series UID'"),
        (b'{"series_instance_uid": "1.2"}\n{"a": 1}\n', "x, line 2: none of the columns 'a' is "),
        (b'{"series_instance_uid": "1.2"}\n{"serie\n', "x, line 2: not JSON: "),
        (b'{"series_instance_uid": "1.2", "SeriesInstanceUID": "1.3"}\n', "x, line 1: columns"),
        (b'{"series_instance_uid": ["1.2"]}\n', r"x, line 1, column .* cannot be \['1.2'\]"),
        (b'[\n{"series_instance_uid": "1.2"},\n{"Series UID": 3}]', "x, item 2, column 'Series UI"),
        (b"[1]", "x, line 1: JSON that is no object"),
        (b"[" * 100_000, "x, line 1: not JSON: "),
        (b"Series UID\n1.2\n\xff\n", "x, line 3: bytes that are not UTF-8"),
        (b"\xff\xfeS\0", "x is UTF-16"),
        (b"PAR1\x15\x04", "x is Parquet"),
        (b"PK\x03\x04\0\0", "x, line 1: a NUL character"),
        (b"a=1\n", "x has no line ListOfSeriesToDownload="),
        (b"ListOfSeriesToDownload=\n1.2\nx\n", "x, line 3: 'x' is not a SeriesInstanceUID"),
    ],
)
def test_ambiguous_list_prints_one_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, sentence: str
) -> None:
    (tmp_path / "x").write_bytes(content)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ManifestError, match=f"^{sentence}") as caught:
        jobs_of(Path("x"))
    assert str(caught.value).isprintable()


def test_parquet_is_accepted_once_it_is_converted(tmp_path: Path) -> None:
    path = tmp_path / "x"
    table = pa.table({"series_instance_uid": [ONE, TWO], "image_count": [72, 3]})
    pq.write_table(table, path)
    with pytest.raises(ManifestError, match=r"x is Parquet\. Convert it to CSV or JSON lines\."):
        jobs_of(path)
    pa_csv.write_csv(table, path)
    assert [job["series_instance_uid"] for job in jobs_of(path)] == [ONE, TWO]


def test_list_without_all_values_names_those_that_are_missing(tmp_path: Path) -> None:
    path = tmp_path / "x"
    for text, sentence in (
        (PORTAL, "lists series only, where series_instance_uid and sop_instance_uid must be"),
        (ONE, "line 1: a list of UIDs, where series_instance_uid and sop_instance_uid must be"),
        (SERVER, "line 2: none of the columns .* is sop_instance_uid"),
    ):
        path.write_text(text)
        with pytest.raises(ManifestError, match=sentence):
            jobs_of(path, _endpoints.DOWNLOAD_SINGLE_IMAGE)
