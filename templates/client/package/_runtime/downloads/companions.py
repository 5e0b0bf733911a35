"""Files that accompany DICOM files in an archive."""

_COMPANION_SUFFIXES = (
    frozenset(
        (".csv", ".doc", ".docx", ".gif", ".gz", ".htm", ".html", ".jpeg", ".jpg", ".json", ".log")
    )
    | frozenset(
        (".md", ".md5", ".mhd", ".nii", ".nrrd", ".pdf", ".png", ".raw", ".rtf", ".sha1", ".sha256")
    )
    | frozenset(
        (".sha512", ".svg", ".tsv", ".txt", ".xls", ".xlsx", ".xml", ".yaml", ".yml", ".zip")
    )
)
_COMPANION_STEMS = frozenset({"license", "licence", "notice", "readme"})
_COMPANION_NAMES = frozenset({".ds_store", "desktop.ini", "dicomdir", "thumbs.db"})
_COMPANION_FOLDERS = frozenset({"__macosx"})
_APPLE_DOUBLE = "._"


def is_companion(name: str) -> bool:
    """Whether a file may accompany DICOM files without being one.

    Such files are licences, lists, annotations, the DICOMDIR of a medium, and what operating
    systems put into folders and archives.

    Args:
        name: Its name with its folders in the archive.
    """
    *folders, file = name.lower().split("/")
    if file in _COMPANION_NAMES or file.startswith(_APPLE_DOUBLE):
        return True
    if not _COMPANION_FOLDERS.isdisjoint(folders):
        return True
    stem, dot, suffix = file.rpartition(".")
    return f"{dot}{suffix}" in _COMPANION_SUFFIXES or (
        suffix != "dcm" and (stem or suffix) in _COMPANION_STEMS
    )
