"""Names of members: safe on every system, or refused before anything is written."""

import pytest

from _runtime.downloads.dicom_header import Header
from _runtime.downloads.errors import UnsafeArchiveError
from _runtime.downloads.names import Taken, file_stem, safe_parts

SAFE = {
    "images/0.dcm": ("images", "0.dcm"),
    "./1-name.dcm": ("1-name.dcm",),
    "./": (),
    "a//b/./c": ("a", "b", "c"),
    "Grüße/病院.dcm": ("Grüße", "病院.dcm"),
    "..a": ("..a",),
    "LICENSE": ("LICENSE",),
    "console.dcm": ("console.dcm",),
}
UNSAFE = [
    "../evil.dcm",
    "images/../../evil.dcm",
    "..",
    "a/..",
    "/etc/passwd",
    "//host/share/x",
    "C:/x.dcm",
    "C:x.dcm",
    "x.dcm:stream",
    "..\\evil.dcm",
    "\\\\host\\share",
    "a\\b",
    "x\0.dcm",
    "x\n.dcm",
    "x\x7f",
    "a\u202egnp.exe",
    "CON",
    "con.dcm",
    "a/NUL",
    "aux .txt",
    "COM1",
    "lpt9.x",
    "COM¹.txt",
    "CONIN$",
    "x.",
    "x ",
    " x",
    "a./b",
    "what?.dcm",
    "a*b",
    "a|b",
    'a"b',
    "<a>",
    "x" * 256,
    "é" * 128,
    "/".join("ab" * 20),
    "d/" * 600 + "x",
]


@pytest.mark.parametrize("name", SAFE)
def test_safe_names_are_accepted(name: str) -> None:
    assert safe_parts(name) == SAFE[name]


@pytest.mark.parametrize("name", UNSAFE)
def test_unsafe_names_are_refused_in_a_sentence(name: str) -> None:
    with pytest.raises(UnsafeArchiveError) as caught:
        safe_parts(name)
    assert len(str(caught.value)) < 500
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("a.dcm", "a.dcm"),
        ("a.dcm", "A.DCM"),
        ("straße", "STRASSE"),
        ("e\u0301", "\u00e9"),
        ("images/0.dcm", "Images/0.dcm"),
        ("a", "a/b"),
        ("a/b", "A"),
        ("ﬁle", "file"),
    ],
)
def test_names_that_are_equal_on_any_system_are_refused(first: str, second: str) -> None:
    taken = Taken("reserved")
    taken.claim(safe_parts(first))
    with pytest.raises(UnsafeArchiveError):
        taken.claim(safe_parts(second))


def test_claimed_name_gets_a_number() -> None:
    taken = Taken("reserved")
    given = [taken.free("00001", ".dcm") for _ in range(3)]
    assert given == ["00001.dcm", "00001-2.dcm", "00001-3.dcm"]


def test_numbers_of_equal_names_are_remembered() -> None:
    taken = Taken("reserved")
    taken.claim(("00001-3.dcm",))
    given = [taken.free("00001", ".dcm") for _ in range(20_000)]
    assert given[:4] == ["00001.dcm", "00001-2.dcm", "00001-4.dcm", "00001-5.dcm"]
    assert given[-1] == "00001-20001.dcm"


@pytest.mark.parametrize(
    ("number", "uid", "stem"),
    [
        (7, "1.2", "00007"),
        (123456, "1.2", "123456"),
        (None, "1.2", "1.2"),
        (-1, "1.2", "1.2"),
        (None, None, None),
        (None, "../../x", None),
        (None, "1." + "2" * 63, None),
    ],
)
def test_file_stem_is_the_instance_number_or_the_uid(
    number: int | None, uid: str | None, stem: str | None
) -> None:
    assert file_stem("instance-number", Header({"SOPInstanceUID": uid}, number)) == stem
