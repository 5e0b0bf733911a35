"""Compares downloads with curl and unzip, interleaved in one run.

Run: python tests/benchmarks/downloads.py [ROUNDS]

All sides send requests to the same server, in a separate process, and write to the same
disk; the written files are compared before the measurement. A ratio above 1 is faster than
curl. The limits apply to `transport="urllib3"`; the last column is over httpx.
"""

import filecmp
import io
import os
import random
import shutil
import socket
import ssl
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
from typing import Any

HERE = Path(__file__).parent
PACKAGE = HERE.parents[1] / "templates" / "client" / "package"
sys.path[:0] = [str(PACKAGE), str(HERE.parent / "files"), str(HERE.parents[1])]

MB = 1_000_000
PLAIN = 200 * MB
MANY, EACH = 200, 5 * MB
CHUNK = 64 * 1024
IMAGES = 160


Work = Callable[[Any], None]


def main(rounds: int) -> int:
    """Print the table; return 1 if a ratio is below its limit."""
    with tempfile.TemporaryDirectory(prefix="downloads-") as scratch:
        folder = Path(scratch)
        make_files(folder / "served")
        make_certificate(folder)
        for name in ("SSL_CERT_FILE", "CURL_CA_BUNDLE"):
            os.environ[name] = str(folder / "certificate.pem")
        with (
            served(folder) as (base_url, tls_url),
            clients(base_url) as plain,
            clients(tls_url) as secure,
        ):
            table = cases(base_url, folder / "out")
            over_tls = cases(tls_url, folder / "out")[0]
            print(f"{'':28}{'curl':>9}{'ours':>9}{'ratio':>8}{'wanted':>8}{'httpx':>8}")
            missed = [row(folder / "out", case, plain, rounds) for case in table]
            missed.append(row(folder / "out", ("200 MB over TLS", *over_tls[1:]), secure, rounds))
        return int(any(missed))


Case = tuple[str, float, Work, Callable[[], None]]


def cases(base_url: str, out: Path) -> list[Case]:
    """Return the cases: title, lowest ratio, work of the client, work of the rival."""
    plan = f"{base_url}/Fleet/query/getPlan?VesselID="

    def curl(name: str) -> None:
        fetch("-o", str(out / "rival"), f"{plan}{name}")

    def curl_unzip() -> None:
        url = f"{base_url}/TCIA/query/getImage?SeriesInstanceUID=1.2.3.4"
        fetch("-o", str(out / "rival.zip"), url)
        command = ["unzip", "-q", str(out / "rival.zip"), "-d", str(out / "rival")]
        subprocess.run(command, check=True)

    def curl_many() -> None:
        config = "".join(f'url="{plan}many-{n}"\noutput="{out}/rival/{n}"\n' for n in range(MANY))
        (out / "rival").mkdir()
        fetch("--parallel", "--parallel-max", "4", "--config", "-", stdin=config)

    def one(name: str) -> Work:
        return lambda client: client.download_plan(out / "ours", vessel_id=name)

    def unpacked(client: Any) -> None:
        client.download_image(out / "ours", series_instance_uid="1.2.3.4")

    def many(client: Any) -> None:
        items = [{"vessel_id": f"many-{n}"} for n in range(MANY)]
        client.download_plans(out / "ours", items, existing="replace")

    return [
        ("200 MB, fixed length", 0.9, one("plain"), lambda: curl("plain")),
        ("200 MB, chunked", 0.7, one("chunked"), lambda: curl("chunked")),
        ("200 x 5 MB, 4 at once", 1.0, many, curl_many),
        ("series of 80 MB, unpacked", 2.0, unpacked, curl_unzip),
    ]


def row(out: Path, case: Case, clients: tuple[Any, Any], rounds: int) -> bool:
    """Compare, time each side in turn, and print; return whether the ratio is too low."""
    title, wanted, mine, rival = case
    sides: dict[str, Callable[[], None]] = {
        "rival": rival,
        "fast": lambda: mine(clients[0]),
        "httpx": lambda: mine(clients[1]),
    }
    for side in ("fast", "httpx"):
        fresh(out)
        rival()
        sides[side]()
        compare(out)
    times: dict[str, list[float]] = {side: [] for side in sides}
    for number in range(rounds):
        order = [*sides][number % 3 :] + [*sides][: number % 3]
        for side in order:
            fresh(out)
            start = time.perf_counter()
            sides[side]()
            times[side].append(time.perf_counter() - start)
    ratio, other = (
        statistics.median(r / m for r, m in zip(times["rival"], times[side], strict=True))
        for side in ("fast", "httpx")
    )
    print(
        f"{title:28}{statistics.median(times['rival']):8.3f}s"
        f"{statistics.median(times['fast']):8.3f}s{ratio:8.2f}{wanted:8.1f}{other:8.2f}"
    )
    return ratio < wanted


@contextmanager
def clients(base_url: str) -> Iterator[tuple[Any, Any]]:
    """Yield a client over urllib3, from the extra `fast`, and one over httpx."""
    from files_client import Client  # noqa: PLC0415 - sys.path is set above

    with (
        Client(base_url=base_url, transport="urllib3") as fast,
        Client(base_url=base_url, transport="httpx") as plain,
    ):
        yield fast, plain


def fetch(*arguments: str, stdin: str | None = None) -> None:
    """Run curl."""
    command = ["curl", "--silent", "--show-error", "--fail", *arguments]
    # With --parallel, curl shows a meter even if silent.
    subprocess.run(command, input=stdin, text=True, stderr=subprocess.PIPE, check=True)


def fresh(out: Path) -> None:
    """Empty the folder that both sides write to, and flush the disk."""
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    os.sync()


def compare(out: Path) -> None:
    """Check that both sides wrote the same files."""
    mine, rival = (
        {common_name(path): path for path in below(out / side)} for side in ("ours", "rival")
    )
    rival.pop("results.json", None)
    assert mine
    assert mine.keys() == rival.keys()
    assert all(filecmp.cmp(mine[name], rival[name], shallow=False) for name in mine)


def below(path: Path) -> list[Path]:
    """Return the files at or below a path."""
    if path.is_file():
        return [path]
    found = (one for one in path.rglob("*") if not one.name.endswith(".download.json"))
    return [one for one in found if one.is_file()]


def common_name(path: Path) -> str:
    """Return the name that both sides share: without a prefix, empty for a single file."""
    return "" if path.name in ("ours", "rival") else path.name.removeprefix("many-")


def make_files(folder: Path) -> None:
    """Write the served files; each contains the headers and the body of a response."""
    from conftest import dicom  # noqa: PLC0415 - sys.path is set above

    folder.mkdir()
    chance = random.Random(1)
    body = chance.randbytes(MB) * (PLAIN // MB)
    write(folder / "plain", body)
    write(folder / "tiny", b"x")
    write(folder / "many", body[:EACH])
    chunks = (body[at : at + CHUNK] for at in range(0, len(body), CHUNK))
    encoded = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"
    write(folder / "chunked", encoded, "Transfer-Encoding: chunked")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for number in range(IMAGES):
            # Two bytes a pixel, the upper one smooth: they compress to about a half, as CT does.
            noise = iter(chance.randbytes(32 * 1024))
            pixels = b"".join(bytes((low % 64, 4)) for low in noise)
            image = dicom(number=number + 1, size=512 * 1024, fill=pixels)
            archive.writestr(f"images/{number}.dcm", image)
        archive.writestr("results.json", "[]")
    write(folder / "series", buffer.getvalue())


def write(path: Path, body: bytes, length: str = "") -> None:
    """Write headers and body."""
    headers = f"HTTP/1.1 200 OK\r\n{length or f'Content-Length: {len(body)}'}\r\n\r\n"
    path.write_bytes(headers.encode() + body)


def make_certificate(folder: Path) -> None:
    """Write a self-signed certificate of 127.0.0.1."""
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
    more = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    out = ["-keyout", str(folder / "key.pem"), "-out", str(folder / "certificate.pem")]
    subprocess.run([*command.split(), *more, *out], check=True, capture_output=True)


@contextmanager
def served(folder: Path) -> Iterator[list[str]]:
    """Serve the folder from another process, with and without TLS."""
    command = [sys.executable, __file__, "--serve", str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield process.stdout.readline().split()
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


def serve(folder: Path) -> None:
    """Respond to every request with a file, by sendfile if there is no TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "certificate.pem", folder / "key.pem")
    plain, secure = (socket.create_server(("127.0.0.1", 0), backlog=64) for _ in range(2))
    listeners = [("http", plain), ("https", secure)]
    print(*(f"{name}://127.0.0.1:{one.getsockname()[1]}/v3" for name, one in listeners), flush=True)

    def accept(listener: socket.socket, wrap: Callable[[socket.socket], socket.socket]) -> None:
        while True:
            connection = wrap(listener.accept()[0])
            threading.Thread(target=respond, args=(connection, folder / "served")).start()

    def with_tls(connection: socket.socket) -> socket.socket:
        return context.wrap_socket(connection, server_side=True)

    threading.Thread(target=accept, args=(secure, with_tls)).start()
    accept(plain, lambda connection: connection)


def respond(connection: socket.socket, folder: Path) -> None:
    """Respond to the requests of one connection."""
    with connection, connection.makefile("rb") as lines:
        while line := lines.readline():
            while lines.readline() != b"\r\n":
                pass
            value = line.split()[1].decode().rpartition("=")[2]
            name = "series" if value == "1.2.3.4" else value.partition("-")[0]
            with (folder / name).open("rb") as file:
                connection.sendfile(file)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve"]:
        serve(Path(sys.argv[2]))
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 5))
