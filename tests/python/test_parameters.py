"""Parameters of generated endpoints: what the client's runtime knows of their DICOM tags."""

import pytest

from tciagen.contract.model import Contract, Endpoint, Parameter, Result
from tciagen.python.view import build_view


@pytest.mark.parametrize(
    ("name", "tag", "keyword"),
    [
        ("uid", "0020 000E", "SeriesInstanceUID"),
        ("SERIES_INSTANCE_UID", "0020 000E", ""),
        ("uid", "NA", ""),
        ("uid", "0021 1234", ""),
        ("uid", None, ""),
    ],
)
def test_parameter_carries_the_dicom_keyword_that_its_name_is_not(
    name: str, tag: str | None, keyword: str
) -> None:
    parameter = Parameter(name=name, dicom=tag)
    endpoint = Endpoint(
        resource="R",
        name="getFile",
        formats=("ZIP",),
        parameters=(parameter,),
        result=Result(name="x"),
    )
    (method,) = build_view(Contract((endpoint,)), ()).methods
    assert [one.dicom_keyword for one in method.parameters] == [keyword]
