"""Existing downloads, and files at the destination of a download."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from files_client import names

from _runtime.downloads.public import Download
from _runtime.errors import NotFoundError, ParameterError

SERIES = "1.2.3.4"
CLIENTS = ("sync", "async")
WHOLE = ["images", *(f"images/{n}.dcm" for n in range(3))]
Fetch = Callable[..., Download]


@pytest.fixture
def fetch(
    run_client: Callable[..., Any], make: SimpleNamespace, server: Any, tmp_path: Path
) -> Fetch:
    """Fetch a series of three images into the folder of the test."""
    server.replies(make.Reply(make.series_zip(), headers={"imageCount": "3"}))

    def run(target: Path = tmp_path, **options: object) -> Download:
        done: Download = run_client(
            server.base_url,
            lambda c: c.download_image(target, series_instance_uid=SERIES, **options),
        )
        return done

    return run


SPOILED: dict[str, Callable[[Path], object]] = {
    "files are missing": lambda f: (f / "images/0.dcm").unlink(),
    "a file is shorter": lambda f: os.truncate(f / "images/2.dcm", 300),
    "a file is a link": lambda f: link(f / "images/1.dcm"),
    "the list is missing": lambda f: (f / ".download.json").unlink(),
    "the list is cut": lambda f: os.truncate(f / ".download.json", 40),
    "invalid receipt": lambda f: (f / ".download.json").write_text("[]"),
    "the list is of another series": lambda f: change(f, request={}),
    "the list leads out": lambda f: change(f, files={"../../x": 1}),
    "the list is empty": lambda f: change(f, files={}),
}


def link(path: Path) -> None:
    path.rename(path.parents[2] / "elsewhere.dcm")
    path.symlink_to(path.parents[2] / "elsewhere.dcm")


def change(folder: Path, **values: object) -> None:
    path = folder / ".download.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


@pytest.mark.parametrize("case", SPOILED)
def test_folder_not_known_to_be_complete_is_downloaded_again(
    fetch: Fetch, tmp_path: Path, case: str
) -> None:
    assert not fetch(existing="keep").existed
    assert fetch(existing="keep").existed
    SPOILED[case](tmp_path / SERIES)
    assert not fetch(existing="keep").existed
    assert names(tmp_path / SERIES) == WHOLE
    assert fetch(existing="keep").existed


def test_folder_of_another_tool_is_downloaded_and_its_files_remain(
    fetch: Fetch, make: SimpleNamespace, tmp_path: Path
) -> None:
    (tmp_path / SERIES / "images").mkdir(parents=True)
    (tmp_path / SERIES / "1-01.dcm").write_bytes(make.dicom())
    (tmp_path / SERIES / "images" / "0.dcm").write_bytes(make.dicom())
    done = fetch(existing="keep")
    assert (done.existed, len(done.files)) == (False, 3)
    assert names(tmp_path / SERIES) == ["1-01.dcm", *WHOLE]


def test_other_names_for_complete_folder_raise_and_retain_it(
    fetch: Fetch, server: Any, tmp_path: Path
) -> None:
    fetch(existing="keep")
    with pytest.raises(ParameterError, match=r"would fetch .* again.*Pass 'server' to keep them"):
        fetch(existing="keep", names="instance-number")
    assert names(tmp_path / SERIES) == WHOLE
    assert len(server.requests) == 1
    fetch(existing="replace", names="instance-number")
    assert names(tmp_path / SERIES) == ["00001.dcm", "00002.dcm", "00003.dcm"]
    assert fetch(existing="keep", names="instance-number").existed


def test_incomplete_folder_with_final_name_is_downloaded_again(
    fetch: Fetch, make: SimpleNamespace, server: Any, tmp_path: Path
) -> None:
    good = server.script
    server.replies(make.Reply(make.series_zip(), headers={"imageCount": "5"}))
    done = fetch(on_difference="keep")
    done.path.rename(tmp_path / SERIES)
    server.script = good
    assert not fetch(existing="keep").existed


def test_truncated_single_file_is_downloaded_again(
    run_client: Callable[..., Any], server: Any, tmp_path: Path
) -> None:
    server.replies(b"a plan")
    target = tmp_path / "a.pdf"

    def fetch(**options: Any) -> Download:
        done: Download = run_client(
            server.base_url, lambda c: c.download_plan(target, vessel_id="1", **options)
        )
        return done

    fetch()
    assert [path.name for path in tmp_path.iterdir()] == ["a.pdf"]
    assert [fetch(existing="keep").existed for _ in range(2)] == [False, True]
    target.write_bytes(b"a pl")
    assert [fetch(existing="keep").existed for _ in range(2)] == [False, True]


def test_files_that_no_download_wrote_remain(
    fetch: Fetch, make: SimpleNamespace, server: Any, tmp_path: Path
) -> None:
    fetch()
    folder = tmp_path / SERIES
    (folder / "notes").mkdir()
    (folder / "notes" / "mine.txt").write_text("mine")
    (folder / "latest").symlink_to("images", target_is_directory=True)
    server.replies(make.series_zip(2))
    fetch()
    assert (folder / "notes" / "mine.txt").read_text() == "mine"
    assert (folder / "latest").is_symlink()
    assert names(folder) == ["images", "images/0.dcm", "images/1.dcm", "latest", "notes",
                             "notes/mine.txt"]  # fmt: skip
    assert [path.name for path in tmp_path.iterdir()] == [SERIES]


@pytest.mark.parametrize("existing", ["keep", "replace"])
def test_folder_set_aside_by_a_killed_process_is_restored(
    fetch: Fetch, server: Any, tmp_path: Path, existing: str
) -> None:
    fetch()
    (tmp_path / SERIES / "mine.txt").write_text("mine")
    (tmp_path / SERIES).rename(tmp_path / f"{SERIES}.old.part")
    assert fetch(existing=existing).existed == (existing == "keep")
    assert [path.name for path in tmp_path.iterdir()] == [SERIES]
    assert names(tmp_path / SERIES) == [*WHOLE, "mine.txt"]


def test_folder_replaced_by_a_killed_process_is_removed(fetch: Fetch, tmp_path: Path) -> None:
    fetch()
    (tmp_path / SERIES / "mine.txt").write_text("mine")
    (tmp_path / SERIES).rename(tmp_path / "old")
    fetch()
    (tmp_path / "old").rename(tmp_path / f"{SERIES}.old.part")
    assert fetch(existing="keep").existed
    assert [path.name for path in tmp_path.iterdir()] == [SERIES]
    assert names(tmp_path / SERIES) == [*WHOLE, "mine.txt"]


def test_incomplete_folder_set_aside_by_a_killed_process_is_removed(
    fetch: Fetch, tmp_path: Path
) -> None:
    fetch()
    (tmp_path / SERIES).rename(tmp_path / f"{SERIES}.incomplete.old.part")
    fetch()
    assert [path.name for path in tmp_path.iterdir()] == [SERIES]


@pytest.mark.parametrize("name", ["", "a.zip"])
def test_incomplete_result_is_removed_by_a_complete_download(
    fetch: Fetch, make: SimpleNamespace, server: Any, tmp_path: Path, name: str
) -> None:
    target, good = tmp_path / name, server.script
    server.replies(make.Reply(make.series_zip(), headers={"imageCount": "5"}))
    for _ in range(2):
        assert fetch(target, on_difference="keep", existing="keep").differences
    server.script = good
    done = fetch(target)
    assert list(tmp_path.iterdir()) == [done.path]


@pytest.mark.parametrize("there", [True, False], ids=["leads somewhere", "dangles"])
@pytest.mark.parametrize("name", ["", "a.zip"])
def test_link_at_the_target_is_followed(
    fetch: Fetch, tmp_path: Path, name: str, *, there: bool
) -> None:
    link, place = tmp_path / (name or SERIES), tmp_path / "elsewhere" / "real"
    place.parent.mkdir()
    if there and not name:
        place.mkdir()
    elif there:
        place.write_bytes(b"old")
    link.symlink_to(place)
    for _ in range(3):
        assert fetch(tmp_path / name).path == place
    assert link.is_symlink()
    assert names(place.parent) == ["real", *(f"real/{one}" for one in WHOLE if not name)]
    assert fetch(tmp_path / name, existing="keep").existed == (not name)


def test_circular_links_are_refused_before_any_request(
    fetch: Fetch, server: Any, tmp_path: Path
) -> None:
    (tmp_path / SERIES).symlink_to(tmp_path / "other")
    (tmp_path / "other").symlink_to(tmp_path / SERIES)
    with pytest.raises(OSError, match="symbolic links"):
        fetch()
    assert server.requests == []


def test_leftovers_of_a_killed_process_are_removed_though_the_server_fails(
    fetch: Fetch, make: SimpleNamespace, server: Any, tmp_path: Path
) -> None:
    server.replies(make.Reply(status=404))
    (tmp_path / f"{SERIES}.part").mkdir()
    (tmp_path / f"{SERIES}.part" / "1.dcm").write_bytes(b"left")
    (tmp_path / f"{SERIES}.lock.part").touch()
    with pytest.raises(NotFoundError):
        fetch()
    assert list(tmp_path.iterdir()) == []


def test_replaced_file_loses_its_old_receipt(
    run_client: Callable[..., Any], server: Any, tmp_path: Path
) -> None:
    def plan(**options: Any) -> list[str]:
        target = tmp_path / "plan.pdf"
        run_client(server.base_url, lambda c: c.download_plan(target, vessel_id="V", **options))
        return sorted(path.name for path in tmp_path.iterdir())

    server.replies(b"%PDF-1.7 first")
    assert plan(existing="keep") == [".plan.pdf.download.json", "plan.pdf"]
    server.replies(b"%PDF-1.7 second")
    assert plan() == ["plan.pdf"]
