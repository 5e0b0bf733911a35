"""Downloads as a user sees them: their options, results, errors and manifests."""

from .errors import (
    CorruptDownloadError,
    DownloadError,
    DownloadsError,
    LimitError,
    ManifestError,
    NoFileError,
    NotAFileError,
    UnsafeArchiveError,
    VerificationError,
)
from .manifest import Manifest, read_manifest, write_manifest
from .many import ManyProgress
from .options import DownloadOptions, Expected, Limits, StrPath
from .result import CompletenessWarning, Difference, Download, Unchecked, UncheckedWarning

__all__ = [
    "CompletenessWarning",
    "CorruptDownloadError",
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
