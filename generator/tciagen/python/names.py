"""Python names of wire names: snake_case, class names, and reserved names."""

import keyword
import re
from typing import Self

from tciagen.errors import DocumentProblem

IRREGULAR = ("DICOMweb", "kVp", "mAs")
"""Acronyms whose capitals do not mark the end of a word."""

_WORD = re.compile(
    rf"""
    (?<![a-z])(?:{"|".join(IRREGULAR)})(?![a-z])
    | [A-Z]{{2,}}s(?![a-z])           # plural of an acronym: UIDs, IDs
    | [A-Z]+(?=[A-Z][a-z])        # acronym before a word: SOP|Instance
    | [A-Z][a-z]+[0-9]*           # Word, Word2
    | [A-Z]+[0-9]*                # acronym at the end: UID, T1
    | [a-z]+[0-9]*
    | [0-9]+
    """,
    re.VERBOSE,
)

_RESERVED = """
False None True _ and as assert async await break case class continue def del elif else except
finally for from global if import in is lambda match nonlocal not or pass raise return try type
while with yield abs aiter all anext any ascii bin bool breakpoint bytearray bytes callable chr
classmethod compile complex copyright credits delattr dict dir divmod enumerate eval exec exit
filter float format frozenset getattr globals hasattr hash help hex id input int isinstance
issubclass iter len license list locals map max memoryview min next object oct open ord pow print
property quit range repr reversed round set setattr slice sorted staticmethod str sum super tuple
type vars zip ArithmeticError AssertionError AttributeError BaseException BaseExceptionGroup
BlockingIOError BrokenPipeError BufferError BytesWarning ChildProcessError ConnectionAbortedError
ConnectionError ConnectionRefusedError ConnectionResetError DeprecationWarning EOFError Ellipsis
EncodingWarning EnvironmentError Exception ExceptionGroup FileExistsError FileNotFoundError
FloatingPointError FutureWarning GeneratorExit IOError ImportError ImportWarning IndentationError
IndexError InterruptedError IsADirectoryError KeyError KeyboardInterrupt LookupError MemoryError
ModuleNotFoundError NameError NotADirectoryError NotImplemented NotImplementedError OSError
OverflowError PendingDeprecationWarning PermissionError ProcessLookupError PythonFinalizationError
RecursionError ReferenceError ResourceWarning RuntimeError RuntimeWarning StopAsyncIteration
StopIteration SyntaxError SyntaxWarning SystemError SystemExit TabError TimeoutError TypeError
UnboundLocalError UnicodeDecodeError UnicodeEncodeError UnicodeError UnicodeTranslateError
UnicodeWarning UserWarning ValueError Warning WindowsError ZeroDivisionError
"""
RESERVED = frozenset(_RESERVED.split())
"""Keywords and builtins. A list: names must not depend on the Python that generates them."""


class Identifier(str):
    """A valid Python identifier: ASCII, not a keyword."""

    __slots__ = ()

    def __new__(cls, text: str) -> Self:
        """Return ``text`` as an identifier.

        Raises:
            ValueError: It is not an identifier.
        """
        if not (text.isascii() and text.isidentifier()) or keyword.iskeyword(text):
            raise ValueError(f"{text!r} is not a Python identifier")
        return super().__new__(cls, text)


def words(name: str) -> list[str]:
    """Return the words of a wire name: ``getSOPInstanceUIDs`` → get, SOP, Instance, UIDs."""
    return _WORD.findall(name)


def snake_case(name: str) -> str:
    """Return a wire name in snake_case; an empty text if it has no word.

    ``getSOPInstanceUIDs`` → ``get_sop_instance_uids``, ``PatientID`` → ``patient_id``.
    """
    return "_".join(words(name)).lower()


def pascal_case(name: str) -> str:
    """Return a wire name in PascalCase, acronyms as they are: ``getSOPs`` → ``GetSOPs``."""
    return "".join(word[:1].upper() + word[1:] for word in words(name))


def variable(name: str, reserved: frozenset[str] = frozenset()) -> Identifier:
    """Return the Python name of a parameter, attribute or method.

    A keyword, a builtin or a name in ``reserved`` gets a final underscore.

    Raises:
        DocumentProblem: The name has no letters, or begins with a digit.
    """
    snake = snake_case(name)
    if snake in RESERVED | reserved:
        snake += "_"
    try:
        return Identifier(snake)
    except ValueError:
        raise DocumentProblem(
            f"The wire name {name!r} gives no Python name; set `name` for it in the overlay."
        ) from None


def class_name(name: str, reserved: frozenset[str] = frozenset()) -> Identifier:
    """Return the class name for a Result.Name, with the suffix ``Record`` if it is taken."""
    plain = name[:1].upper() + name[1:]
    return Identifier(plain + "Record" if plain in RESERVED | reserved else plain)
