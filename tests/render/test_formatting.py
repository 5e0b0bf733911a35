"""Formatting by statements: the same source as black's, each statement once."""

import sqlite3
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

import black
import pytest

from tciagen.config import Api
from tciagen.documents.folder import read_folder
from tciagen.documents.parsing import JsonObject
from tciagen.errors import DocumentProblem
from tciagen.formatting import LINE_LENGTH, NotPythonError, formatted
from tciagen.pipeline import plan_of

MODE = black.Mode(target_versions={black.mode.TargetVersion.PY311}, line_length=LINE_LENGTH)
CORPUS = Path(__file__).parents[1] / "hostile" / "corpus"
CASES = sorted(p.name for p in CORPUS.iterdir() if not p.name.startswith("refused"))


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of results, empty at first."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "tciagen" / "results.sqlite"


def sources(documents: Mapping[str, JsonObject]) -> Mapping[PurePosixPath, str]:
    """Return the rendered modules of a package."""
    api = Api(documents=Path("none"), package="sample", base_url="http://127.0.0.1")
    files = plan_of(api, documents, b"").files
    own = (p for p in files if p.suffix == ".py" and "_runtime" not in p.parts)
    return {path: files[path].decode() for path in own}


def keys(store: Path) -> set[bytes]:
    with sqlite3.connect(store) as database:
        found = {row[0] for row in database.execute("SELECT key FROM result")}
    database.close()
    return found


def copies(documents: Mapping[str, JsonObject], number: int) -> dict[str, JsonObject]:
    """Return so many copies of the documents, under separate names."""
    found = {}
    for n in range(number):
        for address, document in documents.items():
            name = f"{document['QueryName']}V{n}"
            result = {**document["Result"]}
            if "Name" in result:
                result["Name"] += f"V{n}"
            changed = {**document, "QueryName": name, "Result": result}
            found[address.replace(document["QueryName"], name)] = changed
    return found


@pytest.mark.parametrize("case", ["tcia", *CASES])
def test_source_equals_the_output_of_black_for_the_file(
    case: str, tcia_documents: Mapping[str, JsonObject]
) -> None:
    found = sources(tcia_documents if case == "tcia" else read_folder(CORPUS / case))
    assert PurePosixPath("src/sample/client.py") in found
    for source in found.values():
        assert black.format_str(source, mode=MODE) == source


def test_second_generation_formats_nothing_and_is_the_same(
    store: Path, tcia_documents: Mapping[str, JsonObject]
) -> None:
    first = sources(tcia_documents)
    known = keys(store)
    assert sources(tcia_documents) == first
    assert keys(store) == known


@pytest.mark.parametrize("number", [1, 6])
def test_change_of_one_document_costs_one_document(
    store: Path, tcia_documents: Mapping[str, JsonObject], number: int
) -> None:
    documents = copies(tcia_documents, number)
    sources(documents)
    known = keys(store)
    assert len(known) > 30 * number
    address = next(a for a in documents if "getSeriesV" in a)
    changed = {**documents[address], "Description": "Lists what there is."}
    attributes = [{**a} for a in changed["Result"]["Attributes"]]
    attributes[0]["Description"] = "Other words."
    changed["Result"] = {**changed["Result"], "Attributes": attributes}
    found = sources({**documents, address: changed})
    assert "Lists what there is." in found[PurePosixPath("src/sample/client.py")]
    # its method, its record, and the head of the package that holds the contract's digest
    assert len(keys(store) - known) <= 5


@pytest.mark.parametrize("damage", ["garbage", "folder", "readonly"])
def test_store_damaged_or_missing_changes_no_result(
    store: Path, tcia_documents: Mapping[str, JsonObject], damage: str
) -> None:
    store.parent.parent.mkdir()
    if damage == "garbage":
        store.parent.mkdir()
        store.write_bytes(b"garbage" * 1000)
    elif damage == "folder":
        store.mkdir(parents=True)
    else:
        store.parent.write_text("a file where the folder should be")
    first = sources(tcia_documents)
    assert first == sources(tcia_documents)
    for source in first.values():
        assert black.format_str(source, mode=MODE) == source


NEUTRAL = (
    'X = "neutral"\n\n\nclass A:\n    """neutral"""\n\n    def f(self) -> None:\n        pass\n'
)


@pytest.mark.parametrize(
    "text",
    [
        'x"\n\nY = "1',
        'x"\n\n\nclass B:\n    """y',
        '"\n\nimport os\n\nZ = "',
        "x\n\nclass C:\n    pass\n",
    ],
)
def test_formatted_text_that_becomes_a_separate_statement_is_refused(text: str) -> None:
    rendered = NEUTRAL.replace('"neutral"', f'"{text}"', 1)
    with pytest.raises((DocumentProblem, NotPythonError)):
        formatted("client.py", rendered, NEUTRAL)


@pytest.mark.parametrize(
    "text",
    [
        '"""\n\n    def g(self) -> None:\n        """',
        "x\n\n    def g(self) -> None:\n        pass\n    ",
        "x\n\nclass B:\n    pass\n    ",
    ],
)
def test_text_in_a_docstring_that_looks_like_a_statement_is_checked_completely(text: str) -> None:
    rendered = NEUTRAL.replace('"""neutral"""', f'"""{text}"""')
    if '"""' in text:
        with pytest.raises(DocumentProblem):
            formatted("client.py", rendered, NEUTRAL)
    else:
        final = formatted("client.py", rendered, NEUTRAL)
        assert black.format_str(rendered, mode=MODE) == final
