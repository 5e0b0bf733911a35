"""Declared and undeclared members: a missing declaration does not override a value.

A node is bare if it states no more than a document of 2019: a parameter its name and whether
it is required, an attribute its name, description and tag. A member that a bare node lacks is
undeclared. A member that a fuller node lacks is removed.
"""

import attrs

from tciagen.contract.model import Attribute, Parameter, Source, Type
from tciagen.drift.change import Change, Ledger, Location, Value

_BARE = frozenset({"Required", "Optional", "Description", "DICOM"})
_BARE_PARAMETER = frozenset({"Required"})


def is_bare(member: Parameter | Attribute) -> bool:
    """Return whether the document states only the members of a bare node."""
    bare = _BARE_PARAMETER if isinstance(member, Parameter) else _BARE
    return member.declared <= bare


@attrs.define
class Statements:
    """The declarations of one parameter or attribute in both contracts.

    Members of the same value are reported together, in one finding for the node. A value that
    is retained without a declaration is a separate finding.
    """

    ledger: Ledger
    location: Location
    old: Parameter | Attribute
    new: Parameter | Attribute
    lost: list[str] = attrs.field(factory=list)
    gained: list[str] = attrs.field(factory=list)

    def lost_declaration(self, name: str) -> bool:
        """Return whether the old document declares a member and the new, bare one does not."""
        return name in self.old.declared - self.new.declared and is_bare(self.new)

    def gained_declaration(self, name: str) -> bool:
        """Return whether the new document declares a member and the old, bare one does not."""
        return name in self.new.declared - self.old.declared and is_bare(self.old)

    def note_unchanged(self, name: str) -> None:
        """Note a member of unchanged value that only one of the documents declares."""
        if name in self.old.declared - self.new.declared:
            self.lost.append(name)
        elif name in self.new.declared - self.old.declared:
            self.gained.append(name)

    def report_retained(self, name: str, value: Value, cause: Change | None = None) -> None:
        """Report a value that is retained, although the new document does not declare it."""
        self.ledger.add("declaration-lost", self.location.at(name), value, None, cause=cause)

    def type_now_declared(self) -> bool:
        """Return whether the client uses another Python type, because a type is declared now."""
        stated = self.old.undeclared and not self.new.undeclared
        # A value of undeclared type is a string already.
        return stated and (isinstance(self.new, Parameter) or self.new.type is not Type.STRING)

    def same_type(self, cause: Change | None = None) -> bool:
        """Compare the sources of the type; return False if the types contradict each other."""
        old, new = self.old, self.new
        lost_declaration = new.undeclared and not old.undeclared
        if lost_declaration and (isinstance(old, Parameter) or old.type is not Type.STRING):
            self.report_retained("Type", old.type.value, cause)
        elif old.type is not new.type:
            return False
        elif Source.TAG not in (old.type_source, new.type_source):
            self.note_unchanged("Type")
        return True

    def finish(self) -> None:
        """Report lost and gained declarations without a change of meaning."""
        if self.lost:
            self.ledger.add("declaration-lost", self.location, tuple(sorted(self.lost)), None)
        if self.gained:
            self.ledger.add("declaration-gained", self.location, None, tuple(sorted(self.gained)))
