"""The metadata at the head of a GGUF file, read without the engine (ggml's docs/gguf.md)."""

import struct
from pathlib import Path
from typing import Any, BinaryIO

from mwe_tasks.errors import MweError

# By the number that stands for a type in the file; 8 is a string and 9 an array.
NUMBERS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
STRING, ARRAY = 8, 9
DAMAGE = (struct.error, UnicodeDecodeError, KeyError, OverflowError, MemoryError, RecursionError, OSError)
"""What reading a damaged file can raise."""


def read_header(path: Path) -> dict[str, Any]:
    """The metadata of a GGUF file: names to numbers and texts; an array is given by its length alone.

    Raises MweError where the file is no GGUF, is of another version, or ends within its metadata.
    """
    with path.open("rb") as file:
        if file.read(4) != b"GGUF":
            raise MweError(f"{path} is not a GGUF file: give one that ends in .gguf, as llama.cpp reads it.")
        try:
            version, _, entries = struct.unpack("<IQQ", file.read(20))
            if version not in (2, 3):
                raise MweError(f"{path} is GGUF version {version}, and 2 and 3 can be read: convert it anew.")
            return {_text(file): _value(file, _number(file, "I")) for _ in range(entries)}
        except DAMAGE as error:
            raise MweError(f"{path} is cut short or damaged: download it again.") from error


def _number(file: BinaryIO, code: str) -> Any:
    return struct.unpack("<" + code, file.read(struct.calcsize("<" + code)))[0]


def _text(file: BinaryIO) -> str:
    length = _number(file, "Q")
    found = file.read(min(length, 1 << 26))
    if len(found) < length:
        raise struct.error
    return found.decode()


def _value(file: BinaryIO, kind: int) -> Any:
    if kind == STRING:
        return _text(file)
    if kind != ARRAY:
        return _number(file, NUMBERS[kind])
    item, length = _number(file, "I"), _number(file, "Q")
    if item == STRING:
        for _ in range(length):
            _text(file)
    elif item == ARRAY:
        for _ in range(length):
            _value(file, ARRAY)
    else:
        file.seek(length * struct.calcsize("<" + NUMBERS[item]), 1)
    return length
