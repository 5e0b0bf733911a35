"""A small server of the v3 query API over a folder of DICOM files.

``index``, ``demo`` or ``synth`` fill a SQLite catalog; ``serve`` answers the
query endpoints from it. To the generator this is a server like any other.
"""
