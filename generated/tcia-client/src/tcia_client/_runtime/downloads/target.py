"""The destination of a download, by its target and its request, never by the server.

Input without effect, or with another effect than it suggests, is an error with a suggestion.
"""

import os
import re
from pathlib import Path
from typing import Literal

import attrs

from ..errors import ParameterError
from ..http.request import Request
from .options import DownloadOptions, Expected, Limits, StrPath
from .verify import needs_dicom

CHOICES = {
    "names": ("server", "instance-number", "sop-instance-uid"),
    "existing": ("replace", "keep"),
    "on_difference": ("raise", "keep"),
}
"""The values of the options with a fixed set; the first one is the default of a call."""

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/")
_OTHER_FILES = frozenset(
    {".7z", ".bz2", ".dcm", ".gz", ".json", ".rar", ".tar", ".tgz", ".xz", ".zip"}
)


def check_options(request: Request, options: DownloadOptions) -> None:
    """Check the values of the options, and that each has an effect on this endpoint.

    Raises:
        ParameterError: One has an invalid value or no effect.
    """
    for name, choices in CHOICES.items():
        value = options.get(name, choices[0])
        if value not in choices:
            raise _error(
                request, name, f"cannot be {value!r}", f"Choose one of: {', '.join(choices)}."
            )
    for name, kind in (("limits", Limits), ("expect", Expected)):
        value = options.get(name)
        if value is not None and not isinstance(value, kind):
            raise _error(
                request, name, f"cannot be {value!r:.80}", f"Pass {name}={kind.__name__}(…)."
            )
    keep_zip = options.get("keep_zip")
    if keep_zip not in (None, True, False):
        raise _error(request, "keep_zip", f"cannot be {keep_zip!r:.80}", "Pass True or False.")
    if not (options.get("progress") is None or callable(options.get("progress"))):
        raise _error(request, "progress", "is not a function", "Pass a function of two numbers.")
    _check_effects(request, options)


def _check_effects(request: Request, options: DownloadOptions) -> None:
    is_archive = "ZIP" in request.endpoint.formats
    if not is_archive:
        if options.get("keep_zip"):
            raise _no_effect(request, "keep_zip", "this endpoint sends no ZIP archive")
        if attrs.evolve(options.get("limits", Limits()), free_bytes=0) != Limits(free_bytes=0):
            raise _no_effect(
                request, "limits", "this endpoint sends no ZIP archive; free_bytes alone has one"
            )
    if options.get("names", "server") != "server":
        if not is_archive:
            raise _no_effect(request, "names", "the target names the file")
        if options.get("keep_zip"):
            raise _no_effect(request, "names", "keep_zip keeps the archive packed")
        if not needs_dicom(request, options.get("expect")):
            raise _no_effect(request, "names", "this endpoint sends no DICOM files")


def check_target(
    target: StrPath, request: Request, options: DownloadOptions, *, is_folder: bool, many: bool
) -> None:
    """Check that a target is a local path of the right kind.

    Args:
        target: The caller's target.
        request: The request.
        options: The caller's options.
        is_folder: Whether it is a folder already, or ends in a separator.
        many: Whether it has to be a folder.

    Raises:
        ParameterError: It is not.
    """
    text = os.fspath(target)
    if not text:
        raise _error(request, "target", "is empty", "Pass a path; '.' is the current folder.")
    if "\0" in text:
        raise _error(request, "target", "has a NUL character", "Pass a path.")
    if _URL.match(text):
        raise _error(
            request,
            "target",
            f"is not a local path: {text!r:.200}",
            "Download to a local folder, then copy it; an absolute path may have any name.",
        )
    if re.match(r"~\w*(?:[/\\]|$)", text):
        raise _error(
            request,
            "target",
            f"begins with ~, which only a shell expands: {text!r:.200}",
            (
                f"Did you mean {str(Path(text).expanduser())!r}?"
                if text[1:2] in ("", "/", os.sep)
                else "Pass the path itself."
            ),
        )
    suffix = Path(text).suffix.lower()
    is_archive = "ZIP" in request.endpoint.formats
    if is_folder or suffix not in _OTHER_FILES:
        return
    if many:
        raise _error(
            request,
            "target",
            f"names one file, and many downloads need a folder: {text!r:.200}",
            "Pass a folder"
            + "; with keep_zip (--keep-zip) it gets an archive for each download." * is_archive
            + "." * (not is_archive),
        )
    if not is_archive:
        return
    if suffix != ".zip":
        raise _error(
            request,
            "target",
            f"names a file that is not a ZIP archive: {text!r:.200}",
            "Pass a folder, or a file that ends in .zip.",
        )
    if options.get("keep_zip") is False:
        raise _error(
            request,
            "keep_zip",
            f"is False, and the target names an archive: {text!r:.200}",
            "Pass a folder to unpack into.",
        )
    if options.get("names", "server") != "server":
        raise _no_effect(request, "names", "the target is an archive, which is kept packed")


def other_names(request: Request, names: str, path: Path) -> ParameterError:
    """Return the error for a folder whose files an earlier download named in another way.

    Args:
        request: The request.
        names: The option by which they are named.
        path: The folder.
    """
    return _error(
        request,
        "names",
        f"would fetch {path} again, whose files are named as names={names!r} has it",
        f"Pass {names!r} to keep them, or another target, or remove the folder.",
    )


def _no_effect(request: Request, option: str, why: str) -> ParameterError:
    return _error(request, option, f"has no effect: {why}", "Leave it out.")


def _error(request: Request, parameter: str, reason: str, advice: str) -> ParameterError:
    return ParameterError(
        f"{request.endpoint.method}({parameter}=…) {reason}",
        method=request.endpoint.method,
        parameter=parameter,
        endpoint=request.endpoint.address,
        advice=advice,
    )


_SUFFIXES = {"ZIP": ".zip", "DICOM": ".dcm"}
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]")


@attrs.frozen
class Target:
    """The destination of a download: an unpacked folder, a ZIP archive, or one file."""

    path: Path
    kind: Literal["folder", "zip", "file"]


def choose_target(
    target: StrPath, request: Request, options: DownloadOptions, *, in_folder: bool = False
) -> Target:
    """Return the destination; :class:`.options.DownloadOptions` documents the rule.

    A symbolic link is followed.

    Args:
        target: The caller's target.
        request: The request.
        options: The caller's options.
        in_folder: Whether the target is a folder in any case.

    Raises:
        ParameterError: The target or an option is invalid or has no effect.
    """
    check_options(request, options)
    chosen = _chosen(target, request, options, in_folder=in_folder)
    if not chosen.path.is_symlink():
        return chosen
    return attrs.evolve(chosen, path=Path(os.path.realpath(chosen.path)))


def _chosen(
    target: StrPath, request: Request, options: DownloadOptions, *, in_folder: bool
) -> Target:
    path = Path(target)
    is_archive = "ZIP" in request.endpoint.formats
    separators = tuple(filter(None, (os.sep, os.altsep)))
    is_folder = path.is_dir() or os.fspath(target).endswith(separators)
    check_target(target, request, options, is_folder=is_folder, many=in_folder)
    is_folder = is_folder or in_folder
    if is_archive and path.suffix.lower() == ".zip" and not is_folder:
        return Target(path, "zip")
    if not is_archive and not is_folder:
        return Target(path, "file")
    name = _name(request)
    if is_archive and not options.get("keep_zip"):
        return Target(path / name, "folder")
    suffix = _SUFFIXES.get(next(iter(request.endpoint.formats), ""), "")
    return Target(path / f"{name}{suffix}", "zip" if is_archive else "file")


def _name(request: Request) -> str:
    """Return a name made of the last value of the request."""
    given = [
        str(value)
        for parameter in request.endpoint.parameters
        if (value := request.arguments.values.get(parameter.name)) is not None
    ]
    text = given[-1] if given else request.endpoint.name
    return _UNSAFE.sub("_", text).strip(".")[:120].rstrip(".") or "file"
