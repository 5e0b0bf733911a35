"""The catalogue of rules, as data; :mod:`tciagen.drift.rules` finds them."""
