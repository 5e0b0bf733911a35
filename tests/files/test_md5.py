"""The list of MD5 sums that an archive may hold, compared with its files."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from _runtime.downloads.public import VerificationError

SERIES = "1.2.3.4"
CLIENTS = ("sync",)
LIST = "md5hashes.csv"


def md5(data: bytes) -> str:
    return hashlib.md5(data).hexdigest()


def images(make: SimpleNamespace) -> dict[str, bytes]:
    return {f"1-{n:02}.dcm": make.dicom(number=n + 1) for n in range(3)}


def listing(sums: dict[str, str]) -> bytes:
    return "\n".join(["Filename,MD5Hash", *(f"{n},{s}" for n, s in sums.items())]).encode()


def archive(make: SimpleNamespace, sums: dict[str, str], folder: str = "", name: str = LIST) -> Any:
    members = [(folder + name, data) for name, data in images(make).items()]
    licence = ("LICENSE", b"CC BY")
    return make.zipped([licence, *members, (name, listing(sums))])


Fetch = Callable[..., Any]


@pytest.fixture(params=["unpacked", "renamed", "zip"])
def fetch(
    request: pytest.FixtureRequest, run_client: Callable[..., Any], server: Any, tmp_path: Path
) -> Fetch:
    """Download an archive, in each way."""
    options = {"names": "sop-instance-uid"} if request.param == "renamed" else {}
    target = tmp_path / ("a.zip" if request.param == "zip" else "a")

    def run(body: bytes, **more: object) -> Any:
        server.replies(body)
        return run_client(
            server.base_url,
            lambda c: c.download_image(target, series_instance_uid=SERIES, **options, **more),
        )

    return run


def right(make: SimpleNamespace) -> dict[str, str]:
    return {name: md5(data) for name, data in images(make).items()}


RIGHT: dict[str, Callable[[dict[str, str]], dict[str, str]]] = {
    "as written by NBIA": lambda sums: sums,
    "capital letters": lambda sums: {name: value.upper() for name, value in sums.items()},
    "a dot in front": lambda sums: {f"./{name}": value for name, value in sums.items()},
    "with the licence and itself": lambda sums: {
        **sums,
        "LICENSE": md5(b"CC BY"),
        LIST: md5(b""),
        "results.json": md5(b"[]"),
    },
}


@pytest.mark.parametrize("case", RIGHT)
def test_correct_md5_list_is_among_the_checks(
    make: SimpleNamespace, fetch: Fetch, case: str
) -> None:
    sums = RIGHT[case](right(make))
    for folder in ("", "images/", "./"):
        done = fetch(archive(make, sums, folder))
        assert "MD5" in done.checks
        assert done.differences == ()


def test_wrong_md5_sum_names_the_file(make: SimpleNamespace, fetch: Fetch) -> None:
    sums = right(make) | {"1-01.dcm": md5(b"other")}
    with pytest.raises(VerificationError, match=r"1-01\.dcm: its MD5 is") as caught:
        fetch(archive(make, sums))
    (difference,) = caught.value.differences
    assert (difference.check, difference.subject) == ("MD5", "1-01.dcm")
    assert "MD5" in caught.value.checks
    done = fetch(archive(make, sums), on_difference="keep")
    assert done.path.name.endswith(".incomplete")
    assert done.differences == (difference,)


def test_file_missing_from_the_archive_but_in_the_md5_list_fails(
    make: SimpleNamespace, fetch: Fetch
) -> None:
    sums = right(make) | {"1-03.dcm": md5(b"not there")}
    with pytest.raises(VerificationError, match=r"1-03\.dcm: is in the list of MD5 sums, but not"):
        fetch(archive(make, sums))


def test_partial_md5_list_is_compared_but_not_among_the_checks(
    make: SimpleNamespace, fetch: Fetch
) -> None:
    sums = right(make)
    del sums["1-00.dcm"]
    assert "MD5" not in fetch(archive(make, sums)).checks
    with pytest.raises(VerificationError, match=r"1-01\.dcm: its MD5"):
        fetch(archive(make, sums | {"1-01.dcm": md5(b"other")}))


@pytest.mark.parametrize(
    "content",
    [b"", b"a,b", b"Filename,MD5Hash\n1-00.dcm,null\n", b"\xff\xfe\x00", b'"unclosed\n' * 9],
    ids=["empty", "no sums", "null", "bytes", "quotes"],
)
def test_unreadable_md5_list_is_an_ordinary_file(
    make: SimpleNamespace, fetch: Fetch, content: bytes
) -> None:
    done = fetch(make.zipped([*images(make).items(), (LIST, content)]))
    assert "MD5" not in done.checks
    assert done.differences == ()


def test_md5_list_may_come_first_and_in_another_letter_case(
    make: SimpleNamespace, fetch: Fetch
) -> None:
    members = [("MD5Hashes.csv", listing(right(make))), *images(make).items()]
    assert "MD5" in fetch(make.zipped(members)).checks


def test_ambiguous_names_in_md5_list_need_their_folder(make: SimpleNamespace, fetch: Fetch) -> None:
    one, other = make.dicom(number=1), make.dicom(number=2)
    members = [("a/0.dcm", one), ("b/0.dcm", other)]
    sums = {"a/0.dcm": md5(one), "b/0.dcm": md5(other)}
    assert "MD5" in fetch(make.zipped([*members, (LIST, listing(sums))])).checks
    with pytest.raises(VerificationError, match=r"0\.dcm: is in the list"):
        fetch(make.zipped([*members, (LIST, listing({"0.dcm": md5(one)}))]))


def test_md5_sums_are_compared_after_a_resumed_download(
    run_client: Callable[..., Any], make: SimpleNamespace, server: Any, tmp_path: Path
) -> None:
    data = {"0.dcm": make.dicom(number=1), "1.dcm": make.dicom(number=2, size=200_000)}
    sums = {name: md5(content) for name, content in data.items()}

    def download(client: Any) -> Any:
        return client.download_image(tmp_path, series_instance_uid=SERIES)

    for wrong in ({}, {"0.dcm": md5(b"other")}):
        body = make.zipped([(LIST, listing(sums | wrong)), *data.items()], method=0)
        broken = make.Reply(body, sent=len(body) - 5000, tag="v1")
        server.replies(broken, make.Reply(body, tag="v1"))
        if wrong:
            with pytest.raises(VerificationError, match=r"0\.dcm: its MD5"):
                run_client(server.base_url, download)
        else:
            assert "MD5" in run_client(server.base_url, download).checks
        assert server.ranges[-1] is not None
