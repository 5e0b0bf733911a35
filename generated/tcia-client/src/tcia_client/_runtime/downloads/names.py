"""Make names of archive members into file names that are safe on every system."""

import re
import unicodedata

from ..redaction import redacted
from .dicom_header import Header
from .errors import UnsafeArchiveError
from .options import Names

RECEIPT_NAME = ".download.json"
"""Name of the receipt in a folder, and end of the name of one beside a file."""

_DEVICES = frozenset(
    {"CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$", "CLOCK$"}
    | {f"{port}{number}" for port in ("COM", "LPT") for number in "0123456789¹²³"}
)
_FORBIDDEN = frozenset('<>:"|?*\\')
_LONGEST_PART = 255
_LONGEST_NAME = 1024
_DEEPEST = 32
_UID = re.compile(r"[0-9]+(?:\.[0-9]+)*")
LONGEST_UID = 64
"""Characters of a UID, by DICOM PS3.5."""


def safe_parts(name: str) -> tuple[str, ...]:
    """Return the folders and the file of a member's name; empty for the archive's own folder.

    Raises:
        UnsafeArchiveError: The name leads out of the target, or could mean something else
            than a plain file on Linux, macOS or Windows.
    """
    if name.startswith("/"):
        raise _refused(name, "has an absolute path")
    if "\\" in name:
        raise _refused(name, "has a backslash in its name")
    if len(name.encode("utf-8", "replace")) > _LONGEST_NAME:
        raise _refused(name, f"has a name of more than {_LONGEST_NAME} bytes")
    parts = tuple(part for part in name.split("/") if part not in ("", "."))
    if len(parts) > _DEEPEST:
        raise _refused(name, f"lies more than {_DEEPEST} folders deep")
    for part in parts:
        if part == "..":
            raise _refused(name, "leads out of its folder")
        if not part.isprintable() or not _FORBIDDEN.isdisjoint(part):
            raise _refused(name, "has characters in its name that no file can have on every system")
        if part[-1] in " ." or part[0] == " ":
            raise _refused(name, "has a blank or a dot at an end of its name")
        if part.partition(".")[0].rstrip().upper() in _DEVICES:
            raise _refused(name, "has the name of a device")
        if len(part.encode("utf-8", "replace")) > _LONGEST_PART:
            raise _refused(name, f"has a name of more than {_LONGEST_PART} bytes")
    return parts


def _refused(name: str, problem: str) -> UnsafeArchiveError:
    return UnsafeArchiveError(f"member {redacted(name)[:200]!r} of the ZIP archive {problem}")


class Taken:
    """The claimed names of one folder, so that none is used twice on any system.

    Args:
        reserved: The name of a file that no member may have.
    """

    def __init__(self, reserved: str) -> None:
        self._files: dict[str, str] = {_key(reserved): reserved}
        self._folders: set[str] = set()
        self._numbers: dict[str, int] = {}

    def claim(self, parts: tuple[str, ...]) -> None:
        """Claim the name of a member.

        Raises:
            UnsafeArchiveError: It is claimed already, perhaps in another case, or a folder's.
        """
        if problem := self._add(parts):
            raise _refused("/".join(parts), problem)

    def free(self, stem: str, suffix: str) -> str:
        """Claim and return the name of a top-level file, with a number after the stem if taken."""
        first = name = f"{stem}{suffix}"
        number = self._numbers.get(first, 1)
        while self._add((name,)):
            number += 1
            name = f"{stem}-{number}{suffix}"
        self._numbers[first] = number
        return name

    def _add(self, parts: tuple[str, ...]) -> str:
        keys = [_key("/".join(parts[:depth])) for depth in range(1, len(parts) + 1)]
        name = "/".join(parts)
        if (other := self._files.get(keys[-1])) is not None:
            if other == name:
                return "is there twice"
            return f"has the name of {other[:200]!r} where upper and lower case are the same"
        if keys[-1] in self._folders or any(key in self._files for key in keys[:-1]):
            return "has the name of a folder, or a folder that of a file"
        self._files[keys[-1]] = name
        self._folders.update(keys[:-1])
        return ""


def _key(name: str) -> str:
    """Return the key of a name on a file system that ignores case and normal forms."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def file_stem(names: Names, header: Header) -> str | None:
    """Return the stem of a DICOM file's name, None if its header lacks the value."""
    number, uid = header.instance_number, header.uids["SOPInstanceUID"]
    if names == "instance-number" and number is not None and number >= 0:
        return f"{number:05}"
    return uid if uid is not None and len(uid) <= LONGEST_UID and _UID.fullmatch(uid) else None


_COMPANION_SUFFIX = re.compile(
    r"\.(?:csv|docx?|gif|gz|html?|jpe?g|json|log|md|md5|mhd|nii|nrrd|pdf|png|raw|rtf"
    r"|sha(?:1|256|512)|svg|tsv|txt|xlsx?|xml|ya?ml|zip)"
)
_COMPANION_STEMS = frozenset({"license", "licence", "notice", "readme"})
_COMPANION_NAMES = frozenset({".ds_store", "desktop.ini", "dicomdir", "thumbs.db"})


def is_companion(name: str) -> bool:
    """Return whether a file may accompany DICOM files without being one.

    Such files are licences, lists, annotations, the DICOMDIR of a medium, and what operating
    systems put into folders and archives.

    Args:
        name: Its name with its folders in the archive.
    """
    *folders, file = name.lower().split("/")
    if file in _COMPANION_NAMES or file.startswith("._") or "__macosx" in folders:
        return True
    stem, dot, suffix = file.rpartition(".")
    if _COMPANION_SUFFIX.fullmatch(dot + suffix):
        return True
    return suffix != "dcm" and (stem or suffix) in _COMPANION_STEMS
