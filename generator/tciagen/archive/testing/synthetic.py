"""Fills a catalog with any number of series, without files, for tests of scale.

The shares are similar to those of TCIA: mostly CT and MR, a few large
collections and many small ones, equipment that matches the modality,
columns that are often null, and image counts from 1 to some thousands.
"""

import itertools
import math
import random
import sqlite3
from collections.abc import Iterator
from datetime import date, timedelta

import attrs

from tciagen.archive import statements
from tciagen.archive.catalog import create_indices, drop_indices
from tciagen.archive.scan import Progress, no_progress

_BATCH = 10_000
_FIRST_DAY = date(2011, 1, 1)
_DAYS = 4000
_SERIES_PER_STUDY = (1, 1, 1, 2, 2, 3, 4, 4, 5, 6, 8, 12)
_STUDIES_PER_PATIENT = (1, 1, 1, 1, 1, 2, 2, 3, 5)


@attrs.frozen
class _Share:
    """One modality: share, equipment, image counts (least, most, usual), bytes of an image."""

    weight: int
    equipment: tuple[tuple[str | None, str | None, str | None], ...]
    images: tuple[int, int, float]
    image_size: int


_CT = (
    ("GE MEDICAL SYSTEMS", "LightSpeed VCT", "07MW18.4"),
    ("GE MEDICAL SYSTEMS", "LightSpeed Plus", "LightSpeedApps308I.2_H3.1M5"),
    ("SIEMENS", "Sensation 16", "VB10B"),
    ("SIEMENS", "SOMATOM Definition AS+", "syngo CT 2012B"),
    ("Philips", "Brilliance 64", "3.5.5"),
    ("TOSHIBA", "Aquilion", "V3.35ER003"),
)
_MR = (
    ("GE MEDICAL SYSTEMS", "GENESIS_SIGNA", "07"),
    ("GE MEDICAL SYSTEMS", "Signa HDxt", "15\\LX\\MR Software release:15.0_M4_0910.a"),
    ("SIEMENS", "Avanto", "syngo MR B17"),
    ("Philips Medical Systems", "Achieva", "3.2.1\\3.2.1.1"),
)
_PT = (("CPS", "1024", None), ("SIEMENS", "Biograph 40", "VG51C"))
_COMPUTED = ((None, None, None), ("QIICR", "https://github.com/QIICR/dcmqi.git", "1.2.4"))
_MODALITIES = {
    "CT": _Share(41, _CT, (1, 900, 130), 526_000),
    "MR": _Share(38, _MR, (1, 600, 60), 140_000),
    "SEG": _Share(5, _COMPUTED, (1, 1, 1), 3_000_000),
    "PT": _Share(4, _PT, (40, 600, 260), 38_000),
    "MG": _Share(3, (("HOLOGIC, Inc.", "Selenia Dimensions", "1.8.2"),), (1, 4, 1), 27_000_000),
    "RTSTRUCT": _Share(3, (("Varian Medical Systems", "ARIA RadOnc", None),), (1, 1, 1), 2_000_000),
    "CR": _Share(2, (("Agfa-Gevaert AG", None, None), (None, None, None)), (1, 3, 1), 8_000_000),
    "DX": _Share(2, (("Canon Inc.", "CXDI", "5.2"),), (1, 3, 1), 11_000_000),
    "SR": _Share(1, _COMPUTED, (1, 1, 1), 40_000),
    "SM": _Share(1, (("Leica Biosystems", "Aperio ScanScope", None),), (3, 9, 6), 90_000_000),
}  # fmt: skip
_BODY_PARTS = {
    "CT": ("CHEST", "CHEST", "LUNG", "ABDOMEN", "COLON", "HEADNECK", "ABDOMEN_PELVIS ", None, None),
    "MR": ("BRAIN", "BRAIN", "BREAST", "BREAST", "PROSTATE", "HEAD", None),
    "MG": ("BREAST",),
    "CR": ("CHEST", None),
    "DX": ("CHEST",),
}
_DESCRIPTIONS = {
    "CT": ("AXIAL 5 MM", "CHEST W/O 1.25 B60f", "ABD/PEL 3.0", "SCOUT", 'Lung "sharp" <2mm', None),
    "MR": ("3DSPGR AXIAL", "T2 FLAIR", "ax dwi b=0/800", "t1_mprage_sag_p2_iso & post", None),
}


def synthesize(
    connection: sqlite3.Connection, series: int, *, seed: int, progress: Progress = no_progress
) -> None:
    """Add ``series`` series to an empty catalog; equal seeds give equal rows.

    One in 20,000 series goes into the shared list ``synthetic``.
    """
    made = _Archive(random.Random(seed), series)  # noqa: S311 - nothing is secret here
    with connection:
        connection.execute("BEGIN")
        drop_indices(connection)
        rows = made.rows()
        done = 0
        while batch := list(itertools.islice(rows, _BATCH)):
            connection.executemany(statements.SYNTHETIC_SERIES, batch)
            connection.executemany(statements.SYNTHETIC_STUDY, made.take_studies())
            connection.executemany(statements.SYNTHETIC_PATIENT, made.take_patients())
            done += len(batch)
            progress(done, series)
        connection.execute(statements.SYNTHETIC_LIST)
        create_indices(connection)


class _Archive:
    def __init__(self, chance: random.Random, series: int) -> None:
        self._chance = chance
        self._left = series
        self._studies: list[tuple[object, ...]] = []
        self._patients: list[tuple[object, ...]] = []
        number = max(1, min(150, series // 50))
        self._collections = [f"SYNTH-{chr(65 + i % 26)}{i:03}" for i in range(number)]
        self._weights = [1 / (rank + 1) for rank in range(number)]

    def take_studies(self) -> list[tuple[object, ...]]:
        """Return the studies made since the last call."""
        made, self._studies = self._studies, []
        return made

    def take_patients(self) -> list[tuple[object, ...]]:
        """Return the patients made since the last call."""
        made, self._patients = self._patients, []
        return made

    def rows(self) -> Iterator[tuple[object, ...]]:
        """Yield rows of the series table."""
        chance = self._chance
        modalities = list(_MODALITIES)
        shares = list(itertools.accumulate(share.weight for share in _MODALITIES.values()))
        weights = list(itertools.accumulate(self._weights))
        for number in itertools.count(1):
            collection = chance.choices(self._collections, cum_weights=weights)[0]
            patient_id = f"{collection}-{number:06}"
            draw = chance.random()
            self._patients.append(
                (
                    collection,
                    patient_id,
                    patient_id if draw < 0.6 else None,
                    None,
                    chance.choice(("M", "F", "F", None)),
                    chance.choice((None, None, None, "White", "Unknown")),
                )
            )
            for _ in range(chance.choice(_STUDIES_PER_PATIENT)):
                study_uid = f"2.25.{chance.getrandbits(126)}"
                day = str(_FIRST_DAY - timedelta(chance.randrange(_DAYS)))
                added = str(_FIRST_DAY + timedelta(chance.randrange(_DAYS)))
                modality = chance.choices(modalities, cum_weights=shares)[0]
                age = f"{chance.randrange(18, 90):03}Y" if draw < 0.8 else None
                self._studies.append(
                    (
                        study_uid,
                        collection,
                        patient_id,
                        day,
                        chance.choice((f"{modality} STUDY W/O & W", f"{modality} follow-up", None)),
                        chance.choice((None, None, None, "LUNG CA\\COPD")),
                        str(number) if draw < 0.3 else None,
                        age,
                    )
                )
                for position in range(1, chance.choice(_SERIES_PER_STUDY) + 1):
                    if not self._left:
                        return
                    self._left -= 1
                    keys = (study_uid, collection, patient_id)
                    yield self._series(keys, modality, day, position=position, added=added)

    def _series(
        self, keys: tuple[str, str, str], modality: str, day: str, *, position: int, added: str
    ) -> tuple[object, ...]:
        chance = self._chance
        share = _MODALITIES[modality]
        fewest, most, usual = share.images
        images = max(fewest, min(most, round(chance.lognormvariate(math.log(usual), 0.8))))
        body_parts = _BODY_PARTS.get(modality, (None,))
        descriptions = _DESCRIPTIONS.get(modality, (modality, None))
        return (
            f"2.25.{chance.getrandbits(126)}",
            *keys,
            modality,
            f"{modality}/ROUTINE" if chance.random() < 0.4 else None,
            day if chance.random() < 0.95 else None,
            chance.choice(descriptions),
            chance.choice(body_parts),
            f"{position}.000000" if chance.random() < 0.97 else None,
            *chance.choice(share.equipment),
            images,
            images * share.image_size,
            added,
        )
