from __future__ import annotations

import gzip
import io
import os
import resource
import time

import pytest
import zstandard

from services.cli.imports import byte_source
from services.cli.imports.byte_source import ByteSource

TEXT = os.urandom(300_000) + b"the end"


def read_all(content: bytes) -> tuple[bytes, ByteSource]:
    source = ByteSource(io.BytesIO(content))
    return io.BufferedReader(source).read(), source


def zstd(content: bytes) -> bytes:
    return zstandard.ZstdCompressor().compress(content)


WHOLE = {
    "plain": TEXT,
    "gzip": gzip.compress(TEXT),
    "zstd": zstd(TEXT),
    "gzip members": gzip.compress(TEXT[:1_000]) + gzip.compress(TEXT[1_000:]),
    "zstd frames": zstd(TEXT[:1_000]) + zstd(TEXT[1_000:]),
    "gzip padded with zeros": gzip.compress(TEXT) + b"\0" * 1_000,
    "zstd with a frame to skip": b"\x50\x2a\x4d\x18\x03\0\0\0abc" + zstd(TEXT),
}


@pytest.mark.parametrize("case", WHOLE)
def test_what_is_whole_is_read_whole(case: str) -> None:
    content, source = read_all(WHOLE[case])
    assert content == TEXT and source.damage == []
    assert source.position == len(WHOLE[case])


@pytest.mark.parametrize("pack", [gzip.compress, zstd], ids=["gzip", "zstd"])
def test_what_is_cut_off_is_read_up_to_there_and_told(pack) -> None:
    packed = pack(TEXT)
    content, source = read_all(packed[: len(packed) // 2])
    assert TEXT.startswith(content) and len(content) > len(TEXT) // 3
    assert "cut off" in source.damage[0]


@pytest.mark.parametrize("pack", [gzip.compress, zstd], ids=["gzip", "zstd"])
def test_what_follows_the_data_is_told(pack) -> None:
    content, source = read_all(pack(TEXT) + b"and something else")
    assert content == TEXT and "something else" in source.damage[0]


def test_reading_goes_on_at_the_next_member_after_damage() -> None:
    first, second, third = (gzip.compress(os.urandom(50_000)) for _ in range(3))
    spoilt = bytearray(second)
    spoilt[200:300] = bytes(100)
    source = ByteSource(io.BytesIO(first + bytes(spoilt) + third))
    stream = io.BufferedReader(source)
    begun = stream.read()
    assert begun.startswith(gzip.decompress(first)) and "damaged" in source.damage[0]
    rest = b""
    while source.recover():
        rest += stream.read()
    assert rest.endswith(gzip.decompress(third))
    assert not source.recover()


@pytest.mark.parametrize("pack", ["gzip", "zstd"])
def test_a_bomb_is_left_alone_soon_and_takes_no_memory(pack: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(byte_source, "BOMB_MIN_BYTES", 32 << 20)
    piece = bytes(64 << 20)
    bomb = b"".join([gzip.compress(piece) if pack == "gzip" else zstd(piece)] * 64)  # 4 GB
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.monotonic()
    source = ByteSource(io.BytesIO(bomb))
    stream = io.BufferedReader(source)
    while stream.read(1 << 16):
        pass
    assert "as no news does" in source.damage[0] and not source.recover()
    assert source.produced < 256 << 20 and time.monotonic() - started < 10
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 << 10


def test_a_disk_that_fails_ends_the_file_and_is_told() -> None:
    class Failing(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            if self.tell() > 100_000:
                raise OSError(5, "Input/output error")
            return super().read(size)

    source = ByteSource(Failing(TEXT))
    assert TEXT.startswith(io.BufferedReader(source).read())
    assert "Input/output error" in source.damage[0]
