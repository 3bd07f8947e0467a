"""The native protocol by hand, for bytes that no driver would send."""

import socket
import struct
import zlib

import lz4.block

ERROR, STARTUP, READY, OPTIONS, SUPPORTED, QUERY, RESULT = 0, 1, 2, 5, 6, 7, 8
REGISTER, EVENT, AUTHENTICATE, AUTH_RESPONSE, AUTH_SUCCESS = 11, 12, 3, 15, 16
COMPRESSED = 1


def text(value):
    return struct.pack(">H", len(value)) + value.encode()


def long_text(value):
    return struct.pack(">i", len(value.encode())) + value.encode()


def text_map(values):
    return struct.pack(">H", len(values)) + b"".join(text(key) + text(value) for key, value in values.items())


def frame(version, stream, opcode, body=b"", flags=0, length=None):
    return struct.pack(">BBhBi", version, flags, stream, opcode, len(body) if length is None else length) + body


def startup(version, **more):
    return frame(version, 1, STARTUP, text_map({"CQL_VERSION": "3.0.0", **more}))


def query(version, statement, stream=2, flags=0, tail=b"", consistency=1):
    number = struct.pack(">i", flags) if version >= 5 else struct.pack(">B", flags)
    return frame(version, stream, QUERY, long_text(statement) + struct.pack(">H", consistency) + number + tail)


def crc24(payload):
    crc = 0x875060
    for byte in payload:
        crc ^= byte << 16
        for _ in range(8):
            crc <<= 1
            if crc & 0x1000000:
                crc ^= 0x1974F0B
    return crc & 0xFFFFFF


def segment(payload, self_contained=True, break_header=False, break_payload=False):
    """A v5 segment without compression."""
    header = (len(payload) | (1 << 17 if self_contained else 0)).to_bytes(3, "little")
    check = crc24(header) ^ (1 if break_header else 0)
    crc = zlib.crc32(payload, zlib.crc32(b"\xfa\x2d\x55\xca")) ^ (1 if break_payload else 0)
    return header + check.to_bytes(3, "little") + payload + struct.pack("<I", crc)


class Connection:
    """A socket that reads answers; after `modern` they come in v5 segments."""

    def __init__(self, address, port=9042):
        self.stream = socket.create_connection((address, port), timeout=10)
        self.modern = False
        self.rest = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stream.close()

    def send(self, payload):
        self.stream.sendall(payload)

    def ask(self, statement, consistency=1):
        """The answer to a statement under version 4: its opcode and body."""
        self.send(query(4, statement, consistency=consistency))
        return self.answer()[3:]

    def exactly(self, count):
        """`count` bytes, or None where the peer closed before."""
        found = b""
        while len(found) < count:
            try:
                part = self.stream.recv(count - len(found))
            except ConnectionError:
                return None
            if not part:
                return None
            found += part
        return found

    def take(self, count):
        """`count` bytes of envelopes."""
        while len(self.rest) < count:
            if not self.modern:
                part = self.exactly(count - len(self.rest))
            else:
                header = self.exactly(6)
                part = header and self.exactly(int.from_bytes(header[:3], "little") & 0x1FFFF)
                if part is not None:
                    assert crc24(header[:3]) == int.from_bytes(header[3:], "little")
                    crc = struct.unpack("<I", self.exactly(4))[0]
                    assert crc == zlib.crc32(part, zlib.crc32(b"\xfa\x2d\x55\xca"))
            if part is None:
                return None
            self.rest += part
        found, self.rest = self.rest[:count], self.rest[count:]
        return found

    def answer(self):
        """(version byte, flags, stream, opcode, body), or None where the connection is closed."""
        header = self.take(8)
        if header is None:
            return None
        if header[0] & 0x7F < 3:
            # Versions 1 and 2 number their streams with one byte.
            version, flags, stream, opcode, length = struct.unpack(">BBbBi", header)
        else:
            version, flags, stream, opcode, length = struct.unpack(">BBhBi", header + self.take(1))
        body = self.take(length)
        if flags & COMPRESSED and version & 0x7F < 5 and body is not None:
            (size,) = struct.unpack(">i", body[:4])
            body = lz4.block.decompress(body[4:], uncompressed_size=size)
        return version, flags, stream, opcode, body

    def is_closed(self):
        return self.answer() is None


def error_of(body):
    """The code and message of an ERROR's body."""
    code, length = struct.unpack(">iH", body[:6])
    return code, body[6:6 + length].decode()


def map_of(body):
    """A [string multimap]."""
    found, at = {}, 2
    (count,) = struct.unpack(">H", body[:2])

    def take():
        nonlocal at
        (length,) = struct.unpack(">H", body[at:at + 2])
        at += 2 + length
        return body[at - length:at].decode()

    for _ in range(count):
        key = take()
        (values,) = struct.unpack(">H", body[at:at + 2])
        at += 2
        found[key] = [take() for _ in range(values)]
    return found
