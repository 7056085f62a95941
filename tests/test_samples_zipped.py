"""Zip files read in memory: packed in any way, damaged, or meant to harm."""

import struct
import zipfile
import zlib

import pyarrow as pa
import pytest

from samples import zipped
from samples.errors import BenchwarrantError
from samples.zipped import members


def pack_zstandard(path, name: str, content: bytes) -> None:
    """A zip file with one member in the zstandard method, as newer tools write it."""
    packed = pa.compress(content, codec="zstd", asbytes=True)
    raw, crc = name.encode(), zlib.crc32(content)
    sizes = (crc, len(packed), len(content), len(raw), 0)
    local = struct.pack("<4s5H3I2H", b"PK\3\4", 63, 0, 93, 0, 33, *sizes) + raw
    central = struct.pack("<4s6H3I5H2I", b"PK\1\2", 63, 63, 0, 93, 0, 33, *sizes, 0, 0, 0, 0, 0)
    central += raw
    start = len(local) + len(packed)
    end = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 1, 1, len(central), start, 0)
    path.write_bytes(local + packed + central + end)


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA, 93])
def test_a_member_is_read_however_it_is_packed(tmp_path, method):
    path, content = tmp_path / "x.zip", b"answer " * 1000
    if method == 93:
        pack_zstandard(path, "samples/1.json", content)
    else:
        with zipfile.ZipFile(path, "w", method) as file:
            file.writestr("samples/1.json", content)
    (name,) = found = members(path)
    assert name == "samples/1.json" and found[name]() == content


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, 93])
def test_a_damaged_member_is_one_line(tmp_path, method):
    path, content = tmp_path / "x.zip", bytes(range(256)) * 50
    if method == 93:
        pack_zstandard(path, "m", content)
    else:
        with zipfile.ZipFile(path, "w", method) as file:
            file.writestr("m", content)
    raw = bytearray(path.read_bytes())
    raw[60:64] = bytes(b ^ 255 for b in raw[60:64])
    path.write_bytes(raw)
    with pytest.raises(BenchwarrantError, match=r"'m' in it is damaged"):
        members(path)["m"]()


def test_a_member_that_claims_too_much_is_not_unpacked(tmp_path, monkeypatch):
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("bomb", b"0" * 10_000)
    monkeypatch.setattr(zipped, "LARGEST", 9_999)
    with pytest.raises(BenchwarrantError, match="claims 10000 bytes; at most 9999"):
        members(path)["bomb"]()


def test_a_zstandard_member_that_unpacks_to_more_than_it_claims(tmp_path):
    path = tmp_path / "x.zip"
    pack_zstandard(path, "m", b"0" * 10_000)
    raw = path.read_bytes().replace(struct.pack("<I", 10_000), struct.pack("<I", 10))
    path.write_bytes(raw)
    with pytest.raises(BenchwarrantError, match=r"'m' in it is damaged"):
        members(path)["m"]()


@pytest.mark.parametrize("content", [b"", b"PK", b"{}", b"PK\5\6" + b"\0" * 10])
def test_what_is_no_zip_is_one_line(tmp_path, content):
    path = tmp_path / "x.zip"
    path.write_bytes(content)
    with pytest.raises(BenchwarrantError, match="is not a whole zip file"):
        members(path)
