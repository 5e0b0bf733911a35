"""Whether what came is what was asked for; knows neither disk nor network."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, cast

from ..request import Request
from .dicom import KEYWORDS, Header, HeaderReader, NotDicomError
from .options import Expected
from .result import COUNT_CHECK, Difference

LONGEST_REPORT = 16 * 1024 * 1024
"""Bytes of the server's own report that are read."""

REPORT = "results.json"
_FAILED = "error retrieving file"
_UID = re.compile(r"[0-9]+(?:\.[0-9]+)+")
_COMPANION_SUFFIXES = frozenset(
    {".csv", ".htm", ".html", ".json", ".md", ".md5", ".pdf", ".sha256", ".txt", ".xml"}
)
_COMPANION_STEMS = frozenset({"license", "licence", "notice", "readme"})
_SHOWN = 5


def asked_for(request: Request) -> dict[str, str]:
    """The UIDs that a request asks for, by their DICOM keyword.

    They are the parameters of kind ``uid`` whose name on the wire is the keyword,
    written in any case and with or without underscores.
    """
    plain = {keyword.lower(): keyword for keyword in KEYWORDS}
    asked: dict[str, str] = {}
    for parameter in request.endpoint.parameters:
        value = request.arguments.values.get(parameter.name)
        keyword = plain.get(parameter.name.replace("_", "").lower())
        if parameter.kind == "uid" and keyword and value is not None:
            asked[keyword] = str(value)
    return asked


def is_companion(name: str) -> bool:
    """Whether a file may lie beside DICOM files without being one, such as a licence."""
    stem, dot, suffix = name.rpartition("/")[2].rpartition(".")
    return f"{dot}{suffix}".lower() in _COMPANION_SUFFIXES or (
        (stem or suffix).lower() in _COMPANION_STEMS
    )


class Checks:
    """What is seen of one download, and what differs from what was asked for.

    Attributes:
        asked: The UIDs asked for, by keyword.
        dicom: Whether its files have to be DICOM.
        differences: What differs, so far.
        images: DICOM files seen, or what should be some.
        announced: How many of them the answer's ``imageCount`` header announces.
    """

    def __init__(self, request: Request, expect: Expected | None) -> None:
        self.asked = asked_for(request)
        self.expect = expect or Expected()
        self.dicom = bool(self.asked or expect or "DICOM" in request.endpoint.formats)
        self.differences: list[Difference] = []
        self.images = 0
        self.announced: int | None = None
        self._made: dict[str, None] = {}
        self._sizes = 0
        self._uids: set[str] = set()

    @property
    def made(self) -> tuple[str, ...]:
        """Names of the checks made."""
        return tuple(self._made)

    def note(self, *checks: str) -> None:
        """Checks that have been made elsewhere, and passed."""
        self._made.update(dict.fromkeys(checks))

    def image(self, name: str, reader: HeaderReader, size: int) -> Header | None:
        """A file that should be DICOM has been read.

        Args:
            name: Its name in the archive or on disk.
            reader: What has read it.
            size: Its size in bytes.
        """
        self.images += 1
        self._sizes += size
        self.note("DICOM", *self.asked)
        try:
            header = reader.result()
        except NotDicomError as error:
            self._differs("DICOM", name, str(error))
            return None
        for keyword, asked in self.asked.items():
            found = header.value(keyword)
            if found != asked:
                self._differs(keyword, name, f"its {keyword} is {_shown(found)}, not {asked}")
        uid = header.sop_instance_uid
        if uid is None:
            self._differs("DICOM", name, "it has no SOPInstanceUID")
        elif uid in self._uids:
            self._differs("DICOM", name, f"SOPInstanceUID {_shown(uid)} is there twice")
        else:
            self._uids.add(uid)
        return header

    def report(self, content: bytes) -> None:
        """The server's own report on each file of an archive."""
        self.note(REPORT)
        if len(content) > LONGEST_REPORT:
            self._differs(REPORT, REPORT, f"it has more than {LONGEST_REPORT} bytes")
            return
        text = content.decode("utf-8", "replace")
        if _FAILED not in text.lower():
            return
        told = list(_told(text)) or [REPORT]
        for subject in told:
            self._differs(REPORT, subject, f"the server reports: {_FAILED}")

    def md5(self, listed: Mapping[str, str], found: Mapping[str, str], *, complete: bool) -> None:
        """The MD5 sums of files have been read, and those that the archive lists.

        Args:
            listed: Sums by name, as listed.
            found: Sums by name, of what is there.
            complete: Whether each file that is to be checked is listed.
        """
        before = len(self.differences)
        for name, expected in listed.items():
            actual = found.get(name)
            if actual is None:
                self._differs("MD5", _shown(name), "is in the list of MD5 sums, but not there")
            elif actual != expected:
                self._differs("MD5", _shown(name), f"its MD5 is {actual}, listed is {expected}")
        if complete or len(self.differences) > before:
            self.note("MD5")

    def finish(self, headers: Mapping[str, str]) -> None:
        """All has been seen.

        Args:
            headers: Headers of the answer.
        """
        if not self.dicom:
            return
        count = headers.get("imagecount", "").strip()
        if count.isascii() and count.isdigit():
            self.announced = int(count[:18])
            self._count(COUNT_CHECK, self.announced, "files are there, the server announced")
        if not self.images:
            self._differs("DICOM", "", "there is no DICOM file")
        expect = self.expect
        if expect.sop_instance_uids is not None:
            self.note("expected UIDs")
            for uid in sorted(expect.sop_instance_uids - self._uids):
                self._differs("expected UIDs", uid, "is missing")
            for uid in sorted(self._uids - expect.sop_instance_uids):
                self._differs("expected UIDs", _shown(uid), "is not expected")
        if expect.count is not None:
            self._count("expected count", expect.count, "files are there, expected are")
        if expect.bytes is not None:
            self.note("expected bytes")
            if self._sizes != expect.bytes:
                self._differs(
                    "expected bytes", "", f"{self._sizes} bytes, expected are {expect.bytes}"
                )

    def summary(self) -> str:
        """What differs, in a sentence."""
        shown = "; ".join(str(difference) for difference in self.differences[:_SHOWN])
        further = len(self.differences) - _SHOWN
        return f"{shown}; and {further} more" if further > 0 else shown

    def _count(self, check: str, count: int, words: str) -> None:
        self.note(check)
        if self.images != count:
            self._differs(check, "", f"{self.images} DICOM {words} {count}")

    def _differs(self, check: str, subject: str, message: str) -> None:
        self.differences.append(Difference(check, subject, message))


def _told(text: str) -> Iterator[str]:
    """The objects of a report that failed, by UID where it has one."""
    try:
        document: Any = json.loads(text)
    except (ValueError, RecursionError):
        return
    entries = cast("list[object]", document) if isinstance(document, list) else []
    for entry in entries:
        if isinstance(entry, dict):
            values = cast("dict[str, object]", entry).values()
            texts = [value for value in values if isinstance(value, str)]
            if any(_FAILED in value.lower() for value in texts):
                uids = (value for value in texts if _UID.fullmatch(value) and len(value) <= 64)
                yield next(uids, _shown(next(iter(texts))))


def _shown(text: str | None) -> str:
    if text is None:
        return "absent"
    return text if len(text) <= 80 and text.isprintable() else ascii(text[:80])
