"""Draw the pictures of the README: the pipeline, in a light and a dark variant.

    python docs/site/pictures.py

writes ``docs/pictures/pipeline.svg`` and ``docs/pictures/pipeline-dark.svg``.
"""

from html import escape
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "pictures"
FONT = "ui-sans-serif, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
MONO = "ui-monospace, SFMono-Regular, Menlo, Consolas, monospace"
THEMES = {
    "pipeline.svg": {
        "box": "#f6f8fa",
        "line": "#8c959f",
        "text": "#1f2328",
        "dim": "#57606a",
        "accent": "#3949ab",
        "fill": "#eaeefb",
    },
    "pipeline-dark.svg": {
        "box": "#161b22",
        "line": "#6e7681",
        "text": "#e6edf3",
        "dim": "#9198a1",
        "accent": "#9fa8da",
        "fill": "#1c2340",
    },
}
WIDTH, HEIGHT, MARGIN = 960, 204, 2
BOX_WIDTH, BOX_HEIGHT = 134, 60
STEPS = (
    ("server", "describes itself", "crawl"),
    ("documents", "committed, reviewed", "validate"),
    ("contract", "meaning, provenance", "render"),
    ("generated/", "typed client", "import"),
    ("your code", "rows, DICOM files", ""),
)
BELOW = {
    0: ("archive", "any folder of DICOM"),
    2: ("overlay", "fills gaps"),
    3: ("tciagen check", "fails CI on drift"),
}


def picture(theme: dict[str, str]) -> str:
    """Return the pipeline as an SVG document in the colors of a theme."""
    gap = (WIDTH - 2 * MARGIN - len(STEPS) * BOX_WIDTH) / (len(STEPS) - 1)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-labelledby="title" font-family="{FONT}">',
        '<title id="title">From a server\'s metadata to an imported client: crawl, validate, '
        "render, import</title>",
        '<defs><marker id="arrow" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" '
        'markerHeight="7" orient="auto-start-reverse">'
        f'<path d="M0 0 10 5 0 10z" fill="{theme["line"]}"/></marker></defs>',
    ]
    for index, (name, note, verb) in enumerate(STEPS):
        left = MARGIN + index * (BOX_WIDTH + gap)
        main = name == "generated/"
        parts += _box(left, 2, name, note, theme, main=main)
        if verb:
            start, end = left + BOX_WIDTH + 4, left + BOX_WIDTH + gap - 4
            parts.append(_arrow(start, 32, end, 32, theme))
            parts.append(_text((start + end) / 2, 23, verb, theme["accent"], 13, font=MONO))
        if index in BELOW:
            parts += _box(left, 140, *BELOW[index], theme, main=False)
            parts.append(_arrow(left + BOX_WIDTH / 2, 136, left + BOX_WIDTH / 2, 66, theme))
    return "\n".join([*parts, "</svg>", ""])


def _box(
    left: float, top: float, name: str, note: str, theme: dict[str, str], *, main: bool
) -> list[str]:
    fill, line = (theme["fill"], theme["accent"]) if main else (theme["box"], theme["line"])
    middle = left + BOX_WIDTH / 2
    return [
        f'<rect x="{left:g}" y="{top:g}" width="{BOX_WIDTH}" height="{BOX_HEIGHT}" rx="8" '
        f'fill="{fill}" stroke="{line}" stroke-width="{2 if main else 1}"/>',
        _text(middle, top + 26, name, theme["text"], 15, weight=600),
        _text(middle, top + 45, note, theme["dim"], 11.5),
    ]


def _arrow(x1: float, y1: float, x2: float, y2: float, theme: dict[str, str]) -> str:
    return (
        f'<line x1="{x1:g}" y1="{y1:g}" x2="{x2:g}" y2="{y2:g}" stroke="{theme["line"]}" '
        'stroke-width="1.5" marker-end="url(#arrow)"/>'
    )


def _text(
    x: float, y: float, text: str, color: str, size: float, *, weight: int = 400, font: str = ""
) -> str:
    family = f' font-family="{font}"' if font else ""
    return (
        f'<text x="{x:g}" y="{y:g}" fill="{color}" font-size="{size}" font-weight="{weight}" '
        f'text-anchor="middle"{family}>{escape(text)}</text>'
    )


def main() -> None:
    """Write all variants."""
    FOLDER.mkdir(exist_ok=True)
    for name, theme in THEMES.items():
        (FOLDER / name).write_text(picture(theme), encoding="utf-8")


if __name__ == "__main__":
    main()
