"""Options of downloads."""

import operator
import os
import sys
from collections.abc import Callable, Iterable
from typing import Literal, SupportsIndex, TypedDict

import attrs

StrPath = str | os.PathLike[str]
Progress = Callable[[int, int | None], None]
"""Called with the number of received and of expected bytes, None if unknown."""

Names = Literal["server", "instance-number", "sop-instance-uid"]
Existing = Literal["replace", "keep"]
OnDifference = Literal["raise", "keep"]


@attrs.frozen(kw_only=True)
class Limits:
    """Bounds for the files that a download writes; raise them for archives that you trust.

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
"""For an archive that is read and not unpacked, which needs neither disk nor memory."""


def _uids(given: Iterable[str] | None) -> frozenset[str] | None:
    if isinstance(given, str):
        raise TypeError("sop_instance_uids is one string; pass a list of UIDs")
    return None if given is None else frozenset(map(str, given))


def _count(given: SupportsIndex | None) -> int | None:
    """Return a number; a string would differ from every number of files."""
    if given is None:
        return None
    number = operator.index(given)
    if number < 0:
        raise ValueError(f"an expected number must be at least 0, not {number}")
    return number


@attrs.frozen(kw_only=True)
class Expected:
    """The expected contents of a download; None is not compared.

    Attributes:
        sop_instance_uids: SOPInstanceUIDs of the objects that belong to it, and of no other.
        count: Number of its DICOM files.
        bytes: Size of its DICOM files together, in bytes.
    """

    sop_instance_uids: frozenset[str] | None = attrs.field(default=None, converter=_uids)
    count: int | None = attrs.field(default=None, converter=_count)
    bytes: int | None = attrs.field(default=None, converter=_count)


@attrs.frozen(kw_only=True)
class ManyProgress:
    """The progress of many downloads, reported for every chunk of one and at its end.

    Attributes:
        index: Position of the download that moved in the items, counted from 0.
        bytes: Received bytes of that download; those on disk if it existed already.
        total: Its size in bytes, None if unknown.
        done: Whether that download has ended.
        finished: Downloads that have ended.
        count: Downloads in all.
        all_bytes: Bytes of all downloads so far.
    """

    index: int
    bytes: int
    total: int | None
    done: bool
    finished: int
    count: int
    all_bytes: int


class _Options(TypedDict, total=False):
    keep_zip: bool
    names: Names
    limits: Limits
    expect: Expected
    existing: Existing
    on_difference: OnDifference


class DownloadOptions(_Options, total=False):
    """Options of a download.

    The target alone decides the destination. An endpoint that returns a ZIP archive unpacks it
    into a folder *in* the target, named by the last value of the request; missing folders are
    created. A target that ends in ``.zip`` and is no folder is the file of the archive. An
    endpoint that returns one file writes it to the target, or into it if the target is a
    folder or ends in a separator.

    Attributes:
        progress: Called for every chunk with the number of received and of expected bytes. An
            exception that it raises cancels the download.
        keep_zip: Save the archive as ``<value>.zip`` in the target instead of unpacking it. The
            checks are the same.
        names: How to name unpacked DICOM files: as in the archive (``"server"``, the default),
            ``00001.dcm`` by InstanceNumber, or by SOPInstanceUID. If two files would get the
            same name, the later one gets ``-2``, and so on.
        limits: Bounds for the files that are unpacked and written, :class:`Limits`.
        expect: The expected contents, :class:`Expected`.
        existing: ``"replace"`` existing files once the new download is complete, where files
            that no download wrote remain in the folder; or ``"keep"`` them if their receipt
            (``.download.json``) states that they are complete, and they still are.
            ``"replace"`` is the default of a call, ``"keep"`` of many downloads.
        on_difference: ``"raise"`` a VerificationError and leave nothing if the download differs
            from the request (the default), or ``"keep"`` it under a name that ends in
            ``.incomplete``. Damage raises in either case.
    """

    progress: Progress


class ManyDownloadOptions(_Options, total=False):
    """Options of many downloads: those of :class:`DownloadOptions`, with another ``progress``.

    Attributes:
        progress: Called with a :class:`ManyProgress` for every chunk, from one thread at a time.
            An exception that it raises cancels the downloads.
    """

    progress: Callable[[ManyProgress], None]


OPTION_NAMES = frozenset(DownloadOptions.__annotations__)
"""The keyword arguments of every download."""
