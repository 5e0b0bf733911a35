"""Types from the DICOM data dictionary (PS3.6, as pydicom carries it)."""

from functools import cache

from tciagen.contract.model import Type

# PS3.5, table 6.2-1. A value of any other representation is text.
_TYPE_OF_VR = {
    "DA": Type.DATE,
    "DT": Type.DATE_TIME,
    "TM": Type.TIME,
    "UI": Type.UID,
    "DS": Type.DECIMAL,
    "FD": Type.DECIMAL,
    "FL": Type.DECIMAL,
    "IS": Type.INTEGER,
    "SL": Type.INTEGER,
    "SS": Type.INTEGER,
    "SV": Type.INTEGER,
    "UL": Type.INTEGER,
    "US": Type.INTEGER,
    "UV": Type.INTEGER,
    "US or SS": Type.INTEGER,
}


@cache
def type_of_tag(tag: str) -> Type | None:
    """Return the logical type of a tag such as ``0020 000E``; None for an unknown one.

    A tag with several values is a string, since the server joins the values with a backslash.
    """
    representation, multiplicity = _entry(tag)
    if representation is None or multiplicity == "1":
        return _TYPE_OF_VR.get(representation, Type.STRING) if representation else None
    return Type.STRING


def is_code_string(tag: str | None) -> bool:
    """Return whether a tag holds one code string (CS), such as a modality."""
    return tag is not None and _entry(tag) == ("CS", "1")


def keyword_of_tag(tag: str | None) -> str:
    """Return the keyword of a tag, such as ``SeriesInstanceUID``; empty for an unknown one."""
    from pydicom.datadict import keyword_for_tag  # noqa: PLC0415 - 0.3 s

    try:
        return keyword_for_tag(int(tag.replace(" ", ""), 16)) if tag else ""
    except ValueError:
        return ""


@cache
def _entry(tag: str) -> tuple[str, str] | tuple[None, None]:
    from pydicom.datadict import dictionary_VM, dictionary_VR  # noqa: PLC0415 - 0.3 s

    try:
        number = int(tag.replace(" ", ""), 16)
        return dictionary_VR(number), dictionary_VM(number)
    except (KeyError, ValueError):
        return None, None
