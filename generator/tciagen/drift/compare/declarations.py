"""What a document says and what it leaves out: silence does not overrule.

A node is bare where it says no more than a document of 2019 did: a parameter its
name and whether it is required, an attribute its name, text and tag. A member that
a bare node leaves out is not said; one that a fuller node leaves out is taken away.
"""

import attrs

from tciagen.contract.model import Attribute, Parameter, Source, Type
from tciagen.drift.change import Change, Ledger, Place, Value

_BARE = frozenset({"Required", "Optional", "Description", "DICOM"})
_BARE_PARAMETER = frozenset({"Required"})


def is_bare(member: Parameter | Attribute) -> bool:
    """Whether the document says nothing of a member that it could leave out."""
    bare = _BARE_PARAMETER if isinstance(member, Parameter) else _BARE
    return member.declared <= bare


@attrs.define
class Statements:
    """The two statements about one parameter or attribute, and what fell silent.

    Members that are the same by meaning are told together, in one finding for the
    node; a value that is kept against silence is a finding of its own.
    """

    ledger: Ledger
    place: Place
    old: Parameter | Attribute
    new: Parameter | Attribute
    lost: list[str] = attrs.field(factory=list)
    gained: list[str] = attrs.field(factory=list)

    def fell_silent(self, name: str) -> bool:
        """Whether the old document says the member and the new, bare one does not."""
        return name in self.old.declared - self.new.declared and is_bare(self.new)

    def spoke_up(self, name: str) -> bool:
        """Whether the old, bare document does not say the member and the new one does."""
        return name in self.new.declared - self.old.declared and is_bare(self.old)

    def said(self, name: str) -> None:
        """Note a member of the same value that one of the two documents leaves out."""
        if name in self.old.declared - self.new.declared:
            self.lost.append(name)
        elif name in self.new.declared - self.old.declared:
            self.gained.append(name)

    def kept(self, name: str, value: Value, cause: Change | None = None) -> None:
        """Report a value that is kept, although the new document does not say it."""
        self.ledger.add("declaration-lost", self.place.at(name), value, None, cause=cause)

    def type_now_declared(self) -> bool:
        """Whether the client takes or delivers another Python type, since a type is stated now."""
        stated = self.old.undeclared and not self.new.undeclared
        # A value of undeclared type is delivered as text already.
        return stated and (isinstance(self.new, Parameter) or self.new.type is not Type.STRING)

    def same_type(self, cause: Change | None = None) -> bool:
        """Judge who tells the type; return False where the types contradict each other."""
        old, new = self.old, self.new
        fell_silent = new.undeclared and not old.undeclared
        if fell_silent and (isinstance(old, Parameter) or old.type is not Type.STRING):
            self.kept("Type", old.type.value, cause)
        elif old.type is not new.type:
            return False
        elif Source.TAG not in (old.type_source, new.type_source):
            self.said("Type")
        return True

    def finish(self) -> None:
        """Report what fell silent or spoke up without a change of meaning."""
        if self.lost:
            self.ledger.add("declaration-lost", self.place, tuple(sorted(self.lost)), None)
        if self.gained:
            self.ledger.add("declaration-gained", self.place, None, tuple(sorted(self.gained)))
