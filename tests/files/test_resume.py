"""Broken downloads: resumed where that is safe, otherwise started again."""

import email.utils
import gzip
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from _runtime.downloads.public import CorruptDownloadError
from _runtime.errors import IncompleteResponseError, ReadTimeoutError
from _runtime.http.options import Timeouts
from _runtime.http.retry import Attempts, Clock, Retry

BODY = bytes(range(256)) * 600
HALF = 100_000
TAG = {"ETag": '"v1"', "Accept-Ranges": "bytes"}


def part(make: SimpleNamespace, body: bytes = BODY, start: int = HALF, **headers: str) -> Any:
    found = {"Content-Range": f"bytes {start}-{len(body) - 1}/{len(body)}", **headers}
    return make.Reply(body[start:], status=206, headers=found)


def fetch(run_client: Callable[..., Any], server: Any, tmp_path: Path, **options: object) -> bytes:
    done = run_client(
        server.base_url, lambda c: c.download_plan(tmp_path / "plan.pdf", vessel_id="1"), **options
    )
    assert [path.name for path in tmp_path.iterdir()] == ["plan.pdf"]
    assert done.bytes == len(done.path.read_bytes())
    body: bytes = done.path.read_bytes()
    return body


def dates(age: int) -> dict[str, str]:
    modified = email.utils.formatdate(time.time() - age, usegmt=True)
    return {"Last-Modified": modified}


@pytest.mark.parametrize(
    "headers", [TAG, {"ETag": '"v1"'}, dates(3600)], ids=["tag", "bare", "date"]
)
def test_broken_download_resumes_by_range(
    run_client: Callable[..., Any],
    make: SimpleNamespace,
    server: Any,
    tmp_path: Path,
    headers: dict[str, str],
) -> None:
    server.replies(make.Reply(BODY, headers=headers, sent=HALF), part(make))
    assert fetch(run_client, server, tmp_path) == BODY
    assert server.ranges == [None, f"bytes={HALF}-"]
    assert server.requests[1][1]["if-range"] == next(iter(headers.values()))


def test_download_resumes_more_than_once(
    run_client: Callable[..., Any], make: SimpleNamespace, server: Any, tmp_path: Path
) -> None:
    second = part(make)
    second.sent = 20_000
    server.replies(make.Reply(BODY, headers=TAG, sent=HALF), second, part(make, start=120_000))
    assert fetch(run_client, server, tmp_path) == BODY
    assert server.ranges == [None, "bytes=100000-", "bytes=120000-"]


@pytest.mark.parametrize("name", ["a", "a.zip"])
def test_unpacking_resumes_by_range(
    run_client: Callable[..., Any], make: SimpleNamespace, server: Any, tmp_path: Path, name: str
) -> None:
    body = make.series_zip(5)
    half = len(body) // 2
    server.replies(make.Reply(body, headers=TAG, sent=half), part(make, body, half))
    done = run_client(
        server.base_url, lambda c: c.download_image(tmp_path / name, series_instance_uid="1.2.3.4")
    )
    assert "crc32" in done.checks
    assert server.ranges == [None, f"bytes={half}-"]


@pytest.mark.parametrize("tag", ["v1", None], ids=["ranges", "no ranges"])
def test_download_from_a_silent_server_is_retried(
    run_client: Callable[..., Any],
    make: SimpleNamespace,
    server: Any,
    tmp_path: Path,
    tag: str | None,
) -> None:
    hold = threading.Event()
    server.replies(make.Reply(BODY, sent=HALF, hold=hold, tag=tag), make.Reply(BODY, tag=tag))
    assert fetch(run_client, server, tmp_path, timeout=Timeouts(read=0.3)) == BODY
    assert server.ranges == [None, tag and f"bytes={HALF}-"]
    server.replies(make.Reply(BODY, sent=HALF, hold=hold))
    with pytest.raises(ReadTimeoutError, match="stopped"):
        fetch(
            run_client,
            server,
            tmp_path,
            timeout=Timeouts(read=0.1),
            retry=Retry(attempts=2, backoff=0),
        )
    assert len(server.requests) == 4
    hold.set()


NO_VALIDATOR = {
    "none": {},
    "weak tag": {"ETag": 'W/"v1"'},
    "no ranges": {"ETag": '"v1"', "Accept-Ranges": "none"},
    "too new": dates(-3600),
    "invalid date": {"Last-Modified": "Mon, 01 Jan 2024 00:00:00 +99999999999999999999"},
}


@pytest.mark.parametrize("headers", NO_VALIDATOR.values(), ids=NO_VALIDATOR)
def test_download_without_a_strong_validator_starts_again(
    run_client: Callable[..., Any],
    make: SimpleNamespace,
    server: Any,
    tmp_path: Path,
    headers: dict[str, str],
) -> None:
    server.replies(make.Reply(BODY, headers=headers, sent=HALF), make.Reply(BODY, headers=headers))
    assert fetch(run_client, server, tmp_path) == BODY
    assert server.ranges == [None, None]


def test_changed_file_is_downloaded_from_its_start(
    run_client: Callable[..., Any], make: SimpleNamespace, server: Any, tmp_path: Path
) -> None:
    changed = BODY[::-1] + b"more"
    server.replies(
        make.Reply(BODY, headers=TAG, sent=HALF), make.Reply(changed, headers={"ETag": '"v2"'})
    )
    assert fetch(run_client, server, tmp_path) == changed


FALSE_PARTS: dict[str, Callable[[Any], Any]] = {
    "another start": lambda make: part(make, start=HALF + 1),
    "another size": lambda make: part(make, BODY + b"1"),
    "not to the end": lambda make: make.Reply(
        BODY[HALF:-1],
        status=206,
        headers={"Content-Range": f"bytes {HALF}-{len(BODY) - 2}/{len(BODY)}"},
    ),
    "another tag": lambda make: part(make, ETag='"v2"'),
    "no range": lambda make: make.Reply(BODY[HALF:], status=206),
    "many ranges": lambda make: make.Reply(
        BODY, status=206, headers={"Content-Type": "multipart/byteranges; boundary=x"}
    ),
    "refused": lambda make: make.Reply(b"", status=416),
}


@pytest.mark.parametrize("case", FALSE_PARTS)
def test_wrong_range_is_not_accepted(
    run_client: Callable[..., Any], make: SimpleNamespace, server: Any, tmp_path: Path, case: str
) -> None:
    server.replies(make.Reply(BODY, headers=TAG, sent=HALF), FALSE_PARTS[case](make), BODY)
    assert fetch(run_client, server, tmp_path) == BODY
    assert server.ranges == [None, f"bytes={HALF}-", None]


def test_unrequested_range_is_not_accepted(
    run_client: Callable[..., Any], make: SimpleNamespace, server: Any, tmp_path: Path
) -> None:
    server.replies(part(make), BODY)
    assert fetch(run_client, server, tmp_path) == BODY


def test_damaged_download_starts_again(
    run_client: Callable[..., Any], make: SimpleNamespace, server: Any, tmp_path: Path
) -> None:
    body = make.series_zip()
    spoiled = body[:300] + b"!" + body[301:]
    server.replies(make.Reply(spoiled, headers=TAG), make.Reply(body, headers=TAG))
    run_client(server.base_url, lambda c: c.download_image(tmp_path, series_instance_uid="1.2.3.4"))
    assert server.ranges == [None, None]


def test_download_after_its_last_attempt_raises_with_the_received_bytes(
    run_client: Callable[..., Any], make: SimpleNamespace, server: Any, tmp_path: Path
) -> None:
    server.replies(make.Reply(BODY, sent=HALF))
    with pytest.raises(IncompleteResponseError):
        fetch(run_client, server, tmp_path, retry=Retry(attempts=3, backoff=0))
    assert len(server.requests) == 3
    server.replies(make.series_zip()[:-1])
    with pytest.raises(CorruptDownloadError) as caught:
        run_client(
            server.base_url,
            lambda c: c.download_image(tmp_path, series_instance_uid="1.2.3.4"),
            retry=Retry(attempts=2, backoff=0),
        )
    assert caught.value.bytes == len(make.series_zip()) - 1
    assert caught.value.files == tuple(f"images/{n}.dcm" for n in range(3))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["a", "a.zip"])
def test_download_after_a_failed_call_sends_no_range(
    run_client: Callable[..., Any], make: SimpleNamespace, server: Any, tmp_path: Path, name: str
) -> None:
    body = make.series_zip(5)

    def download(client: Any) -> Any:
        return client.download_image(tmp_path / name, series_instance_uid="1.2.3.4")

    server.replies(make.Reply(body, headers=TAG, sent=len(body) // 2))
    with pytest.raises(IncompleteResponseError):
        run_client(server.base_url, download, retry=Retry(attempts=1))
    assert list(tmp_path.iterdir()) == []
    server.replies(make.Reply(body, headers=TAG))
    assert len(run_client(server.base_url, download).checks) > 2
    assert server.ranges == [None, None]


def test_total_time_counts_from_the_last_byte() -> None:
    now = [0.0]
    attempts = Attempts(Retry(total=10, backoff=0), Clock(monotonic=lambda: now[0]))
    now[0] = 3600
    attempts.progress()
    now[0] = 3605
    assert attempts.after(IncompleteResponseError("x")) == 0
    now[0] = 3611
    with pytest.raises(IncompleteResponseError):
        attempts.after(IncompleteResponseError("x"))


def test_compressed_response_is_decoded_and_not_resumed(
    run_client: Callable[..., Any], make: SimpleNamespace, server: Any, tmp_path: Path
) -> None:
    packed = gzip.compress(BODY)
    headers = {**TAG, "Content-Encoding": "gzip"}
    server.replies(
        make.Reply(packed, headers=headers, sent=200), make.Reply(packed, headers=headers)
    )
    assert fetch(run_client, server, tmp_path) == BODY
    assert server.ranges == [None, None]
