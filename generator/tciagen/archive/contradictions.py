"""Contradictions: files of one series, study or patient that state different values."""

import os
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

import attrs

from tciagen.archive import statements
from tciagen.archive.derive import decided_series, most_frequent

_SHOWN_FILES = 3
_SHOWN_VALUES = 10
_NAMES = {
    "study_uid": "StudyInstanceUID",
    "collection": "collection",
    "patient_id": "PatientID",
    "unidentified_name": "PatientName (without a PatientID)",
    "patient_name": "PatientName",
    "patient_birth_date": "PatientBirthDate",
    "patient_sex": "PatientSex",
    "ethnic_group": "EthnicGroup",
    "study_date": "StudyDate",
    "study_description": "StudyDescription",
    "admitting_diagnoses_description": "AdmittingDiagnosesDescription",
    "study_id": "StudyID",
    "patient_age": "PatientAge",
    "modality": "Modality",
    "protocol_name": "ProtocolName",
    "series_date": "SeriesDate",
    "series_description": "SeriesDescription",
    "body_part_examined": "BodyPartExamined",
    "series_number": "SeriesNumber",
    "manufacturer": "Manufacturer",
    "manufacturer_model_name": "ManufacturerModelName",
    "software_versions": "SoftwareVersions",
}


@attrs.frozen
class Claim:
    """A value, the number of files that state it, and the first of these files."""

    value: str
    files: int
    paths: tuple[Path, ...]

    def __str__(self) -> str:
        paths = ", ".join(repr(str(path)) for path in self.paths)
        if self.files == len(self.paths):
            return f"{self.value!r} in {paths}"
        return f"{self.value!r} in {self.files} files ({paths}, …)"


@attrs.frozen
class Contradiction:
    """Files of one ``subject`` that state several values of one attribute.

    ``decided`` is the value of the subject's row; None where each value has a row.
    """

    subject: str
    attribute: str
    claims: tuple[Claim, ...]
    decided: str | None

    def __str__(self) -> str:
        claims = "; ".join(map(str, self.claims[:_SHOWN_VALUES]))
        if (more := len(self.claims) - _SHOWN_VALUES) > 0:
            claims += f"; and {more} more"
        result = "each has a row" if self.decided is None else f"its row has {self.decided!r}"
        return (
            f"the files of {self.subject} state {len(self.claims)} values of {self.attribute}: "
            f"{claims}; {result}"
        )


Below = tuple[bytes, bytes]
"""The first path below a directory, and the first after all paths below it, in byte order."""


@attrs.define
class _Finder:
    connection: sqlite3.Connection
    paths_statement: str
    roots: Sequence[Below]

    def of(
        self,
        subject: str,
        columns: Sequence[str],
        rows: Sequence[tuple[object, ...]],
        decided: Sequence[str | None],
    ) -> Iterable[Contradiction]:
        """Yield a contradiction for each column in which the rows (id, files, values) differ."""
        if not any(self._paths([row[0]], 1) for row in rows):
            return
        for position, (column, chosen) in enumerate(zip(columns, decided, strict=True), 2):
            ids: dict[str, list[object]] = defaultdict(list)
            files: dict[str, int] = defaultdict(int)
            for row in rows:
                if (value := row[position]) is not None:
                    ids[str(value)].append(row[0])
                    files[str(value)] += int(str(row[1]))
            if len(ids) > 1:
                ordered = sorted(ids, key=lambda one: (-files[one], one))
                claims = [
                    Claim(one, files[one], self._paths(ids[one], _SHOWN_FILES, all_roots=True))
                    for one in ordered
                ]
                yield Contradiction(subject, _NAMES[column], tuple(claims), chosen)

    def _paths(
        self, ids: Iterable[object], limit: int, *, all_roots: bool = False
    ) -> tuple[Path, ...]:
        ranges = [(b"", b"\xff")] if all_roots else self.roots
        found = [
            path
            for one in ids
            for low, high in ranges
            for (path,) in self.connection.execute(self.paths_statement, (one, low, high, limit))
        ]
        return tuple(Path(os.fsdecode(path)) for path in sorted(found)[:limit])


def contradictions(connection: sqlite3.Connection, roots: Sequence[Below]) -> list[Contradiction]:
    """Return the contradictions of series, studies and patients with a file below ``roots``.

    Those of series come first, by series UID.
    """
    found: list[Contradiction] = []
    finder = _Finder(connection, statements.PATHS_OF_SERIES_VALUES, roots)
    columns = (*statements.STUDY_KEY, *statements.SERIES_VALUES)
    patients_of_series: dict[object, list[set[object]]] = defaultdict(list)
    for (uid,) in sorted(connection.execute(statements.CONTRADICTORY_SERIES)):
        rows = connection.execute(statements.VALUES_OF_SERIES, (uid,)).fetchall()
        keys, values = decided_series(rows)
        found += finder.of(f"series {uid}", columns, rows, (*keys, *values))
        for study in {row[2] for row in rows}:
            patients_of_series[study].append({row[4] for row in rows if row[2] == study})
    finder = _Finder(connection, statements.PATHS_OF_STUDY_VALUES, roots)
    for (uid,) in sorted(connection.execute(statements.SHARED_STUDIES)):
        rows = connection.execute(statements.PATIENTS_OF_STUDY, (uid,)).fetchall()
        patients = {row[2] for row in rows}
        if not any(patients <= reported for reported in patients_of_series[uid]):
            found += finder.of(f"study {uid}", ("patient_id",), rows, (None,))
    for key in sorted(connection.execute(statements.CONTRADICTORY_STUDIES)):
        rows = connection.execute(statements.VALUES_OF_STUDY, key).fetchall()
        found += finder.of(f"study {key[0]}", statements.STUDY_VALUES, rows, _decided(rows))
    finder = _Finder(connection, statements.PATHS_OF_PATIENT_VALUES, roots)
    for key in sorted(connection.execute(statements.CONTRADICTORY_PATIENTS)):
        rows = connection.execute(statements.VALUES_OF_PATIENT, key).fetchall()
        subject = f"patient {key[1]!r} of collection {key[0]!r}"
        found += finder.of(subject, statements.PATIENT_VALUES, rows, _decided(rows))
    for collection, patient_id in sorted(connection.execute(statements.UNIDENTIFIED_PATIENTS)):
        rows = connection.execute(
            statements.NAMES_OF_UNIDENTIFIED, (collection, patient_id)
        ).fetchall()
        subject = f"patient {patient_id!r} (without a PatientID) of collection {collection!r}"
        found += finder.of(subject, ("patient_name",), rows, (None,))
    return found


def _decided(rows: Sequence[tuple[object, ...]]) -> list[str | None]:
    return [
        most_frequent((row[position], row[1]) for row in rows)
        for position in range(2, len(rows[0]))
    ]
