"""The pictures of the README."""

import re
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PICTURES = ROOT / "docs" / "pictures"


def test_pipeline_pictures_are_up_to_date() -> None:
    script = runpy.run_path(str(ROOT / "docs" / "site" / "pictures.py"))
    for name, theme in script["THEMES"].items():
        drawn = (PICTURES / name).read_text(encoding="utf-8")
        assert drawn == script["picture"](theme), "run `make pictures`"


@pytest.mark.parametrize("name", ["make.svg", "tcia.svg"])
def test_recordings_load_nothing_from_elsewhere(name: str) -> None:
    svg = (PICTURES / name).read_text(encoding="utf-8")
    addresses = set(re.findall(r"https?://[^\s\"'<)]+", svg))
    assert {a for a in addresses if "127.0.0.1" not in a} <= {
        "http://www.w3.org/2000/svg",
        "https://www.textualize.io",
    }
    assert "@font-face" not in svg
