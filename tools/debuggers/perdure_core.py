#!/usr/bin/env python3
"""perdure_core.py CORE NEW-CORE: puts objects into a core file.

Linux leaves the pages of files that are mapped shared out of core files: those
of objects among them. gdb then reads the files as they are now, where they
were; lldb reads nothing. This writes NEW-CORE, which has what the files hold
now, so that both show objects, on other machines and after the files have
changed. Run it before anybody opens the store again: opening recovers what the
process left half done.
"""

import os
import re
import struct
import sys

NOTE, LOAD = 4, 1
NT_FILE = 0x46494C45
HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
SEGMENT = struct.Struct("<IIQQQQQQ")
OBJECT = re.compile(rb"/objects/[0-9a-f]{32}$")


class Failure(Exception):
    pass


def read_segments(core):
    head = core.read(HEADER.size)
    if len(head) < HEADER.size or head[:6] != b"\x7fELF\x02\x01":
        raise Failure("this is no core file of a 64-bit little-endian machine")
    fields = HEADER.unpack(head)
    kind, table, size, count = fields[1], fields[5], fields[9], fields[10]
    if kind != 4 or size != SEGMENT.size:
        raise Failure("this is an ELF file, but no core file")
    if count == 0xFFFF:  # more than fit: section 0 says how many
        core.seek(fields[6] + 44)
        count = struct.unpack("<I", core.read(4))[0]
    core.seek(table)
    data = core.read(SEGMENT.size * count)
    if len(data) != SEGMENT.size * count:
        raise Failure("the core file is cut off")
    return list(SEGMENT.iter_unpack(data))


def notes(data):
    at = 0
    while at + 12 <= len(data):
        name, size, kind = struct.unpack_from("<III", data, at)
        at += 12 + (name + 3 & ~3)
        yield kind, data[at:at + size]
        at += size + 3 & ~3


def mapped_files(core, segments):
    """(address, bytes, offset in the file, path) of each mapping of a file."""
    for kind, _, offset, _, _, size, _, _ in segments:
        if kind != NOTE:
            continue
        core.seek(offset)
        for kind, text in notes(core.read(size)):
            if kind != NT_FILE:
                continue
            count, page = struct.unpack_from("<QQ", text)
            paths = text[16 + 24 * count:].split(b"\0")
            for i in range(count):
                begin, end, at = struct.unpack_from("<QQQ", text, 16 + 24 * i)
                yield begin, end - begin, at * page, paths[i]


def copy_sparse(source, destination):
    size = os.fstat(source.fileno()).st_size
    destination.truncate(size)
    at = 0
    while at < size:
        try:
            at = os.lseek(source.fileno(), at, os.SEEK_DATA)
        except OSError:
            return  # holes up to the end
        end = os.lseek(source.fileno(), at, os.SEEK_HOLE)
        while at < end:
            data = os.pread(source.fileno(), min(end - at, 1 << 20), at)
            os.pwrite(destination.fileno(), data, at)
            at += len(data)


def append(destination, path, offset, size):
    """The file's bytes from offset on, put behind the core: where, and how many."""
    where = os.fstat(destination.fileno()).st_size + 4095 & ~4095
    done = 0
    with open(path, "rb") as file:
        while done < size:
            data = os.pread(file.fileno(), min(size - done, 1 << 20), offset + done)
            if not data:
                break
            os.pwrite(destination.fileno(), data, where + done)
            done += len(data)
    return where, done


def has_bytes(segments, address):
    return any(kind == LOAD and at <= address < at + in_file
               for kind, _, _, at, _, in_file, _, _ in segments)


def write_segments(new, segments):
    """A table behind all the rest, and where it is."""
    if len(segments) >= 0xFFFF:
        raise Failure("the core file has too many segments")
    where = os.fstat(new.fileno()).st_size + 7 & ~7
    os.pwrite(new.fileno(), b"".join(SEGMENT.pack(*s) for s in segments), where)
    os.pwrite(new.fileno(), struct.pack("<Q", where), 32)
    os.pwrite(new.fileno(), struct.pack("<H", len(segments)), 56)


def complete(core, new):
    segments = read_segments(core)
    died = os.fstat(core.fileno()).st_mtime
    files = [file for file in mapped_files(core, segments) if OBJECT.search(file[3])]
    if not files:
        raise Failure("the process had no objects mapped")
    copy_sparse(core, new)
    for address, size, offset, path in files:
        if has_bytes(segments, address):
            continue  # pages of the process's own, or whoever asked for them
        name = path.decode(errors="replace")
        try:
            where, done = append(new, path, offset, size)
        except OSError as error:
            print(f"{address:#x} not added: {name}: {error.strerror}", file=sys.stderr)
            continue
        if not done:
            continue  # addresses past the file's end
        # The kernel has a segment without bytes for it, gdb none.
        segments = [s for s in segments if s[0] != LOAD or s[3] != address]
        segments.append((LOAD, 6, where, address, 0, done, done, 4096))
        print(f"{address:#x} {done} bytes of {name}")
        if os.stat(path).st_mtime > died:
            print(f"warning: {name} has been written to since the process died", file=sys.stderr)
    # In the order of addresses, as readers expect.
    write_segments(new, sorted(segments, key=lambda s: (s[0] == LOAD, s[3])))


def main():
    if len(sys.argv) == 2 and sys.argv[1] in ("--help", "-h"):
        print(__doc__.strip())
        return 0
    if len(sys.argv) != 3:
        print("usage: perdure_core.py CORE NEW-CORE", file=sys.stderr)
        return 2
    new = None
    try:
        with open(sys.argv[1], "rb") as core, open(sys.argv[2], "xb") as new:
            complete(core, new)
    except (Failure, OSError, struct.error) as error:
        if new is not None:
            os.unlink(sys.argv[2])
        print(f"perdure_core.py: {sys.argv[1]}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
