"""What a generated method takes and what a record holds: keywords, annotations, reserved names.

The view builds methods and classes from it, and :mod:`tciagen.drift` judges by it what a
change does to user code.
"""

from tciagen.contract import Endpoint, Parameter, Type
from tciagen.python.names import words

RESERVED_METHODS = frozenset(
    {"close", "aclose", "base_url", "files", "records", "models", "datetime", "decimal"}
)
"""Public names of the runtime's client classes and of the module that defines the methods."""

RESERVED_PARAMETERS = frozenset({"self", "format", "options", "to"})
DOWNLOAD_KEYWORDS = frozenset(
    {"target", "items", "workers", "progress", "keep_zip", "names", "limits", "expect"}
    | {"existing", "on_difference"}
)
"""Keywords of the runtime's own in a call that downloads; see its ``DownloadOptions``."""

RESERVED_FIELDS = frozenset({"self", "datetime", "decimal", "attrs"})

ARGUMENT_TYPES = {
    Type.STRING: "str",
    Type.UID: "str",
    Type.INTEGER: "int",
    Type.DECIMAL: "decimal.Decimal | float",
    Type.BOOLEAN: "bool",
    Type.DATE: "datetime.date | str",
    Type.DATE_TIME: "datetime.datetime | str",
    Type.TIME: "datetime.time | str",
}
VALUE_TYPES = {
    Type.STRING: "str",
    Type.UID: "UID",
    Type.INTEGER: "int",
    Type.DECIMAL: "decimal.Decimal",
    Type.BOOLEAN: "bool",
    Type.DATE: "datetime.date",
    Type.DATE_TIME: "datetime.datetime",
    Type.TIME: "datetime.time",
}


def keywords(endpoint: Endpoint) -> tuple[Parameter, ...]:
    """Return the parameters that callers give: all but the query keys of the API itself.

    The client sends ``format`` with every query of records, and the key as a header: as
    query keys of a caller they would come twice, and the key would stand in every log.
    """
    own = {"api_key"} if endpoint.answers_file else {"api_key", "format"}
    return tuple(p for p in endpoint.parameters if p.name not in own)


def reserved_parameters(endpoint: Endpoint) -> frozenset[str]:
    """Return the keywords that no parameter of an endpoint can have."""
    return RESERVED_PARAMETERS | (DOWNLOAD_KEYWORDS if endpoint.answers_file else frozenset())


def method_name(endpoint: Endpoint) -> str:
    """Return the method's name: a file endpoint's ``getX`` is ``download_x``."""
    parts = words(endpoint.name)
    if endpoint.answers_file and parts and parts[0].lower() == "get" and parts[1:]:
        return "_".join(["download", *parts[1:]])
    return endpoint.name
