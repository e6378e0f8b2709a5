#!/usr/bin/env python3
"""Writes the seed corpus of frame_fuzzer.c: python3 frame_fuzzer_seeds.py frame_fuzzer_corpus

Each seed is a flag byte (odd: the target repairs checksums; the rest: the pieces' size less 1) and frames after the drawing in
frame.h and the fields in envelope.proto."""
import os, struct, sys


def varint(value):
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def frame(body=b"", magic=b"ORDL", version=1, body_bytes=None, raw=None, **fields):
    envelope = b"".join(bytes([8 * int(n[1:])]) + varint(v) for n, v in fields.items()) if raw is None else raw
    size = len(body) if body_bytes is None else body_bytes
    return magic + struct.pack("<III", version, len(envelope), size) + bytes(8) + envelope + body


every = {"f%d" % n: 0xFFFFFFFF for n in range(1, 13)}
seeds = {
    "empty": b"\x01" + frame(),
    "heartbeat": b"\x0f" + frame(b"\1\2\3\4" * 5, f1=3, f3=1, f4=2, f5=8),
    "full": b"\xff" + frame(b"x" * 300, **every),
    "three": b"\x05" + frame(b"a", f1=1) + frame(f2=2) + frame(b"ccc", f12=7),
    "unrepaired": b"\x00" + frame(b"abc", f1=1),
    "other_version": b"\x01" + frame(version=2),
    "other_magic": b"\x01" + frame(magic=b"HTTP"),
    "too_large": b"\x01" + frame(body_bytes=65537),
    "half": b"\x09" + frame(b"abcdef", body_bytes=60000),
    "repeated": b"\x01" + frame(raw=b"\x08\x05" * 64),
    "unknown": b"\x01" + frame(raw=b"\x7a\x03abc" + b"\xf8\x01\x01"),
    "bad_envelope": b"\x01" + frame(raw=b"\x0a\xff\xff\xff\xff\x0f"),
}
os.makedirs(sys.argv[1], exist_ok=True)
for name, content in seeds.items():
    with open(os.path.join(sys.argv[1], name), "wb") as out:
        out.write(content)
