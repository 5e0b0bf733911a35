"""The runtime of the generated clients, imported from the templates.

The generator applies the client's rules by calling the client's own code.
"""

import sys
from importlib import import_module
from importlib.resources import files
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

_NAME = "tciagen_client_runtime"


def templates_folder() -> Path:
    """Return the folder of the client's templates: the wheel's copy, else the checkout's."""
    packaged = Path(str(files("tciagen").joinpath("_templates", "client")))
    checkout = Path(__file__).resolve().parents[2] / "templates" / "client"
    return packaged if packaged.is_dir() else checkout


def runtime(module: str) -> Any:
    """Import a module of the runtime, such as ``decoding.formats``.

    The runtime has a separate name, so it does not collide with a package that contains a copy.
    """
    if _NAME not in sys.modules:
        folder = templates_folder() / "package" / "_runtime"
        spec = spec_from_file_location(
            _NAME, folder / "__init__.py", submodule_search_locations=[str(folder)]
        )
        if spec is None or spec.loader is None:
            raise ImportError(f"the templates have no runtime in {folder}")
        package = module_from_spec(spec)
        sys.modules[_NAME] = package
        spec.loader.exec_module(package)
    return import_module(f"{_NAME}.{module}")


def fold(name: str) -> str:
    """Return a name as the client compares names: its letters and digits in lower case."""
    folded: str = runtime("naming").fold(name)
    return folded


def text_fits(kind: str, text: str) -> bool:
    """Return whether the client accepts a text as a value of a type."""
    values = runtime("values")
    try:
        return values.CONVERTERS[kind](text) is not None
    except values.InvalidValue:
        return False


def proxy_of(url: str) -> str | None:
    """Return the proxy that the environment names for a URL, as the client chooses it."""
    proxy: str | None = runtime("http.proxies").proxy_of(url)
    return proxy


def without_credentials(proxy: str) -> str:
    """Return the URL of a proxy without user name and password."""
    bare: str = runtime("http.proxies").without_credentials(proxy)
    return bare
