"""The recipe of the demo data set: its series and the values of their headers.

The values are ones that clients often handle wrongly: quotes, slashes, ``&`` and ``<``, umlauts
and CJK, trailing blanks, several values in one, and none at all. No person is real.
"""

from datetime import date

import attrs

# Complete files of the pydicom wheel, by folder below the demo's: one collection each.
SHIPPED = {
    "PYDICOM-CT-MR": (
        "CT_small.dcm",
        "MR_small.dcm",
        "693_J2KI.dcm",
        "J2K_pixelrep_mismatch.dcm",
        "examples_overlay.dcm",
    ),
    "PYDICOM-DICOMDIR": ("dicomdirtests/7*/**/*", "dicomdirtests/9*/**/*"),
    "PYDICOM-TINY": ("dicomdirtests/TINY_ALPHA/PT*/**/*",),
    "PYDICOM-OTHER": (
        "ExplVR_BigEnd.dcm",
        "JPEG2000.dcm",
        "SC_rgb_jpeg_dcmtk.dcm",
        "SC_rgb_rle.dcm",
        "SC_rgb_small_odd.dcm",
        "examples_jpeg2k.dcm",
        "examples_palette.dcm",
        "examples_ybr_color.dcm",
        "liver_1frame.dcm",
        "reportsi.dcm",
        "rtdose.dcm",
        "rtplan.dcm",
        "test-SR.dcm",
        "waveform_ecg.dcm",
    ),
}
SHIPPED_ADDED = date(2021, 6, 22)


@attrs.frozen
class Equipment:
    """The equipment that made a series; None is left out of the file."""

    manufacturer: str | None
    model: str | None
    software: str | tuple[str, ...] | None = None


@attrs.frozen
class Patient:
    """One subject; None is left out of the file."""

    patient_id: str
    name: str | None = None
    birth_date: str | None = None
    sex: str | None = None
    ethnic_group: str | None = None
    age: str | None = None


@attrs.frozen
class Study:
    """One study of a subject."""

    patient: Patient
    date: str | None
    description: str | None = None
    study_id: str | None = None
    diagnoses: str | tuple[str, ...] | None = None


@attrs.frozen
class Series:
    """One series to write, with its number of slices."""

    study: Study
    modality: str
    slices: int
    equipment: Equipment
    description: str | None = None
    body_part: str | None = None
    protocol: str | None = None
    number: int | None = 1


@attrs.frozen
class Collection:
    """One collection: its folder, its name in the files, the day its series were added."""

    folder: str
    name: str
    added: date
    series: tuple[Series, ...]


_GE = Equipment("GE MEDICAL SYSTEMS", "LightSpeed VCT", ("07MW18.4", "gmp_vct.42"))
_GE_MR = Equipment("GE MEDICAL SYSTEMS", "GENESIS_SIGNA", "07")
_SIEMENS = Equipment("SIEMENS", "Sensation 64", "syngo CT 2006A")
_SIEMENS_MR = Equipment("SIEMENS", "MAGNETOM Trio / Tim", "syngo MR B17")
_PHILIPS = Equipment("Philips Medical Systems", "Ingenia", ("5.1.7", "5.1.7.2"))
_TOSHIBA = Equipment("TOSHIBA", "Aquilion ONE")
_BRUKER = Equipment("Bruker BioSpin & Söhne", 'PharmaScan "70/16" US', "ParaVision 6.0.1")
_UNKNOWN = Equipment(None, None)


def _chest(number: int) -> tuple[Series, ...]:
    patient = Patient(f"DEMO-CT-{number:04}", f"DEMO-CT-{number:04}", None, "MF"[number % 2])
    study = Study(patient, f"2008{number:02}17", "CT CHEST W/O CONTRAST", f"{4000 + number}")
    equipment = (_GE, _SIEMENS, _TOSHIBA)[number % 3]
    return (
        Series(study, "CT", 66, equipment, "AXIAL 5 MM LUNG", "CHEST", "1.1 CHEST ROUTINE", 2),
        Series(study, "CT", 50, equipment, "CORONAL", "CHEST", None, 3),
        Series(study, "CT", 1, equipment, "SCOUT", None, None, None),
    )


def _brain(number: int) -> tuple[Series, ...]:
    patient = Patient(
        f"DEMO-MR-{number:03}", f"Doe^Jordan {number}", "19480229", "O", "Unknown", "062Y"
    )
    before = Study(patient, "19981208", "MSTEALTH", None, ("Glioblastoma", "s/p resection"))
    after = Study(patient, "19990406", None, "0", "Follow-up, 4 months")
    return (
        Series(before, "MR", 72, _GE_MR, "3DSPGR AXIAL", "BRAIN", "BRAIN/STEALTH", 2),
        Series(before, "MR", 50, _GE_MR, "T2 FLAIR <fast>", "BRAIN", None, 3),
        Series(after, "MR", 56, _SIEMENS_MR, 't1 "mprage" sag', "BRAIN", "head & neck", 1),
        Series(after, "MR", 44, _PHILIPS, "DWI b=0\\b=1000", "HEAD", None, 4),
    )


_KATZE = Patient("Süß/01", "Müßig^Jürgen^^Dr.", "19700101", "M", "weiß & <unbek.>", "038Y")
_AMP = Patient("R&D <7>", 'O\'Neil^"Test"', None, "F", None, "007W")
_TOKYO = Patient("東京-0001", "Yamada^Tarou=山田^太郎=やまだ^たろう", "19600315", "M", None, "052Y")
_SEOUL = Patient("서울-02", "Hong^Gildong=洪^吉洞=홍^길동", None, "M")
_NOBODY = Patient("PET-7")

WRITTEN = (
    Collection(
        "chest",
        "DEMO-CHEST-CT",
        date(2022, 1, 10),
        tuple(s for n in range(1, 4) for s in _chest(n)),
    ),
    Collection(
        "brain", "DEMO-BRAIN-MR", date(2022, 3, 1), tuple(s for n in range(1, 4) for s in _brain(n))
    ),
    Collection(
        "names",
        'Söhne & "Töchter" <O\'Test>/1',
        date(2022, 5, 5),
        (
            Series(
                Study(_KATZE, "20080229", "Kopf/Hals: Übersicht", "K/1", "Kopfschmerz & Übelkeit"),
                "CT",
                27,
                _BRUKER,
                "Schädel, «dünn»",
                "HEAD",
                "Kopf\\Hals",
                1,
            ),
            Series(
                Study(_KATZE, "20080301"), "MR", 20, _BRUKER, "ABDOMEN", "ABDOMEN_PELVIS L", None, 2
            ),
            Series(
                Study(_AMP, None, "if a < b && c > d"),
                "CT",
                16,
                _UNKNOWN,
                'it\'s "quoted" \\ 100%',
                "LOWER_EXTREMITY2",
                None,
                None,
            ),
        ),
    ),
    Collection(
        "asia",
        "肝臓-MR",
        date(2022, 6, 22),
        (
            Series(Study(_TOKYO, "20121103", "腹部 MRI"), "MR", 44, _TOSHIBA, "肝臓 T2", "LIVER"),
            Series(
                Study(_TOKYO, "20121103", "腹部 MRI", "2"), "MR", 32, _TOSHIBA, "𠮷野 造影", "LIVER"
            ),
            Series(Study(_SEOUL, "20130214", "간 CT"), "CT", 40, _SIEMENS, "간 / 동맥기", "LIVER"),
        ),
    ),
    Collection(
        "pet",
        "DEMO-PET-CT",
        date(2022, 6, 23),
        (
            Series(Study(_NOBODY, "20150831", "PET/CT WHOLE BODY"), "PT", 72, _SIEMENS, "WB", None),
            Series(
                Study(_NOBODY, "20150831", "PET/CT WHOLE BODY"),
                "CT",
                72,
                _SIEMENS,
                "CT WB 5.0 B30s",
                "WHOLEBODY",
                None,
                2,
            ),
            Series(Study(Patient("PET-8"), None), "PT", 60, _UNKNOWN, None, None, None, None),
        ),
    ),
)

# Shared list -> (folder of the collection, number of the series in it).
SHARED_LISTS = {
    "demo-first-look": (("chest", 0), ("brain", 0), ("asia", 0), ("pet", 0)),
    "Liste für O'Neil & Co.": (("names", 0), ("names", 2)),
}
