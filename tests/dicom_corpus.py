"""DICOM files in forms that occur in practice, for the tests of every header reader.

``READABLE`` holds files that pydicom reads; ``UNREADABLE`` holds files whose header cannot be
followed, and ``NOT_DICOM`` those that are not DICOM, end early or identify no object.
"""

import struct
import zlib
from collections.abc import Iterable, Mapping

SOP, STUDY, SERIES = "1.2.826.0.1.7.3", "1.2.826.0.1.7.1", "1.2.826.0.1.7.2"
EXPLICIT = "1.2.840.10008.1.2.1"
IMPLICIT = "1.2.840.10008.1.2"
BIG_ENDIAN = "1.2.840.10008.1.2.2"
DEFLATED = "1.2.840.10008.1.2.1.99"
UNDEFINED = 0xFFFFFFFF
LONG_VRS = ("OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV")

SOP_TAG, STUDY_TAG, SERIES_TAG = 0x00080018, 0x0020000D, 0x0020000E
REFERENCES, REFERENCED_SOP, PRIVATE = 0x00081140, 0x00081155, 0x00091001


def head(tag: int, vr: str, length: int, order: str = "<") -> bytes:
    """Return the header of an element; without a VR, that of an implicit one."""
    number = struct.pack(order + "HH", tag >> 16, tag & 0xFFFF)
    if not vr:
        return number + struct.pack(order + "L", length)
    if vr in LONG_VRS:
        return number + vr.encode() + struct.pack(order + "HL", 0, length)
    return number + vr.encode() + struct.pack(order + "H", length)


def element(tag: int, vr: str, value: bytes, order: str = "<") -> bytes:
    """Return an element, padded to an even length."""
    value += (b"\0" if vr in ("UI", "OB", "UN", "") else b" ") * (len(value) % 2)
    return head(tag, vr, len(value), order) + value


def marker(number: int, length: int = 0, order: str = "<") -> bytes:
    """Return an item or a delimiter: E000, E00D or E0DD of group FFFE."""
    return struct.pack(order + "HHL", 0xFFFE, number, length)


ITEM_END, SEQUENCE_END = marker(0xE00D), marker(0xE0DD)


def item(content: bytes, *, length: int = UNDEFINED) -> bytes:
    """Return a sequence item, with a delimiter if its length is undefined."""
    return marker(0xE000, length) + content + ITEM_END * (length == UNDEFINED)


def sequence(tag: int, *items: bytes, vr: str = "SQ") -> bytes:
    """Return a sequence of undefined length."""
    return head(tag, vr, UNDEFINED) + b"".join(items) + SEQUENCE_END


def meta(syntax: str | None = EXPLICIT, *, vr: str = "UI") -> bytes:
    """Return the File Meta Information."""
    content = element(0x00020003, vr, SOP.encode())
    if syntax is not None:
        content += element(0x00020010, vr, syntax.encode())
    length = struct.pack("<L", len(content))
    return element(0x00020000, "UL" if vr else "", length) + content


def data_set(
    odd: Mapping[int, bytes] | None = None,
    order: Iterable[int] | None = None,
    *,
    vr: bool = True,
    endian: str = "<",
) -> bytes:
    """Return a small data set with odd elements besides or instead of the plain ones."""
    plain = [
        (0x00080005, "CS", b"ISO_IR 100"),
        (0x00080016, "UI", b"1.2.840.10008.5.1.4.1.1.2"),
        (SOP_TAG, "UI", SOP.encode()),
        (0x00080060, "CS", b"CT"),
        (0x00100010, "PN", b"Name^One"),
        (0x00100020, "LO", b"P1"),
        (STUDY_TAG, "UI", STUDY.encode()),
        (SERIES_TAG, "UI", SERIES.encode()),
        (0x00200013, "IS", b"7"),
        (0x00280010, "US", struct.pack(endian + "H", 1)),
        (0x7FE00010, "OW", bytes(64)),
    ]
    parts = {tag: element(tag, code if vr else "", value, endian) for tag, code, value in plain}
    parts |= odd or {}
    return b"".join(parts[tag] for tag in order or sorted(parts))


def part10(body: bytes, syntax: str | None = EXPLICIT) -> bytes:
    """Return a Part 10 file."""
    return bytes(128) + b"DICM" + meta(syntax) + body


def with_elements(odd: Mapping[int, bytes], order: Iterable[int] | None = None) -> bytes:
    """Return an explicit file with odd elements."""
    return part10(data_set(odd, order))


def deflated(body: bytes) -> bytes:
    """Return a deflated file."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return part10(packer.compress(body) + packer.flush(), DEFLATED)


def nested(depth: int) -> bytes:
    """Return nested sequences, all of undefined length."""
    content = element(REFERENCED_SOP, "UI", b"1.2.3.4")
    for _ in range(depth):
        content = sequence(REFERENCES, item(content))
    return content


def uid(tag: int, value: bytes, vr: str = "UI") -> dict[int, bytes]:
    """Return an element with an unchanged value."""
    return {tag: head(tag, vr, len(value)) + value}


REFERENCE = element(REFERENCED_SOP, "UI", b"1.2.3.4.5")
IMPLICIT_REFERENCE = element(REFERENCED_SOP, "", b"1.2.3.4.5")
OTHER_SERIES = element(SERIES_TAG, "UI", b"9.9.9")
FRAGMENTS = marker(0xE000) + item(b"\1\2\3\4", length=4) + SEQUENCE_END
TAGS = [SOP_TAG, STUDY_TAG, SERIES_TAG]
LAST = [0x00080016, 0x00080060, 0x00280010]

_ELEMENTS: dict[str, Mapping[int, bytes]] = {
    "plain": {},
    "private element without a VR": {PRIVATE: element(PRIVATE, "", b"12")},
    "private element without a VR and value": {PRIVATE: element(PRIVATE, "", b"")},
    "private element without a VR, of 4,000 bytes": {PRIVATE: element(PRIVATE, "", bytes(4000))},
    "public element without a VR": {0x00081030: element(0x00081030, "", b"a study")},
    "identifiers without a VR": {
        SOP_TAG: element(SOP_TAG, "", SOP.encode()),
        SERIES_TAG: element(SERIES_TAG, "", SERIES.encode()),
    },
    "sequence without a VR": {
        REFERENCES: sequence(REFERENCES, item(REFERENCE), item(b""), vr=""),
    },
    "private sequence without a VR": {PRIVATE: sequence(PRIVATE, item(REFERENCE), vr="")},
    "private sequence without a VR and items": {PRIVATE: sequence(PRIVATE, vr="")},
    "item with implicit elements": {REFERENCES: sequence(REFERENCES, item(IMPLICIT_REFERENCE))},
    "item with implicit elements of explicit length": {
        REFERENCES: sequence(
            REFERENCES,
            item(IMPLICIT_REFERENCE, length=len(IMPLICIT_REFERENCE)),
            item(REFERENCE, length=len(REFERENCE)),
        )
    },
    "implicit item inside of an explicit one": {
        REFERENCES: sequence(
            REFERENCES, item(REFERENCE + sequence(0x00081199, item(IMPLICIT_REFERENCE * 3)))
        )
    },
    "implicit item with a sequence": {
        REFERENCES: sequence(
            REFERENCES, item(sequence(0x00081199, item(IMPLICIT_REFERENCE), vr="")), item(REFERENCE)
        )
    },
    "needless delimiter behind an item": {
        REFERENCES: sequence(REFERENCES, item(REFERENCE, length=len(REFERENCE)) + ITEM_END)
    },
    "needless delimiters behind two items": {
        REFERENCES: sequence(REFERENCES, *[item(REFERENCE, length=len(REFERENCE)) + ITEM_END] * 2)
    },
    "needless delimiter inside of an item": {
        REFERENCES: sequence(REFERENCES, item(REFERENCE + ITEM_END, length=len(REFERENCE) + 8))
    },
    "needless delimiter behind an empty item": {
        REFERENCES: sequence(REFERENCES, item(b"", length=0) + ITEM_END)
    },
    "needless delimiter behind a sequence": {
        REFERENCES: element(REFERENCES, "SQ", item(REFERENCE)) + SEQUENCE_END
    },
    "needless delimiter behind an empty sequence": {
        REFERENCES: element(REFERENCES, "SQ", b"") + SEQUENCE_END
    },
    "needless delimiter behind a sequence in an item": {
        REFERENCES: sequence(
            REFERENCES, item(element(0x00081199, "SQ", item(REFERENCE)) + SEQUENCE_END)
        )
    },
    "UN of undefined length, explicit items": {
        PRIVATE: sequence(PRIVATE, item(REFERENCE + OTHER_SERIES), vr="UN")
    },
    "UN of undefined length, implicit items": {
        PRIVATE: sequence(PRIVATE, item(IMPLICIT_REFERENCE), vr="UN")
    },
    "UN of undefined length, no items": {PRIVATE: sequence(PRIVATE, vr="UN")},
    "UN in UN": {
        PRIVATE: sequence(PRIVATE, item(sequence(0x00091002, item(OTHER_SERIES), vr="UN")), vr="UN")
    },
    "UN of known length": {PRIVATE: element(PRIVATE, "UN", item(OTHER_SERIES))},
    "identifiers in sequences": {
        0x00080006: sequence(0x00080006, item(element(SOP_TAG, "UI", b"9.9.8") + OTHER_SERIES)),
        0x00081115: element(0x00081115, "SQ", item(OTHER_SERIES)),
        0x00400275: sequence(0x00400275, item(OTHER_SERIES)),
    },
    "encapsulated value in an icon": {
        0x00880200: sequence(
            0x00880200, item(head(0x7FE00010, "OB", UNDEFINED) + FRAGMENTS), item(REFERENCE)
        )
    },
    "encapsulated value in front": {PRIVATE: head(PRIVATE, "OB", UNDEFINED) + FRAGMENTS},
    "unknown VR": {PRIVATE: element(PRIVATE, "ZZ", b"1234")},
    "value of odd length": {0x00081030: head(0x00081030, "LO", 3) + b"abc"},
    "long text": {0x00081030: element(0x00081030, "UT", b"a" * 200_000)},
    "30,000 references": {
        REFERENCES: sequence(REFERENCES, *[item(REFERENCE + REFERENCE)] * 30_000)
    },
    "2,000 references of explicit length": {
        REFERENCES: sequence(REFERENCES, *[item(REFERENCE, length=len(REFERENCE))] * 2000)
    },
    "120,000 references in one sequence of explicit length": {
        REFERENCES: element(REFERENCES, "SQ", item(REFERENCE) * 120_000)
    },
    "110,000 private elements": {
        tag: element(tag, "US", b"\1\0")
        for tag in (
            group << 16 | number for group in range(0x31, 0x5D, 2) for number in range(5000)
        )
    },
    "many frames behind the identifiers": {
        0x52009230: sequence(0x52009230, *[item(sequence(0x00289145, item(REFERENCE)))] * 2000)
    },
    "60 sequences in each other": {REFERENCES: nested(60)},
    "UIDs with a newline": uid(SOP_TAG, SOP.encode() + b"\n")
    | uid(SERIES_TAG, SERIES.encode() + b"\r\n\0")
    | uid(STUDY_TAG, STUDY.encode() + b"\n\0"),
    "UIDs with blanks": uid(SOP_TAG, SOP.encode() + b" ")
    | uid(SERIES_TAG, SERIES.encode() + b"\t "),
    "UIDs with many NULs": uid(SERIES_TAG, SERIES.encode() + bytes(49)),
    "UIDs behind a blank": uid(SERIES_TAG, b" " + SERIES.encode()),
    "UID as LO": uid(SERIES_TAG, SERIES.encode() + b" ", "LO"),
    "UID as UN": uid(SERIES_TAG, SERIES.encode() + b"\0", "UN"),
    "UID as UT": uid(SERIES_TAG, SERIES.encode() + b" ", "UT"),
    "padding behind the pixels": {0xFFFCFFFC: element(0xFFFCFFFC, "OB", bytes(300))},
}
_PLAIN = data_set()

READABLE: dict[str, bytes] = {name: with_elements(odd) for name, odd in _ELEMENTS.items()} | {
    "identifiers in another order": with_elements({}, [*reversed(TAGS), *LAST, 0x7FE00010]),
    "identifiers behind other elements": with_elements({}, [*LAST, *TAGS]),
    "an identifier behind a long sequence": with_elements(
        {0x52009230: sequence(0x52009230, *[item(REFERENCE)] * 500)},
        [SOP_TAG, STUDY_TAG, 0x00280010, 0x52009230, SERIES_TAG],
    ),
    "an identifier twice": part10(OTHER_SERIES + data_set()),
    "an identifier again behind others": part10(
        data_set({SERIES_TAG: OTHER_SERIES}, [*TAGS, 0x00280010])
        + element(SERIES_TAG, "UI", SERIES.encode())
    ),
    "implicit": part10(data_set(vr=False), IMPLICIT),
    "implicit, with private sequences": part10(
        data_set(
            {
                REFERENCES: sequence(REFERENCES, item(IMPLICIT_REFERENCE), vr=""),
                PRIVATE: sequence(PRIVATE, item(IMPLICIT_REFERENCE), vr=""),
            },
            vr=False,
        ),
        IMPLICIT,
    ),
    "implicit, declared as explicit": part10(data_set(vr=False), EXPLICIT),
    "explicit, declared as implicit": part10(_PLAIN, IMPLICIT),
    "explicit, of an unknown transfer syntax": part10(_PLAIN, "1.2.3.4.5.6"),
    "transfer syntax with a newline": part10(_PLAIN, EXPLICIT + "\n"),
    "no transfer syntax": part10(_PLAIN, None),
    "no transfer syntax, implicit": part10(data_set(vr=False), None),
    "empty transfer syntax": part10(_PLAIN, ""),
    "big endian": part10(data_set(vr=True, endian=">"), BIG_ENDIAN),
    "big endian, without a transfer syntax": part10(data_set(vr=True, endian=">"), None),
    "no meta information": bytes(128) + b"DICM" + _PLAIN,
    "implicit meta information": bytes(128) + b"DICM" + meta(vr="") + _PLAIN,
    "deflated": deflated(_PLAIN),
    "deflated, with a megabyte in front": deflated(
        data_set({PRIVATE: element(PRIVATE, "OB", bytes(1_000_000))})
    ),
    "deflated, with much behind it": deflated(_PLAIN) + bytes(100_000),
    "deflated to very few bytes": deflated(data_set({}, TAGS))[:-1] + b"\0",
    "no pixel data": with_elements({}, TAGS),
    "cut in the pixel data": with_elements({})[:-30],
    "cut behind the identifiers": with_elements({}, [*TAGS, 0x00200013])[:-1],
    "another series behind the pixels": with_elements({0x7FE10010: OTHER_SERIES}),
}
"""Files of :data:`SERIES`, :data:`STUDY` and :data:`SOP` that pydicom reads."""

UNREADABLE: dict[str, bytes] = {
    "sequences in each other without end": with_elements({REFERENCES: nested(65)}),
    "an identifier that is a number": with_elements(
        {SERIES_TAG: element(SERIES_TAG, "US", b"\1\0")}
    ),
    "an identifier that is a sequence": with_elements(
        {SERIES_TAG: sequence(SERIES_TAG, item(REFERENCE))}
    ),
    "an overlong identifier": with_elements(uid(SERIES_TAG, b"1" * 2000)),
    "something other than an item": with_elements(
        {REFERENCES: head(REFERENCES, "SQ", UNDEFINED) + REFERENCE + SEQUENCE_END}
    ),
    "a value of undefined length without items": with_elements(
        {PRIVATE: head(PRIVATE, "OB", UNDEFINED) + b"12345678" + SEQUENCE_END}
    ),
    "a private value of undefined length without a VR": with_elements(
        {PRIVATE: head(PRIVATE, "", UNDEFINED) + b"12345678" + SEQUENCE_END}
    ),
    "a fragment longer than the file": with_elements(
        {PRIVATE: head(PRIVATE, "OB", UNDEFINED) + item(b"12", length=2_000_000) + SEQUENCE_END}
    ),
    "items without delimiters": with_elements(
        {REFERENCES: head(REFERENCES, "SQ", UNDEFINED) + marker(0xE000, UNDEFINED) + SEQUENCE_END}
    ),
    "a delimiter outside of a sequence": part10(ITEM_END + _PLAIN),
    "a delimiter between elements": part10(
        element(0x00080005, "CS", b"ISO_IR 6") + ITEM_END + _PLAIN
    ),
    "a command in front": part10(element(0x00000002, "", b"1.2") + _PLAIN),
    "deflated data that is invalid": part10(b"\xff" * 500, DEFLATED),
    "random bytes": part10(bytes(range(255, 0, -1)) * 4),
}
"""Files whose header cannot be followed with certainty."""

NOT_DICOM: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "not a DICOM Part 10 file"),
    "page": (b"<html>" * 100, "not a DICOM Part 10 file"),
    "prefix alone": (bytes(128) + b"DICM", "identifies no object"),
    "meta information alone": (part10(b""), "identifies no object"),
    "no identifiers": (with_elements({}, LAST), "identifies no object"),
    "cut in front of the identifiers": (with_elements({})[:240], "identifies no object"),
    "cut in a sequence": (
        part10(sequence(REFERENCES, item(REFERENCE))[:30]),
        "cut short",
    ),
}
"""Files that are not DICOM or identify no object, and the reason in the error."""
