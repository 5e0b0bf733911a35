"""Where a download goes: decided by its target and its request, never by the server."""

import os
import re
from pathlib import Path
from typing import Literal

import attrs

from ..http.request import Request
from .options import DownloadOptions, StrPath
from .usage import check_options, check_target

_SUFFIXES = {"ZIP": ".zip", "DICOM": ".dcm"}
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]")


@attrs.frozen
class Target:
    """Where a download goes, and as what: an unpacked folder, a ZIP archive, or one file."""

    path: Path
    kind: Literal["folder", "zip", "file"]


def choose_target(
    target: StrPath, request: Request, options: DownloadOptions, *, in_folder: bool = False
) -> Target:
    """Where a download goes; the rule is told in :class:`.options.DownloadOptions`.

    Where a link stands under its name, it goes to what that leads to.

    Args:
        target: What the caller gave.
        request: What is asked for.
        options: How.
        in_folder: Whether the target is a folder whatever it is called.

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
    """A name of the last value asked for."""
    given = [
        str(value)
        for parameter in request.endpoint.parameters
        if (value := request.arguments.values.get(parameter.name)) is not None
    ]
    text = given[-1] if given else request.endpoint.name
    return _UNSAFE.sub("_", text).strip(".")[:120].rstrip(".") or "file"
