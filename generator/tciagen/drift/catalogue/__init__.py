"""The catalogue of rules, as data; :mod:`tciagen.drift.catalogue.rules` finds them."""
