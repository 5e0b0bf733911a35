"""JUnit XML: one test case for each change; what fails the run is a failure."""

from xml.etree import ElementTree as ET

from tciagen.drift.change import Change
from tciagen.drift.display import shown
from tciagen.drift.report.model import Report
from tciagen.python.text import plain


def render(report: Report) -> str:
    """Return one test suite; accepted changes are skipped cases."""
    cases = [_case(report, change) for change in report.changes]
    failures = sum(report.fails(change) for change in report.changes)
    suite = ET.Element(
        "testsuite",
        name="contract drift",
        tests=str(len(cases) or 1),
        failures=str(failures),
        errors="0",
        skipped=str(len(report.changes) - len(report.open)),
    )
    suite.extend(cases or [ET.Element("testcase", classname="contract", name="no change")])
    root = ET.Element("testsuites")
    root.append(suite)
    ET.indent(root)
    text = ET.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'


def _case(report: Report, change: Change) -> ET.Element:
    name = f"{change.rule} {plain(change.pointer)} {change.fingerprint}"
    case = ET.Element("testcase", classname=plain(change.endpoint), name=" ".join(name.split()))
    step = f"{shown(change.before)} → {shown(change.after)}"
    if change.accepted is not None:
        ET.SubElement(case, "skipped", message=f"accepted: {plain(change.accepted)}")
    elif report.fails(change):
        failure = ET.SubElement(case, "failure", type=str(change.severity), message=step)
        failure.text = plain(change.message)
    else:
        ET.SubElement(case, "system-out").text = f"{step}. {plain(change.message)}"
    return case
