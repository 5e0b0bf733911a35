"""Metadata documents: one JSON file for each endpoint, as the server sent it.

A folder of documents has the layout ``<Resource>/<QueryName>.json``; see :mod:`.folder`.
"""
