"""Quantised weights to the same weights in 16 bits, written once to a cache.

llama.cpp multiplies quantised weights with activations rounded to 8 bits, which moves log odds by about 0.1
nats on average. The same weights written out in 16 bits are multiplied without that rounding.
"""

import os
import tempfile
from pathlib import Path
from typing import Any

from mwe_tasks.errors import MweError
from mwe_tasks.rows import checksum


def in_16_bits(path: Path, name: str) -> Path:
    """The GGUF file's weights in float16 (vectors in float32), as a cached file of this name.

    Beside it stands its sha256; a cached file that has another is written anew. Raises MweError where the gguf
    package is missing or the cache cannot be written.
    """
    target = cache_folder() / f"{name}.gguf"
    known = target.with_suffix(".sha256")
    if target.is_file() and known.is_file() and known.read_text(encoding="ascii", errors="replace") == checksum(target):
        return target
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent) as folder:
            whole = Path(folder) / target.name
            _write(path, whole)
            known.write_text(checksum(whole), encoding="ascii")
            whole.replace(target)  # in one step: a run that is killed leaves no half file under this name
    except OSError as error:
        raise MweError(
            f"The weights of {name} could not be written to {target.parent} ({error.strerror or error}): "
            "they take 300 MB there; name another folder in XDG_CACHE_HOME."
        ) from None
    return target


def cache_folder() -> Path:
    """Where the files are kept: mwe-tasks in XDG_CACHE_HOME, or in ~/.cache."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mwe-tasks"


def _write(source: Path, target: Path) -> None:
    try:
        import gguf
    except ImportError:
        raise MweError("gguf models need the packages xllamacpp and gguf: pip install 'mwe-tasks[local]'") from None
    import numpy as np
    from gguf.quants import dequantize

    reader: Any = gguf.GGUFReader(source)
    writer: Any = gguf.GGUFWriter(target, reader.get_field("general.architecture").contents())
    ours = {"general.architecture", "general.file_type", "general.quantization_version"}
    for field in reader.fields.values():
        if field.name not in ours and not field.name.startswith("GGUF."):
            kind = field.types[0]
            of = field.types[-1] if kind == gguf.GGUFValueType.ARRAY else None
            writer.add_key_value(field.name, field.contents(), kind, sub_type=of)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
    for tensor in reader.tensors:
        values = dequantize(tensor.data, tensor.tensor_type).astype(np.float32)
        writer.add_tensor(tensor.name, values.astype(np.float16) if values.ndim > 1 else values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
