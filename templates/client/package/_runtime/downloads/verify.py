"""Compare the files of a download with the request; without any I/O."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from ..http.request import Request
from ..naming import fold
from ..redaction import redacted
from .archive_lists import FAILED, LONGEST_LIST, REPORT, entries, has_failed
from .count import Count
from .dicom_header import KEYWORDS, Header, HeaderReader, NotDicomError, UnreadableError
from .names import LONGEST_UID
from .options import Expected
from .result import COUNT_CHECK, NOT_COUNTED, UNCHECKED, Difference, Unchecked

_COUNT = re.compile(r"\+?([0-9]{1,18})(?:\.0+)?")
_SHOWN = 5


def requested_uids(request: Request) -> dict[str, str]:
    """Return the UIDs of a request by their DICOM keyword.

    They are the parameters of kind ``uid`` whose name on the wire is the keyword,
    written in any case and with or without underscores.
    """
    keywords = {fold(keyword): keyword for keyword in KEYWORDS}
    requested: dict[str, str] = {}
    for parameter in request.endpoint.parameters:
        value = request.arguments.values.get(parameter.name)
        keyword = keywords.get(fold(parameter.dicom_keyword or parameter.name))
        if parameter.kind == "uid" and keyword and value is not None:
            requested[keyword] = str(value)
    return requested


def needs_dicom(request: Request, expect: Expected | None) -> bool:
    """Return whether the files of a download have to be DICOM."""
    return bool(requested_uids(request) or expect or "DICOM" in request.endpoint.formats)


class Checks:
    """The checks of one download, and its differences from the request.

    Attributes:
        dicom: Whether its files have to be DICOM.
        differences: What differs, so far.
        unchecked: Checks that could not be made.
        is_announced: Whether the response announces files, received or not.
    """

    def __init__(
        self, request: Request, expect: Expected | None, stated: Count | None = None
    ) -> None:
        self.dicom = needs_dicom(request, expect)
        self.differences: list[Difference] = []
        self.unchecked: list[Unchecked] = []
        self.is_announced = False
        self._requested = requested_uids(request)
        self._expect = expect or Expected()
        self._stated = stated
        self._unreadable = False
        self._made: dict[str, None] = {}
        # The files that are or should be DICOM; all files where they need not be.
        self._files = self._bytes = 0
        self._uids: set[str] = set()
        self._names: dict[str, str | None] = {}  # of files, with their SOPInstanceUID
        self._unidentified = 0
        self._reported: list[dict[str, str]] = []

    @property
    def all_unchecked(self) -> tuple[Unchecked, ...]:
        """Checks that could not be made, the one of the number of files included."""
        return (*self.unchecked, *[NOT_COUNTED] * (UNCHECKED in self.made))

    @property
    def made(self) -> tuple[str, ...]:
        """Names of the checks that were made completely, or failed."""
        failed = {one.check for one in self.differences}
        partial = {one.check for one in self.unchecked} - failed
        return tuple(check for check in self._made if check not in partial)

    def note(self, *checks: str) -> None:
        """Record checks that another module made, and that passed."""
        self._made.update(dict.fromkeys(checks))

    def could_not(self, check: str, subject: str, reason: str) -> None:
        """Record a check that could not be made, see :class:`.result.Unchecked`."""
        self.unchecked.append(Unchecked(check, _shown(subject), reason))

    def image(self, name: str, reader: HeaderReader, size: int) -> Header | None:
        """Check a file that should be DICOM; return its header, None if that cannot be read."""
        self._files += 1
        self._bytes += size
        self._names[_last(name)] = None
        name = redacted(name)
        self.note("DICOM", *self._requested)
        try:
            header = reader.result()
        except NotDicomError as error:
            self._differs("DICOM", name, str(error))
            return None
        except UnreadableError as error:
            for check in ("DICOM", *self._requested):
                self.could_not(check, name, str(error))
            self._unidentified += 1
            return None
        for keyword, requested in self._requested.items():
            found = header.uids[keyword]
            if found is None and not header.certain:
                self.could_not(keyword, name, f"no {keyword} is found in its irregular header")
            elif found != requested:
                words = f"its {keyword} is {_shown(found)}, not {requested}"
                self._differs(keyword, name, words)
        self._check_object(name, header)
        return header

    def _check_object(self, name: str, header: Header) -> None:
        uid = header.uids["SOPInstanceUID"]
        if uid is None:
            if header.certain:
                self._differs("DICOM", name, "it has no SOPInstanceUID")
            else:
                self.could_not("DICOM", name, "no SOPInstanceUID is found in its irregular header")
                self._unidentified += 1
            return
        self._names[_last(name)] = uid
        if len(uid) > LONGEST_UID:
            self._differs("DICOM", name, f"its SOPInstanceUID has {len(uid)} characters")
        elif uid in self._uids:
            self._differs("DICOM", name, f"SOPInstanceUID {_shown(uid)} is there twice")
        else:
            self._uids.add(uid)

    def report(self, content: bytes) -> None:
        """Read the server's report, which has an entry for each object; see :meth:`response`."""
        if len(content) > LONGEST_LIST:
            self._differs(REPORT, REPORT, f"it has more than {LONGEST_LIST} bytes")
            return
        text = content.decode("utf-8", "replace")
        self._reported = list(entries(text))
        self.is_announced = bool(self._reported)
        if FAILED in text.lower() and not any(map(has_failed, self._reported)):
            self._differs(REPORT, REPORT, f"the server reports: {FAILED}")

    def _compare_report(self) -> None:
        """Compare the objects that the report lists with those that are there.

        An entry is matched by its SOPInstanceUID, else by the name of its file; one that has
        neither counts. The check is made if the report lists each image.
        """
        missing: list[str] = []
        unidentified = self._unidentified
        for entry in self._reported:
            uid = next((v for k, v in entry.items() if fold(k) == "sopinstanceuid"), "")
            name = next((v for v in entry.values() if v.lower().endswith(".dcm")), "")
            subject = _shown(uid or name or next(iter(entry.values()), REPORT))
            if has_failed(entry):
                self._differs(REPORT, subject, f"the server reports: {FAILED}")
            elif uid in self._uids or not (uid or name):
                continue
            elif _last(name) not in self._names:
                missing.append(subject)
            elif (other := self._names[_last(name)]) is None:
                unidentified -= 1
            elif uid:
                self._differs(REPORT, subject, f"its file {_shown(name)} holds {_shown(other)}")
        self._report_missing(REPORT, missing, unidentified, f"is listed in {REPORT}, but not there")
        different = {difference.check for difference in self.differences}
        if len(self._reported) >= self._files or REPORT in different:
            self.note(REPORT)
        if len(self._reported) > self._files and REPORT not in different:
            self._count(REPORT, len(self._reported), f"files are there, {REPORT} lists")

    def _report_missing(
        self, check: str, objects: list[str], unidentified: int, message: str
    ) -> None:
        """Report objects that are not found; each unidentified file may be one of them."""
        if len(objects) > unidentified > 0:
            words = f"{len(objects)} objects are not found, and {unidentified} files unreadable"
            self._differs(check, "", words)
        for subject in objects:
            if not unidentified:
                self._differs(check, subject, message)
            elif len(objects) <= unidentified:
                self.could_not(check, subject, "is not found among the files that can be read")

    def md5(self, listed: Mapping[str, str], found: Mapping[str, str], *, complete: bool) -> None:
        """Compare the MD5 sums of the files with the archive's list.

        Args:
            listed: Sums by name, as listed.
            found: Sums of the files by name.
            complete: Whether each file is listed.
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

    def saw(self, files: Sequence[tuple[Path, int]]) -> None:
        """Record all files with their sizes."""
        if not self.dicom:
            self._files = len(files)
            self._bytes = sum(size for _, size in files)

    def give_up(self, reason: str) -> None:
        """Record that the files cannot be read, so that none of them is checked."""
        self._unreadable = True
        files = ("DICOM", *self._requested) if self.dicom else ()
        for check in ("crc32", "directory", *files, "completeness"):
            self.could_not(check, "", reason)

    def response(self, headers: Mapping[str, str]) -> None:
        """Compare the files with the response's report and headers, after the last file."""
        if not self.dicom or self._unreadable:
            return
        if self._reported or any(one.check == REPORT for one in self.differences):
            self._compare_report()
        self._compare_count(headers.get("imagecount", ""))

    @property
    def lacks_count(self) -> bool:
        """Whether nothing states yet how many files there should be."""
        expected = self._expect.count is not None or self._expect.sop_instance_uids is not None
        listed = not self._made.keys().isdisjoint((COUNT_CHECK, REPORT, "MD5"))
        return not (expected or listed or self._stated or self._unreadable)

    def finish(self, count: Count | None = None) -> None:
        """Compare with what the caller expects, and with a number of files.

        Args:
            count: The number that another endpoint states, if it was queried.
        """
        if self._unreadable:
            return
        stated = self._stated or count
        if stated is not None:
            self._count("stated count", stated.files, f"files are there, {stated.stated_by}")
            self._size("stated size", stated.bytes, f"bytes are there, {stated.stated_by}")
        if not self.dicom:
            return
        if not self._files:
            self._differs("DICOM", "", "there is no DICOM file")
        expect = self._expect
        if expect.sop_instance_uids is not None:
            self.note("expected UIDs")
            missing = sorted(expect.sop_instance_uids - self._uids)
            self._report_missing("expected UIDs", missing, self._unidentified, "is missing")
            for uid in sorted(self._uids - expect.sop_instance_uids):
                self._differs("expected UIDs", _shown(uid), "is not expected")
        if expect.count is not None:
            self._count("expected count", expect.count, "files are there, expected are")
        self._size("expected bytes", expect.bytes, "bytes, expected are")

    def summary(self) -> str:
        """Return the differences in a sentence."""
        return _sentence(self.differences)

    def warning(self) -> str:
        """Return the checks that could not be made in a sentence."""
        checks = ", ".join(dict.fromkeys(one.check for one in self.unchecked))
        once = {(one.subject, one.reason): one for one in self.unchecked}
        return f"could not check {checks}: {_sentence(list(once.values()))}"

    def _compare_count(self, header: str) -> None:
        """Compare with the ``imageCount`` header; a repeated header is a list of its values."""
        values = {value.strip() for value in header.split(",")}
        if values == {""}:
            return
        found = {int(match[1]) for value in values if (match := _COUNT.fullmatch(value))}
        if len(found) == 1 and all(map(_COUNT.fullmatch, values)):
            (announced,) = found
            self.is_announced = self.is_announced or announced > 0
            self._count(COUNT_CHECK, announced, "files are there, the server announced")
        else:
            self.note(COUNT_CHECK)
            self._differs(COUNT_CHECK, "", f"the server announced {_shown(header)} files")

    def _count(self, check: str, count: int, words: str) -> None:
        self.note(check)
        if self._files != count:
            kind = "DICOM " if self.dicom else ""
            self._differs(check, "", f"{self._files} {kind}{words} {count}")

    def _size(self, check: str, size: int | None, words: str) -> None:
        if size is not None:
            self.note(check)
            if self._bytes != size:
                self._differs(check, "", f"{self._bytes} {words} {size}")

    def _differs(self, check: str, subject: str, message: str) -> None:
        self.differences.append(Difference(check, subject, message))


def _sentence(findings: Sequence[object]) -> str:
    further = len(findings) - _SHOWN
    shown = "; ".join(map(str, findings[:_SHOWN]))
    return f"{shown}; and {further} more" if further > 0 else shown


def _last(name: str) -> str:
    return name.rpartition("/")[2]


def _shown(text: str | None) -> str:
    if text is None:
        return "absent"
    text = redacted(text)
    return text if len(text) <= 80 and text.isprintable() else ascii(text[:80])
