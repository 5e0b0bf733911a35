"""A folder of metadata documents: ``<Resource>/<QueryName>.json``."""

from pathlib import Path

from tciagen.documents.address import QUERY_NAME, RESOURCE, address_of, name_conflicts
from tciagen.documents.parsing import JsonObject, parse
from tciagen.errors import DocumentProblem


def document_path(folder: Path, address: str) -> Path:
    """Return the path of an endpoint's document in a folder."""
    resource, _, name = address.split("/")
    return folder / resource / f"{name}.json"


def read_folder(folder: Path) -> dict[str, JsonObject]:
    """Return the documents below ``folder`` by address, sorted.

    Raises:
        DocumentProblem: The folder does not exist or has no document, or a document cannot be
            read; all unreadable ones are reported together.
    """
    if not folder.is_dir():
        raise DocumentProblem(f"There is no documents folder {folder}; run `tciagen crawl` first.")
    found: dict[str, JsonObject] = {}
    problems: list[str] = []
    for path in sorted(folder.glob("*/*.json")):
        if not (RESOURCE.fullmatch(path.parent.name) and QUERY_NAME.fullmatch(path.stem)):
            problems.append(f"{path} is not named <Resource>/<QueryName>.json")
            continue
        try:
            found[address_of(path.parent.name, path.stem)] = parse(path.read_bytes(), str(path))
        except DocumentProblem as problem:
            problems.append(str(problem))
        except OSError as error:
            problems.append(f"{path} cannot be read: {error.strerror}")
    problems += [f"{folder}: {conflict}" for conflict in name_conflicts(found)]
    if problems:
        raise DocumentProblem("\n".join(problems))
    if not found:
        raise DocumentProblem(f"There is no document <Resource>/<QueryName>.json in {folder}.")
    return dict(sorted(found.items()))
