"""Each run-time rule of the catalogue, reported by both clients over HTTP."""

import pickle
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tciagen.drift.catalogue.rules import RULES

if TYPE_CHECKING:
    from tests.sensing.conftest import Collect, Report, RunClient

FORMATS = ("json", "csv", "xml", "html")


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "target"


def one_after_the_other(*calls: Callable[[], Any]) -> Any:
    """Call the functions; for the asynchronous client, return an awaitable that calls them."""
    first = calls[0]()
    if not isinstance(first, Awaitable):
        return [first, *(call() for call in calls[1:])]

    async def rest() -> list[Any]:
        return [await first, *[await call() for call in calls[1:]]]

    return rest()


CALLS: dict[str, Callable[[Any, str, Path], Any]] = {
    "wire-metadata-differs": lambda c, _uid, _to: c.get_modality_values(),
    "wire-metadata-unreadable": lambda c, _uid, _to: c.get_body_part_values(),
    "wire-attr-undeclared": lambda c, _uid, _to: c.get_manufacturer_values(),
    "wire-attr-missing": lambda c, _uid, _to: c.get_patient(),
    "wire-type-mismatch": lambda c, _uid, _to: c.get_series(),
    "wire-value-undeclared": lambda c, _uid, _to: c.get_patient_study(),
    "wire-format-ignored": lambda c, _uid, _to: c.patients_by_modality(
        collection="DEMO", modality="CT", format="csv"
    ),
    "wire-filter-ignored": lambda c, _uid, _to: c.new_studies_in_patient_collection(
        collection="DEMO-PET-CT", date="1980-01-01", format="xml"
    ),
    "wire-media-type-mismatch": lambda c, _uid, _to: c.get_collection_values(),
    "wire-required-undeclared": lambda c, uid, _to: c.get_sop_instance_uids(
        series_instance_uid=uid
    ),
    "wire-endpoint-gone": lambda c, uid, to: c.download_single_image(
        to, series_instance_uid=uid, sop_instance_uid="1.2.3"
    ),
    "wire-count-mismatch": lambda c, uid, to: c.download_image(to, series_instance_uid=uid),
    "wire-server-changed": lambda c, uid, _to: one_after_the_other(
        c.get_body_part_values,
        lambda: c.get_series_size(series_instance_uid=uid),
        c.get_body_part_values,
        lambda: c.get_series_size(series_instance_uid=uid),
    ),
}


def summary_of(reported: "Report") -> str:
    """Return the message without the parts that depend on the server and its data."""
    words = re.sub(r"\[http://[^]]*\]", "[URL]", f"{reported.kind}: {reported.message}")
    return re.sub(r"\b[0-9]+(\.[0-9]+){6,}\b", "UID", words)


def test_every_run_time_rule_of_the_client_is_tested() -> None:
    of_the_client = {r.id for r in RULES.values() if r.group == "run time" and r.client_message}
    assert set(CALLS) == of_the_client
    assert len(of_the_client) == 13


@pytest.mark.parametrize("rule", CALLS)
def test_changed_server_is_reported_by_the_rule(
    run_client: "RunClient",
    collect: "Collect",
    moved: str,
    series_uid: str,
    target: Path,
    rule: str,
) -> None:
    reported = collect(
        lambda: run_client(lambda c: CALLS[rule](c, series_uid, target), base_url=moved)
    )
    (one,) = [t for t in reported if t.kind != "DEBUG" or rule == "wire-metadata-unreadable"]
    assert summary_of(one) == RULES[rule].client_message
    if one.kind.endswith("Error"):
        assert one.source.rule == rule
        assert pickle.loads(pickle.dumps(one.source)).rule == rule
    elif one.kind.endswith("Warning"):
        assert one.source.drift.rule == rule


def test_unchanged_server_is_not_reported(
    run_client: "RunClient", collect: "Collect", same: str, series_uid: str, target: Path
) -> None:
    def everything(client: Any) -> Any:
        records = [
            lambda name=name, form=form: CALLS[name](_InFormat(client, form), series_uid, target)
            for name in list(CALLS)[:10]
            for form in FORMATS
        ]
        images = lambda: client.download_image(target, series_instance_uid=series_uid)  # noqa: E731
        return one_after_the_other(*records, images)

    assert collect(lambda: run_client(everything, base_url=same, on_drift="raise")) == []


class _InFormat:
    """A client whose methods request one format."""

    def __init__(self, client: Any, form: str) -> None:
        self._client, self._form = client, form

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, name)
        return lambda **values: method(**{**values, "format": self._form})
