"""What every client of a described query API shares: requests, answers, errors.

Nothing in here knows a particular API; the modules beside this package say what
the endpoints, their parameters and their records are called.
"""

PUBLIC: dict[str, tuple[str, ...]] = {
    "answer": ("RawResponse",),
    "compare": ("ContractChange",),
    "download": ("Download", "DownloadOptions"),
    "drift": ("ContractDriftError", "ContractDriftWarning", "Drift"),
    "errors": (
        "AnswerTimeoutError",
        "ApiError",
        "BadContentError",
        "BrokenStreamError",
        "ConnectionFailedError",
        "DatabaseError",
        "DecodeError",
        "MisfitValueError",
        "MismatchWarning",
        "MissingParameterError",
        "MissingValueError",
        "NoSuchKeyError",
        "NotFoundError",
        "NotRecordsError",
        "ParameterError",
        "ParameterRejectedError",
        "ParameterWarning",
        "QueryFailedError",
        "RedirectError",
        "ServerError",
        "ShapeError",
        "StatusError",
        "TooManyRequestsError",
        "TransportError",
        "TruncatedError",
        "UnauthorizedError",
        "UnknownEndpointError",
        "UpstreamContentError",
    ),
    "options": ("Timeouts",),
    "retry": ("Retry",),
    "table": ("RowList",),
    "values": ("UID",),
}
"""The names that a client package shows at its top, by the module that defines them."""
