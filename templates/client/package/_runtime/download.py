"""Downloads as a user sees them: their options, results, errors and manifests."""

from .files.errors import (
    DamagedError,
    DownloadError,
    DownloadsError,
    LimitError,
    ManifestError,
    NoFileError,
    NotAFileError,
    UnsafeArchiveError,
    VerificationError,
)
from .files.manifest import Manifest, read_manifest, write_manifest
from .files.many import ManyProgress
from .files.options import DownloadOptions, Expected, Limits, StrPath
from .files.result import CompletenessWarning, Difference, Download, Unchecked, UncheckedWarning

__all__ = [
    "CompletenessWarning",
    "DamagedError",
    "Difference",
    "Download",
    "DownloadError",
    "DownloadOptions",
    "DownloadsError",
    "Expected",
    "LimitError",
    "Limits",
    "Manifest",
    "ManifestError",
    "ManyProgress",
    "NoFileError",
    "NotAFileError",
    "StrPath",
    "Unchecked",
    "UncheckedWarning",
    "UnsafeArchiveError",
    "VerificationError",
    "read_manifest",
    "write_manifest",
]
