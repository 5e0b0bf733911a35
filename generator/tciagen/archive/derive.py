"""Derives patients, studies and series from the values that the files state.

A row has the value that most of its files state; of equally frequent values the
first in sort order. An absent value does not count. The result depends on the files alone, not on
the order in which they were read.
"""

import hashlib
import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Sequence

import attrs

from tciagen.archive import statements
from tciagen.archive.headers import Header

_KEYS = len(statements.STUDY_KEY)
_GROUPED = ("modality", "body_part_examined", "manufacturer", "manufacturer_model_name")
_GROUPED_AT = [statements.SERIES_VALUES.index(name) for name in _GROUPED]

Text = str | None


@attrs.frozen
class ValueIds:
    """Rows of ``series_values``, ``study_values`` and ``patient_values`` that a file refers to."""

    series: int
    study: int
    patient: int


def put_values(connection: sqlite3.Connection, header: Header, collection: str) -> ValueIds:
    """Return the rows with a file's values; insert those that do not exist."""
    patient = (collection, header.patient_id, header.unidentified_name)
    study = (header.study_uid, *patient)
    series = (header.series_uid, *study)
    return ValueIds(
        _put(
            connection,
            statements.FIND_SERIES_VALUES,
            statements.PUT_SERIES_VALUES,
            (*series, *header.series),
        ),
        _put(
            connection,
            statements.FIND_STUDY_VALUES,
            statements.PUT_STUDY_VALUES,
            (*study, *header.study),
        ),
        _put(
            connection,
            statements.FIND_PATIENT_VALUES,
            statements.PUT_PATIENT_VALUES,
            (*patient, *header.patient),
        ),
    )


def _put(connection: sqlite3.Connection, find: str, put: str, values: tuple[Text, ...]) -> int:
    digest = hashlib.blake2b(json.dumps(values).encode(), digest_size=16).digest()
    known = connection.execute(find, (digest,)).fetchone()
    if known is not None:
        return int(known[0])
    return int(connection.execute(put, (digest, *values)).lastrowid or 0)


@attrs.define
class Touched:
    """The derived rows that a change of files may affect."""

    objects: set[tuple[str, str]] = attrs.field(factory=set)
    values: set[ValueIds] = attrs.field(factory=set)

    def add(self, series_uid: str, sop_uid: str, ids: ValueIds) -> None:
        """Note a file that was inserted or deleted."""
        self.objects.add((series_uid, sop_uid))
        self.values.add(ids)


def derive(connection: sqlite3.Connection, touched: Touched, today: str) -> None:
    """Bring the rows of the responses up to date with the files, and clear ``touched``."""
    for series_uid, sop_uid in touched.objects:
        _choose_file(connection, series_uid, sop_uid)
    patients = {ids.patient for ids in touched.values}
    studies = {ids.study for ids in touched.values}
    series = {ids.series for ids in touched.values}
    patient_keys = _keys(connection, statements.PATIENT_OF_VALUES, patients)
    study_keys = _keys(connection, statements.STUDY_OF_VALUES, studies)
    series_keys = _keys(connection, statements.SERIES_OF_VALUES, series)
    connection.executemany(statements.PRUNE_PATIENT_VALUES, [(one,) for one in patients])
    connection.executemany(statements.PRUNE_STUDY_VALUES, [(one,) for one in studies])
    connection.executemany(statements.PRUNE_SERIES_VALUES, [(one,) for one in series])
    for key in patient_keys:
        rows = connection.execute(statements.VALUES_OF_PATIENT, key).fetchall()
        if rows:
            connection.execute(statements.PUT_PATIENT, (*key, *_most(rows)))
        else:
            connection.execute(statements.FORGET_PATIENT, key)
    for key in study_keys:
        rows = connection.execute(statements.VALUES_OF_STUDY, key).fetchall()
        if rows:
            connection.execute(statements.PUT_STUDY, (*key, *_most(rows)))
        else:
            connection.execute(statements.FORGET_STUDY, key)
    for (series_uid,) in series_keys:
        _derive_series(connection, series_uid, today)
    touched.objects.clear()
    touched.values.clear()


def _keys(
    connection: sqlite3.Connection, statement: str, ids: Iterable[int]
) -> list[tuple[str, ...]]:
    found = {connection.execute(statement, (one,)).fetchone() for one in ids}
    return sorted(found)


def _choose_file(connection: sqlite3.Connection, series_uid: str, sop_uid: str) -> None:
    """Serve one file of an object, and mark each other one as its duplicate."""
    files = connection.execute(statements.FILES_OF_OBJECT, (series_uid, sop_uid)).fetchall()
    if not files or (len(files) == 1 and files[0][1] is None):
        return
    # A file in a dot-directory is a backup or a store of another program.
    chosen = min((path for path, _ in files), key=lambda path: (b"/." in path, path))
    for path, duplicate_of in files:
        target = None if path == chosen else chosen
        if duplicate_of != target:
            connection.execute(statements.SET_DUPLICATE, (target, path))


def _derive_series(connection: sqlite3.Connection, series_uid: str, today: str) -> None:
    rows = connection.execute(statements.VALUES_OF_SERIES, (series_uid,)).fetchall()
    if not rows:
        connection.execute(statements.FORGET_SERIES, (series_uid,))
        return
    keys, values = decided_series(rows)
    connection.execute(statements.PUT_FIRST_ADDED, (series_uid, today))
    (added,) = connection.execute(statements.FIRST_ADDED, (series_uid,)).fetchone()
    size = connection.execute(statements.SIZE_OF_SERIES, (series_uid,)).fetchone()
    connection.execute(statements.PUT_SERIES, (series_uid, *keys, *values, *size, added))
    connection.execute(statements.FORGET_OTHER_SERIES, (series_uid,))
    listed = {_group(keys, values)}
    for row in sorted(rows, key=lambda row: _sortable(row[2:])):
        stated = row[2 + _KEYS :]
        pairs = zip(stated, values, strict=True)
        filled = [decided if value is None else value for value, decided in pairs]
        other_keys = row[2 : 2 + _KEYS]
        if (group := _group(other_keys, filled)) not in listed:
            listed.add(group)
            connection.execute(
                statements.PUT_OTHER_SERIES, (series_uid, *other_keys, *filled, 0, 0, added)
            )


def _group(keys: Sequence[Text], values: Sequence[Text]) -> tuple[Text, ...]:
    """Return all values by which the endpoints filter and group series."""
    return (*keys, *(values[at] for at in _GROUPED_AT))


def decided_series(
    rows: Sequence[tuple[object, ...]],
) -> tuple[tuple[str, ...], tuple[Text, ...]]:
    """Return the keys and values of a series, from rows of ``VALUES_OF_SERIES``.

    The keys are study, collection and patient, decided together: some file states all three.
    """
    counts: Counter[tuple[str, ...]] = Counter()
    for _, files, *rest in rows:
        counts[tuple(map(str, rest[:_KEYS]))] += int(str(files))
    keys = min(counts, key=lambda one: (-counts[one], one))
    return keys, _most([(one, files, *rest[_KEYS:]) for one, files, *rest in rows])


def _most(rows: Sequence[tuple[object, ...]]) -> tuple[Text, ...]:
    """Return the most frequent value of each column after id and number of files."""
    counts = [row[1] for row in rows]
    return tuple(
        most_frequent(zip(column, counts, strict=True))
        for column in zip(*(row[2:] for row in rows), strict=True)
    )


def most_frequent(values: Iterable[tuple[object, object]]) -> Text:
    """Return the value with the largest sum of counts; None if no value is present."""
    counter: Counter[str] = Counter()
    for value, files in values:
        if value is not None:
            counter[str(value)] += int(str(files))
    return min(counter, key=lambda one: (-counter[one], one), default=None)


def _sortable(values: Sequence[object]) -> list[tuple[bool, str]]:
    return [(value is not None, str(value)) for value in values]
