#!/usr/bin/env python3
"""Writes the seed corpus of block_fuzzer.c: python3 block_fuzzer_seeds.py block_fuzzer_corpus

Each seed is a flag byte (3: the target repairs size and checksum) and a block after the layout in block.c, for the schema
(boolean, bigint, text, date). Checksums are the target's to fill in; the schema hash is what od_schema_hash() gives for it."""
import os, struct, sys

SCHEMA_HASH = 0x7DA603FB36E04B18


def block(rows, payload, codec=0, raw=None):
    raw = len(payload) if raw is None else raw
    head = struct.pack("<IIIIQ6IQQQQ", 0x4B4C424F, 1, codec, rows, SCHEMA_HASH, 1, 2, 3, 0, 0, 1, raw, len(payload), 0, 0)
    return bytes([3]) + head + bytes(8) + payload


def column(nulls, values, rows):
    return (b"\x01" + nulls if nulls else b"\x00") + values


def offsets(texts):
    ends, total = [0], 0
    for text in texts:
        total += len(text)
        ends.append(total)
    return struct.pack("<%di" % len(ends), *ends) + b"".join(texts)


def rows_of(n, nulls):
    texts = [b"x" * i for i in range(n)]
    bits = (n + 7) // 8
    mask = bytes([0x55 & ((1 << min(8, n - 8 * i)) - 1) for i in range(bits)]) if nulls else b""
    return (column(mask, bytes(bits), n) + column(mask, struct.pack("<%dq" % n, *range(n)), n)
            + column(mask, offsets(texts), n) + column(mask, struct.pack("<%di" % n, *range(n)), n))


seeds = {
    "empty": block(0, rows_of(0, False)),
    "one_row": block(1, rows_of(1, False)),
    "nulls": block(9, rows_of(9, True)),
    "rows_16": block(16, rows_of(16, False)),
    "cut": block(9, rows_of(9, True))[:60],
    "rows_lie": block(4000000000, rows_of(3, False)),
    "offsets_fall": block(2, b"\0\0" + b"\0" + bytes(16) + b"\0" + struct.pack("<3i", 0, 5, 2) + b"abcde" + b"\0" + bytes(8)),
    "zstd_frame": block(0, bytes.fromhex("28b52ffd2010810000") + rows_of(0, False), codec=1, raw=16),
    "zstd_lies": block(1, bytes.fromhex("28b52ffd2010810000"), codec=1, raw=255 << 20),
}
os.makedirs(sys.argv[1], exist_ok=True)
for name, data in seeds.items():
    with open(os.path.join(sys.argv[1], name), "wb") as file:
        file.write(data)
