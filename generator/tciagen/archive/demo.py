"""The demo data set: about 60 series in 1,500 files, the same bytes every time.

UIDs are ``2.25.`` and a version 5 UUID of the object's position in the recipe. No
file contains the day on which it was written.
"""

import hashlib
import io
import json
import shutil
import uuid
from collections.abc import Iterator
from datetime import date
from importlib.resources import files
from pathlib import Path

import attrs
import pydicom
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_data_element, write_file_meta_info
from pydicom.uid import UID, CTImageStorage, ExplicitVRLittleEndian, MRImageStorage
from pydicom.uid import PositronEmissionTomographyImageStorage as PTImageStorage

from tciagen.archive import demo_series, statements
from tciagen.archive.catalog import save_shared_list, writing
from tciagen.archive.demo_series import Collection, Series
from tciagen.archive.rules import CollectionRule
from tciagen.archive.scan import Progress, index, no_progress
from tciagen.errors import UsageProblem

_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "urn:tciagen:demo:1")
_SIZE = 64
_STORAGE = {"CT": CTImageStorage, "MR": MRImageStorage, "PT": PTImageStorage}
_MANIFEST = "manifest.json"


@attrs.frozen
class DemoArchive:
    """A demo data set: its folder, its catalog and the numbers of the catalog."""

    folder: Path
    catalog: Path
    collections: int
    series: int
    images: int
    size: int


def build_demo(
    folder: Path,
    catalog: Path | None = None,
    *,
    progress: Progress = no_progress,
) -> DemoArchive:
    """Build the demo data set below ``folder``, or bring an older one up to date.

    Of an unchanged one, only names and sizes of its files are read.

    Args:
        folder: Folder of ``images/``, and of the catalog by default.
        catalog: Path of the SQLite catalog; ``folder/catalog.sqlite`` if None.
        progress: Receives the number of files written, and of files to write.

    Raises:
        UsageProblem: the folder cannot be written, or ``images/`` holds other files.
    """
    catalog = catalog or folder / "catalog.sqlite"
    images = folder / "images"
    try:
        if not _is_complete(images):
            _write(images, progress)
    except OSError as error:
        raise UsageProblem(f"cannot write the demo data set to {folder}: {error}") from error
    with writing(catalog) as connection:
        for collection, added, rule in _parts():
            index(
                connection,
                [images / collection],
                rule=rule,
                today=added,
                prune=True,
                reassign=True,
            )
        for name, members in demo_series.SHARED_LISTS.items():
            save_shared_list(connection, name, [_listed_uid(*member) for member in members])
        (collections,) = connection.execute(statements.COUNT_COLLECTIONS).fetchone()
        series, count, size = connection.execute(statements.COUNT_SERIES).fetchone()
    return DemoArchive(folder, catalog, collections, series, count, size)


def _parts() -> Iterator[tuple[str, date, CollectionRule]]:
    for folder in demo_series.SHIPPED:
        yield folder, demo_series.SHIPPED_ADDED, CollectionRule(name=folder)
    for collection in demo_series.WRITTEN:
        yield collection.folder, collection.added, CollectionRule()


def _write(images: Path, progress: Progress) -> None:
    manifest = images / _MANIFEST
    if images.exists() and not manifest.exists() and any(images.iterdir()):
        raise UsageProblem(f"{images} is in use and is not a demo data set: specify another folder")
    shutil.rmtree(images, ignore_errors=True)
    _put(manifest, b"{}")  # marks the folder as a demo data set that is not yet complete
    sources = list(_shipped())
    total = len(sources) + sum(s.slices for c in demo_series.WRITTEN for s in c.series)
    sizes: dict[str, int] = {}
    for name, source in sources:
        sizes[name] = _put(images / name, source.read_bytes())
        progress(len(sizes), total)
    for collection in demo_series.WRITTEN:
        for name, data in _written(collection):
            sizes[name] = _put(images / name, data)
            progress(len(sizes), total)
    manifest.write_text(json.dumps({"recipe": _recipe(), "sizes": sizes}), encoding="utf-8")


def _put(path: Path, data: bytes) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.write_bytes(data)


def _is_complete(images: Path) -> bool:
    try:
        manifest = json.loads((images / _MANIFEST).read_text(encoding="utf-8"))
        return manifest["recipe"] == _recipe() and all(
            (images / name).stat().st_size == size for name, size in manifest["sizes"].items()
        )
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _recipe() -> str:
    """Return a digest of everything that determines the bytes: this module's and pydicom's."""
    digest = hashlib.sha256(pydicom.__version__.encode())
    for module in ("demo.py", "demo_series.py"):
        digest.update(files(__package__).joinpath(module).read_bytes())
    return digest.hexdigest()


def _shipped() -> Iterator[tuple[str, Path]]:
    """Yield name and source of each file that comes with pydicom; skip missing ones."""
    known = get_testdata_file("CT_small.dcm", download=False)
    if not isinstance(known, str):
        return
    root = Path(known).parent
    for folder, patterns in demo_series.SHIPPED.items():
        for pattern in patterns:
            for path in sorted(root.glob(pattern)):
                if path.is_file():
                    name = path.relative_to(root).as_posix().replace("/", "_")
                    yield f"{folder}/{name.removesuffix('.dcm')}.dcm", path


def _uid(*location: object) -> UID:
    return UID(f"2.25.{uuid.uuid5(_NAMESPACE, json.dumps(location)).int}")


def _listed_uid(folder: str, number: int) -> str:
    return _uid(folder, "series", number)


def _written(collection: Collection) -> Iterator[tuple[str, bytes]]:
    """Yield name and bytes of each file; encode shared elements once a series."""
    studies = {series.study: None for series in collection.series}
    study_uids = {study: _uid(collection.folder, "study", i) for i, study in enumerate(studies)}
    for number, series in enumerate(collection.series):
        dataset = _header(collection, series)
        dataset.StudyInstanceUID = study_uids[series.study]
        dataset.FrameOfReferenceUID = study_uids[series.study] + ".1"
        dataset.SeriesInstanceUID = _uid(collection.folder, "series", number)
        shared = _encoded(dataset)
        for position in range(series.slices):
            image = Dataset()
            image.SOPInstanceUID = _uid(collection.folder, "series", number, position)
            image.InstanceNumber = position + 1
            image.ImagePositionPatient = [-160, -160, 5 * position]
            image.SliceLocation = 5 * position
            image.add_new("PixelData", "OW", _pixels(series, position))
            elements = shared | _encoded(image)
            dataset.file_meta.MediaStorageSOPInstanceUID = image.SOPInstanceUID
            data = _file_start(dataset.file_meta) + b"".join(
                elements[tag] for tag in sorted(elements)
            )
            yield f"{collection.folder}/{number:02}/{position + 1:03}.dcm", data


def _encoded(dataset: Dataset) -> dict[int, bytes]:
    """Return each element by its tag, in Explicit VR Little Endian and UTF-8."""
    elements = {}
    for element in dataset:
        target = DicomBytesIO()
        target.is_little_endian, target.is_implicit_VR = True, False
        write_data_element(target, element, ["utf-8"])
        elements[int(element.tag)] = target.getvalue()
    return elements


def _file_start(meta: FileMetaDataset) -> bytes:
    """Return the bytes before the data set of a Part 10 file."""
    target = DicomBytesIO(bytes(128) + b"DICM")
    target.seek(0, io.SEEK_END)
    write_file_meta_info(target, meta)
    return target.getvalue()


def _header(collection: Collection, series: Series) -> Dataset:
    """Return a data set with the elements that the images of a series share."""
    study, patient, equipment = series.study, series.study.patient, series.equipment
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = _STORAGE[series.modality]
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID = _uid("implementation")
    meta.ImplementationVersionName = "TCIAGEN_DEMO_1"
    dataset = Dataset()
    dataset.file_meta = meta
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.SOPClassUID = _STORAGE[series.modality]
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    dataset.Modality = series.modality
    dataset.PatientID = patient.patient_id
    optional = {
        "PatientName": patient.name,
        "PatientBirthDate": patient.birth_date,
        "PatientSex": patient.sex,
        "EthnicGroup": patient.ethnic_group,
        "PatientAge": patient.age,
        "StudyDate": study.date,
        "SeriesDate": study.date,
        "StudyDescription": study.description,
        "StudyID": study.study_id,
        "AdmittingDiagnosesDescription": study.diagnoses,
        "SeriesDescription": series.description,
        "BodyPartExamined": series.body_part,
        "ProtocolName": series.protocol,
        "SeriesNumber": series.number,
        "Manufacturer": equipment.manufacturer,
        "ManufacturerModelName": equipment.model,
        "SoftwareVersions": equipment.software,
    }
    for keyword, value in optional.items():
        if value is not None:
            setattr(dataset, keyword, list(value) if isinstance(value, tuple) else value)
    block = dataset.private_block(0x0013, "CTP", create=True)
    block.add_new(0x10, "LO", collection.name)
    dataset.Rows = dataset.Columns = _SIZE
    dataset.PixelSpacing = [5, 5]
    dataset.SliceThickness = 5
    dataset.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.BitsAllocated = 16
    dataset.BitsStored = 16
    dataset.HighBit = 15
    dataset.PixelRepresentation = 1
    dataset.RescaleIntercept = -1024 if series.modality == "CT" else 0
    dataset.RescaleSlope = 1
    return dataset


def _pixels(series: Series, position: int) -> bytes:
    """Return 64 x 64 signed 16-bit pixels, little-endian: an ellipse that swells and shrinks."""
    middle = (series.slices - 1) / 2
    part = 1 - abs(position - middle) / (middle + 1)
    radius = 6 + 24 * part**0.5
    inside = (1000 + 8 * position).to_bytes(2, "little", signed=True)
    rows = []
    for row in range(_SIZE):
        height = (row - (_SIZE - 1) / 2) / radius
        half = round(radius * (1 - height**2) ** 0.5) if abs(height) < 1 else 0
        edge = row.to_bytes(2, "little") * (_SIZE // 2 - half)
        rows.append(edge + inside * (2 * half) + edge)
    return b"".join(rows)
