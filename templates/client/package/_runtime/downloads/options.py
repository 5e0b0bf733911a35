"""What a download is told."""

import operator
import os
import sys
from collections.abc import Callable, Iterable
from typing import Literal, SupportsIndex, TypedDict

import attrs

StrPath = str | os.PathLike[str]
Progress = Callable[[int, int | None], None]
"""Called with the bytes that have arrived and those expected, None if that is not known."""

Names = Literal["server", "instance-number", "sop-instance-uid"]
Existing = Literal["replace", "keep"]
OnDifference = Literal["raise", "keep"]


@attrs.frozen(kw_only=True)
class Limits:
    """Bounds for what a download may write; raise them for archives that you trust.

    Deflate packs at most 1,032 bytes into one, and does so with real segmentations: so no ratio
    is a sign of an attack, and what counts is how much is unpacked and whether the disk holds it.

    Attributes:
        members: Members of an archive, folders included; by default 100,000.
        member_bytes: Bytes of one member, unpacked; by default 16 GiB.
        total_bytes: Bytes of all members, unpacked; by default 256 GiB.
        free_bytes: Bytes that stay free on the disk that is written to; by default 256 MiB.
    """

    members: int = attrs.field(default=100_000, validator=attrs.validators.ge(1))
    member_bytes: int = attrs.field(default=16 * 2**30, validator=attrs.validators.ge(1))
    total_bytes: int = attrs.field(default=256 * 2**30, validator=attrs.validators.ge(1))
    free_bytes: int = attrs.field(default=256 * 2**20, validator=attrs.validators.ge(0))


UNLIMITED = Limits(members=sys.maxsize, member_bytes=sys.maxsize, total_bytes=sys.maxsize)
"""For an archive that is read and not unpacked: it fills no disk and no memory."""


def _uids(given: Iterable[str] | None) -> frozenset[str] | None:
    if isinstance(given, str):
        raise TypeError("sop_instance_uids is one string; pass a list of UIDs")
    return None if given is None else frozenset(map(str, given))


def _count(given: SupportsIndex | None) -> int | None:
    """Return a number; a text would differ from every number of files."""
    if given is None:
        return None
    number = operator.index(given)
    if number < 0:
        raise ValueError(f"an expected number must be at least 0, not {number}")
    return number


@attrs.frozen(kw_only=True)
class Expected:
    """What is known of a download before it is made; None is not compared.

    Attributes:
        sop_instance_uids: SOPInstanceUIDs of the objects that belong to it, and of no other.
        count: Number of its DICOM files.
        bytes: Size of its DICOM files together, in bytes.
    """

    sop_instance_uids: frozenset[str] | None = attrs.field(default=None, converter=_uids)
    count: int | None = attrs.field(default=None, converter=_count)
    bytes: int | None = attrs.field(default=None, converter=_count)


class DownloadOptions(TypedDict, total=False):
    """Options of a download.

    Where it goes, by the target alone: an endpoint that answers a ZIP archive unpacks it
    into a folder *in* the target, which is made if need be, named by the value asked for;
    a target that ends in ``.zip`` and is no folder is the file to keep the archive in. An
    endpoint that answers one file writes it to the target, or into it if it is a folder or
    ends in a separator.

    Attributes:
        progress: Called for every piece, with the bytes so far and in all. What it raises
            ends the download.
        keep_zip: Keep the archive as ``<value asked for>.zip`` in the target in place of
            unpacking it. It is checked all the same.
        names: What unpacked DICOM files are called: as in the archive (``"server"``, the
            default), ``00001.dcm`` by InstanceNumber, or by SOPInstanceUID. Of two that
            would get the same name the later one gets ``-2``, and so on.
        limits: Bounds for what is unpacked and written, :class:`Limits`.
        expect: What the download has to agree with, :class:`Expected`.
        existing: What to do with what stands under the name already: ``"replace"`` it once
            the new one is whole, where files in a folder that no download wrote stay; or
            ``"keep"`` it if the list of files that a download leaves (``.download.json``) says
            that it was whole, and it is so still. ``"replace"`` is the default of a call,
            ``"keep"`` of ``many``.
        on_difference: ``"raise"`` a VerificationError and leave nothing if what came is not
            what was asked for (the default), or ``"keep"`` it under a name that ends in
            ``.incomplete``. Damage raises in either case.
    """

    progress: Progress
    keep_zip: bool
    names: Names
    limits: Limits
    expect: Expected
    existing: Existing
    on_difference: OnDifference


OPTION_NAMES = frozenset(DownloadOptions.__annotations__)
"""The keyword arguments of every download."""
