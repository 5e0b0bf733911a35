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
from .options import (
    DownloadOptions,
    Expected,
    Limits,
    ManyDownloadOptions,
    ManyProgress,
    Progress,
    StrPath,
)
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
    "ManyDownloadOptions",
    "ManyProgress",
    "NoFileError",
    "NotAFileError",
    "Progress",
    "StrPath",
    "Unchecked",
    "UncheckedWarning",
    "UnsafeArchiveError",
    "VerificationError",
    "read_manifest",
    "write_manifest",
]
