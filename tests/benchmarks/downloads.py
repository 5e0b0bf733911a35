"""How fast downloads are against curl and unzip, interleaved in one run.

Run: python tests/benchmarks/downloads.py [ROUNDS]

Both sides ask the same server, in a process of its own, and write to the same disk; what
they wrote is compared before anything is timed. A ratio above 1 is faster than the rival.
"""

import filecmp
import io
import os
import random
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).parent
PACKAGE = HERE.parents[1] / "templates" / "client" / "package"
sys.path[:0] = [str(PACKAGE), str(HERE.parent / "files")]

MB = 1_000_000
PLAIN = 200 * MB
MANY, EACH = 200, 5 * MB
CHUNK = 64 * 1024
IMAGES = 160


def main(rounds: int) -> int:
    """Print the table; return 1 if a ratio that is promised is missed."""
    with tempfile.TemporaryDirectory(prefix="downloads-") as name:
        folder = Path(name)
        make_files(folder / "served")
        with served(folder / "served") as base_url:
            return measure(base_url, folder, rounds)


def measure(base_url: str, folder: Path, rounds: int) -> int:
    """Compare, then time each pair in turn."""
    from files_client import Client  # noqa: PLC0415 - the path to it is made above

    out = folder / "out"
    query = "?VesselID="

    def curl(name: str) -> None:
        fetch("-o", str(out / "rival"), f"{base_url}/Fleet/query/getPlan{query}{name}")

    def curl_unzip() -> None:
        url = f"{base_url}/TCIA/query/getImage?SeriesInstanceUID=1.2.3.4"
        fetch("-o", str(out / "rival.zip"), url)
        command = ["unzip", "-q", str(out / "rival.zip"), "-d", str(out / "rival")]
        subprocess.run(command, check=True)

    def curl_many() -> None:
        config = "".join(
            f'url="{base_url}/Fleet/query/getPlan{query}many-{n}"\noutput="{out}/rival/{n}"\n'
            for n in range(MANY)
        )
        (out / "rival").mkdir()
        fetch("--parallel", "--parallel-max", "4", "--config", "-", told=config)

    with Client(base_url=base_url) as client:

        def ours(name: str) -> None:
            client.download_plan(out / "ours", vessel_id=name)

        def ours_unzip() -> None:
            client.download_image(out / "ours", series_instance_uid="1.2.3.4")

        def ours_many() -> None:
            items = [{"vessel_id": f"many-{n}"} for n in range(MANY)]
            client.download_plan.many(out / "ours", items, existing="replace")

        table: list[tuple[str, float, Callable[[], None], Callable[[], None]]] = [
            ("200 MB, fixed length", 0.9, lambda: ours("plain"), lambda: curl("plain")),
            ("200 MB, chunked", 0.7, lambda: ours("chunked"), lambda: curl("chunked")),
            ("200 x 5 MB, 4 at once", 1.0, ours_many, curl_many),
            ("series of 80 MB, unpacked", 2.0, ours_unzip, curl_unzip),
        ]
        missed = False
        print(f"{'':28}{'curl':>9}{'ours':>9}{'ratio':>8}{'wanted':>8}")
        for title, wanted, mine, rival in table:
            fresh(out)
            rival()
            mine()
            compare(out)
            mine_times, rival_times, ratios = [], [], []
            for number in range(rounds):
                first, second = (mine, rival) if number % 2 else (rival, mine)
                times = {}
                for work in (first, second):
                    fresh(out)
                    start = time.perf_counter()
                    work()
                    times[work] = time.perf_counter() - start
                mine_times.append(times[mine])
                rival_times.append(times[rival])
                ratios.append(times[rival] / times[mine])
            ratio = statistics.median(ratios)
            missed |= ratio < wanted
            print(
                f"{title:28}{statistics.median(rival_times):8.3f}s"
                f"{statistics.median(mine_times):8.3f}s{ratio:8.2f}{wanted:8.1f}"
            )
    return int(missed)


def fetch(*arguments: str, told: str | None = None) -> None:
    """Run curl."""
    command = ["curl", "--silent", "--show-error", "--fail", *arguments]
    # With --parallel curl shows a meter, silent or not.
    subprocess.run(command, input=told, text=True, stderr=subprocess.PIPE, check=True)


def fresh(out: Path) -> None:
    """Empty the folder that both sides write to, and let the disk catch up."""
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    os.sync()


def compare(out: Path) -> None:
    """Hold what both sides wrote against each other, file by file."""
    mine, rival = (
        {common_name(path): path for path in below(out / side)} for side in ("ours", "rival")
    )
    rival.pop("results.json", None)
    assert mine
    assert mine.keys() == rival.keys()
    assert all(filecmp.cmp(mine[name], rival[name], shallow=False) for name in mine)


def below(path: Path) -> list[Path]:
    """The files at or below a path."""
    return [path] if path.is_file() else [found for found in path.rglob("*") if found.is_file()]


def common_name(path: Path) -> str:
    """A name that both sides give: without the prefix of many, empty for a single file."""
    return "" if path.name in ("ours", "rival") else path.name.removeprefix("many-")


def make_files(folder: Path) -> None:
    """Write what is served; each file holds head and body of an answer."""
    from conftest import dicom  # noqa: PLC0415 - the path to it is made above

    folder.mkdir()
    chance = random.Random(1)
    body = chance.randbytes(MB) * (PLAIN // MB)
    write(folder / "plain", body)
    write(folder / "many", body[:EACH])
    chunks = (body[at : at + CHUNK] for at in range(0, len(body), CHUNK))
    encoded = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"
    write(folder / "chunked", encoded, "Transfer-Encoding: chunked")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for number in range(IMAGES):
            # Two bytes a pixel, the upper one smooth: as CT images do, they pack to about a half.
            noise = iter(chance.randbytes(32 * 1024))
            pixels = b"".join(bytes((low % 64, 4)) for low in noise)
            image = dicom(number=number + 1, size=512 * 1024, fill=pixels)
            archive.writestr(f"images/{number}.dcm", image)
        archive.writestr("results.json", "[]")
    write(folder / "series", buffer.getvalue())


def write(path: Path, body: bytes, length: str = "") -> None:
    """Write head and body."""
    head = f"HTTP/1.1 200 OK\r\n{length or f'Content-Length: {len(body)}'}\r\n\r\n"
    path.write_bytes(head.encode() + body)


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve the folder from another process for the length of a ``with`` block."""
    command = [sys.executable, __file__, "--serve", str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


def serve(folder: Path) -> None:
    """Answer every request with a file, by sendfile."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)
    print(f"http://127.0.0.1:{listener.getsockname()[1]}/v3", flush=True)
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=answer, args=(connection, folder), daemon=True).start()


def answer(connection: socket.socket, folder: Path) -> None:
    """Answer the requests of one connection."""
    with connection, connection.makefile("rb") as lines:
        while line := lines.readline():
            while lines.readline() != b"\r\n":
                pass
            asked = line.split()[1].decode().rpartition("=")[2]
            name = "series" if asked == "1.2.3.4" else asked.partition("-")[0]
            with (folder / name).open("rb") as file, connection.dup() as out:
                out.settimeout(None)
                out.sendfile(file)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve"]:
        serve(Path(sys.argv[2]))
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 5))
