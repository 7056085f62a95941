"""The members of a zip file, read in memory one by one: nothing is ever unpacked to the disk."""

import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from zipfile import BadZipFile, ZipFile, ZipInfo

from samples.errors import BenchwarrantError

LARGEST = 512 * 2**20  # a member that claims more is no sample, and may be a bomb
_ZSTANDARD = 93  # in the zip format; not known to the zipfile module of every Python
_LOCAL_HEADER = 30  # bytes, before a member's name and extra field


def members(path: Path) -> dict[str, Callable[[], bytes]]:
    """The members by name, in their order, each to be read when it is called."""
    try:
        file = ZipFile(path)  # open as long as members can be read: they may be thousands
    except OSError as error:
        raise BenchwarrantError(f"cannot read {path}: {error}") from None
    except (BadZipFile, ValueError, NotImplementedError) as error:
        raise BenchwarrantError(
            f"{path} is not a whole zip file ({error}); copy it again from where it was made"
        ) from None
    return {info.filename: partial(_read, file, path, info) for info in file.infolist()}


def _read(file: ZipFile, path: Path, info: ZipInfo) -> bytes:
    if info.file_size > LARGEST:
        raise BenchwarrantError(
            f"{path}: {info.filename!r} in it claims {info.file_size} bytes; at most {LARGEST}"
        )
    try:
        if info.compress_type == _ZSTANDARD:
            return _zstandard(path, info)
        return file.read(info)
    except (OSError, BadZipFile, EOFError, ValueError, RuntimeError, zlib.error) as error:
        raise BenchwarrantError(
            f"{path}: {info.filename!r} in it is damaged ({error}); copy the file again from where"
            " it was made"
        ) from None


def _zstandard(path: Path, info: ZipInfo) -> bytes:
    import pyarrow as pa  # type: ignore[import-untyped]

    with path.open("rb") as file:
        file.seek(info.header_offset)
        header = file.read(_LOCAL_HEADER)
        lengths = (header[26:28], header[28:30])
        file.seek(sum(int.from_bytes(length, "little") for length in lengths), 1)
        packed = pa.BufferReader(file.read(info.compress_size))
    with pa.CompressedInputStream(packed, "zstd") as stream:
        content: bytes = stream.read(info.file_size + 1)
    if len(content) != info.file_size or zlib.crc32(content) != info.CRC:
        raise BadZipFile("its checksum is another one")
    return content
