"""The destination of a download, by its target and its request, never by the server.

Input without effect, or with another effect than it suggests, is an error with a suggestion.
"""

import os
import re
from collections.abc import Mapping
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
_HOME = re.compile(r"~\w*(?:[/\\]|$)")
_OTHER_FILES = frozenset(
    {".7z", ".bz2", ".dcm", ".gz", ".json", ".rar", ".tar", ".tgz", ".xz", ".zip"}
)
_SUFFIXES = {"ZIP": ".zip", "DICOM": ".dcm"}
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]")

Problem = tuple[str, str, str] | None
"""The name of a wrong argument, what is wrong with it, and how to correct it."""


@attrs.frozen
class Target:
    """The destination of a download: an unpacked folder, a ZIP archive, or one file."""

    path: Path
    kind: Literal["folder", "zip", "file"]

    def files(self, sizes: Mapping[str, int]) -> list[tuple[Path, int]]:
        """Return the paths of files in a receipt, with their sizes."""
        base = self.path if self.kind == "folder" else self.path.parent
        return [(base / name, size) for name, size in sizes.items()]


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
    separators = tuple(filter(None, (os.sep, os.altsep)))
    is_folder = Path(target).is_dir() or os.fspath(target).endswith(separators)
    problem = (
        _value_problem(options)
        or _effect_problem(request, options)
        or _path_problem(os.fspath(target))
        or (None if is_folder else _suffix_problem(target, request, options, many=in_folder))
    )
    if problem:
        raise _error(request, *problem)
    chosen = _chosen(Path(target), request, options, is_folder=is_folder or in_folder)
    if not chosen.path.is_symlink():
        return chosen
    return attrs.evolve(chosen, path=Path(os.path.realpath(chosen.path)))


def other_names(request: Request, names: str, path: Path) -> ParameterError:
    """Return the error for a folder whose files an earlier download named by another ``names``."""
    reason = f"would fetch {path} again, whose files are named as names={names!r} has it"
    advice = f"Pass {names!r} to keep them, or another target, or remove the folder."
    return _error(request, "names", reason, advice)


def _chosen(path: Path, request: Request, options: DownloadOptions, *, is_folder: bool) -> Target:
    is_archive = _is_archive(request)
    if not is_folder and not is_archive:
        return Target(path, "file")
    if not is_folder and path.suffix.lower() == ".zip":
        return Target(path, "zip")
    name = _name(request)
    if is_archive and not options.get("keep_zip"):
        return Target(path / name, "folder")
    suffix = _SUFFIXES.get(next(iter(request.endpoint.formats), ""), "")
    return Target(path / f"{name}{suffix}", "zip" if is_archive else "file")


def _name(request: Request) -> str:
    """Return a name made of the last value of the request."""
    values = [request.arguments.values.get(one.name) for one in request.endpoint.parameters]
    given = [str(value) for value in values if value is not None]
    text = given[-1] if given else request.endpoint.name
    return _UNSAFE.sub("_", text).strip(".")[:120].rstrip(".") or "file"


def _is_archive(request: Request) -> bool:
    return "ZIP" in request.endpoint.formats


def _value_problem(options: DownloadOptions) -> Problem:
    """Check the values of the options."""
    given: Mapping[str, object] = {**options}
    for name, choices in CHOICES.items():
        value = given.get(name, choices[0])
        if value not in choices:
            return name, f"cannot be {value!r}", f"Choose one of: {', '.join(choices)}."
    for name, kind in (("limits", Limits), ("expect", Expected)):
        value = given.get(name)
        if value is not None and not isinstance(value, kind):
            return name, f"cannot be {value!r:.80}", f"Pass {name}={kind.__name__}(…)."
    if given.get("keep_zip") not in (None, True, False):
        return "keep_zip", f"cannot be {given['keep_zip']!r:.80}", "Pass True or False."
    if not (given.get("progress") is None or callable(given["progress"])):
        return "progress", "is not a function", "Pass a function of two numbers."
    return None


def _effect_problem(request: Request, options: DownloadOptions) -> Problem:
    """Check that each option has an effect on this endpoint."""
    keep_zip, limits = options.get("keep_zip"), options.get("limits", Limits())
    has_names = options.get("names", "server") != "server"
    no_archive = "this endpoint sends no ZIP archive"
    if not _is_archive(request):
        if keep_zip:
            return _no_effect("keep_zip", no_archive)
        if attrs.evolve(limits, free_bytes=0) != Limits(free_bytes=0):
            return _no_effect("limits", f"{no_archive}; free_bytes alone has one")
        if has_names:
            return _no_effect("names", "the target names the file")
    elif has_names and keep_zip:
        return _no_effect("names", "keep_zip keeps the archive packed")
    elif has_names and not needs_dicom(request, options.get("expect")):
        return _no_effect("names", "this endpoint sends no DICOM files")
    return None


def _path_problem(text: str) -> Problem:
    """Check that a target is a local path."""
    if not text:
        return "target", "is empty", "Pass a path; '.' is the current folder."
    if "\0" in text:
        return "target", "has a NUL character", "Pass a path."
    if _URL.match(text):
        advice = "Download to a local folder, then copy it; an absolute path may have any name."
        return "target", f"is not a local path: {text!r:.200}", advice
    if _HOME.match(text):
        advice = "Pass the path itself."
        if text[1:2] in ("", "/", os.sep):
            advice = f"Did you mean {str(Path(text).expanduser())!r}?"
        return "target", f"begins with ~, which only a shell expands: {text!r:.200}", advice
    return None


def _suffix_problem(
    target: StrPath, request: Request, options: DownloadOptions, *, many: bool
) -> Problem:
    """Check that the name of a file is that of the right kind."""
    text, is_archive = os.fspath(target), _is_archive(request)
    suffix = Path(text).suffix.lower()
    if suffix not in _OTHER_FILES:
        return None
    if many:
        further = "; with keep_zip (--keep-zip) it gets an archive for each download"
        reason = f"names one file, and many downloads need a folder: {text!r:.200}"
        return "target", reason, f"Pass a folder{further * is_archive}."
    if is_archive and suffix != ".zip":
        reason = f"names a file that is not a ZIP archive: {text!r:.200}"
        return "target", reason, "Pass a folder, or a file that ends in .zip."
    if is_archive and options.get("keep_zip") is False:
        reason = f"is False, and the target names an archive: {text!r:.200}"
        return "keep_zip", reason, "Pass a folder to unpack into."
    if is_archive and options.get("names", "server") != "server":
        return _no_effect("names", "the target is an archive, which is not unpacked")
    return None


def _no_effect(option: str, why: str) -> Problem:
    return option, f"has no effect: {why}", "Leave it out."


def _error(request: Request, parameter: str, reason: str, advice: str) -> ParameterError:
    return ParameterError(
        f"{request.endpoint.method}({parameter}=…) {reason}",
        method=request.endpoint.method,
        parameter=parameter,
        endpoint=request.endpoint.address,
        advice=advice,
    )
