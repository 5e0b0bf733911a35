"""A small server of the v3 query API over a folder of DICOM files.

``index``, ``demo`` or ``synth`` fill a SQLite catalog; ``serve`` serves the
query endpoints from it. The generator treats it like any other server.
"""
