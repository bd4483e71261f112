"""What the bits of persistent pointers mean, without any debugger.

gdb/perdure.py and lldb/perdure_lldb.py give a `Memory`, and have a `Decoder`
answer. The formats are those of include/perdure/abi.def, encodings.def,
docs/Encodings.md and docs/RuntimeABI.md; nothing here changes the process or
needs it to run, so that core files do.
"""

import re

TYPE_NAME = re.compile(
    r"(?:(?:const|volatile) )*perdure_ptr(?:\[(native|strict|self-relative|xor|region-id|"
    r"fat-lookup|(?:xor-)?(?:lazy-null|inverted|lazy-null-inverted))\])?\(.*\)")
SLOT_BITS = range(28, 41)
TOP_BYTES = 128 << 20
FOT_CACHE_BYTES = 64 << 20
OFFSET_BITS = 40
ABI_ADVICE = "__compile_and_link_every_file_with_one_Perdure_and_one_slot_size"
OFFSET_MASK = (1 << OFFSET_BITS) - 1
INDEX_MASK = (1 << 23) - 1
MASK64 = (1 << 64) - 1
MAGIC = b"PERDURE\n"
NO_BYTES = ("the object's bytes are not here: a core file leaves them in the object's file, which "
            "is gone or has changed")


class Memory:
    """What a debugger knows of the program."""

    def read(self, address, size):
        """Those bytes, or None where they cannot be read."""
        raise NotImplementedError

    def symbol(self, name):
        """The address of a symbol of the program, or None."""
        raise NotImplementedError


class Unknown(str):
    """Why bits have no native address, in words."""


def encoding_of(type_name):
    """The encoding that a type's name says, "object" where it says none; None for
    types that are no persistent pointers."""
    match = TYPE_NAME.fullmatch(type_name or "")
    return match and (match.group(1) or "object")


def gray_to_number(code, bits, signed):
    """The number whose Gray code that is."""
    number = code & (1 << bits) - 1
    shift = 1
    while shift < bits:
        number ^= number >> shift
        shift *= 2
    return number - (1 << bits) if signed and number >> bits - 1 else number


def steps(path):
    """A path such as *a->next->kids[1] taken apart: what stands before it ("*"),
    where it begins ("a"), and what follows, in pairs of ("->" or "." or "[",
    text)."""
    match = re.fullmatch(r"\s*([*&]*)\s*(\w+)((?:\s*(?:->|\.)\s*\w+|\s*\[\s*\w+\s*\])*)\s*", path)
    if not match:
        raise ValueError(f"'{path}' is no path such as *head->next->kids[1]")
    rest = [(kind, (name or index).strip()) for kind, name, _, index in
            re.findall(r"(->|\.)\s*(\w+)|(\[)\s*(\w+)", match.group(3))]
    rest = [("[" if not kind else kind, text) for kind, text in rest]
    return match.group(1), match.group(2), rest


class Decoder:
    """For one program; what its symbols say is looked up once."""

    def __init__(self, memory):
        self.memory = memory
        self.window_at = memory.symbol("__perdure_window")
        self.regions_at = memory.symbol("__perdure_regions")
        self.slot_bits = next(
            (bits for bits in SLOT_BITS
             if memory.symbol(f"__perdure_abi_v1_slot{bits}{ABI_ADVICE}") is not None), 35)
        self.slot = 1 << self.slot_bits
        self.limit = self.slot - TOP_BYTES

    def words(self, address, count):
        data = self.memory.read(address, 8 * count)
        if data is None:
            return None
        return [int.from_bytes(data[8 * i:8 * i + 8], "little") for i in range(count)]

    def word(self, address):
        words = self.words(address, 1)
        return words and words[0]

    def window(self):
        """Base and bytes; no bytes before the program's start."""
        return (self.window_at and self.words(self.window_at, 2)) or (0, 0)

    def decode(self, encoding, bits, container):
        """The native address, or why there is none. container: where the bits lie,
        or None for a register, which holds them as volatile memory does."""
        if encoding == "native":
            return bits
        if self.window_at is None and bits:
            return Unknown(f"{bits:#x}: the program has no symbol __perdure_window, which says "
                           "where objects lie: was it stripped, or not built by perdure-cc?")
        base, size = self.window()
        inside = container is not None and 0 <= container - base < size
        if bits == 0:
            # Debuggers show zeroes where a core file has nothing.
            if inside and self.identity(container & ~(self.slot - 1)) is None:
                return Unknown(NO_BYTES)
            return 0
        if container is None:
            return self.decode_object(bits, 0, False)
        if encoding == "strict":
            key = (container & self.slot - 1) * 0x9E3779B97F4A7C15 & MASK64 | 1
            bits = bits if bits == key else bits ^ key
        if "lazy-null" in encoding and inside and bits >> 61 == 1:
            return 0
        if encoding.endswith("inverted") and inside and bits >> 60 == 1:
            bits ^= 1 << 60 | 0x1FFF8
        if encoding == "self-relative":
            target = container + bits & MASK64
            if 0 < target ^ container < self.slot:
                return target
            if not inside:
                return container if bits == 1 << 63 else target
        elif encoding.startswith("xor"):
            if inside and bits < self.slot:
                return container ^ bits
        elif encoding in ("region-id", "fat-lookup") and bits >> 63:
            return self.decode_region(bits, base, size)
        return self.decode_object(bits, container, inside)

    def decode_object(self, bits, container, inside):
        if bits >> 62 == 1:  # tagged: sign-extended from bit 61
            value = bits & (1 << 62) - 1
            return value - (1 << 62) & MASK64 if value >> 61 else value
        if not inside:
            return bits if bits >> 62 == 0 else Unknown(
                f"damage: {bits:#x} leads to another object, but lies outside all")
        own = container & ~(self.slot - 1)
        if bits < self.limit:
            return own + bits
        if not bits >> 63:
            return Unknown(f"damage: {bits:#x}")
        index, offset = bits >> OFFSET_BITS & INDEX_MASK, bits & OFFSET_MASK
        # Kept as the runtime's inline code finds it: also in core files.
        target = self.word(own + self.slot - FOT_CACHE_BYTES + 8 * index)
        if target and offset < self.limit:
            return target + offset
        return Unknown(f"foreign: FOT index {index}, offset {offset:#x} in "
                       f"{self.foreign(own, index)}, not yet resolved here")

    def decode_region(self, bits, base, size):
        key, offset = bits >> OFFSET_BITS, bits & OFFSET_MASK
        tables = self.regions_at and self.words(self.regions_at, 2)
        if tables:
            target = self.word(tables[0] + 8 * key)
            if target:
                return target + offset
            # Core files do not have that table.
            first = base >> self.slot_bits
            slots = self.words(tables[1] + 8 * first, size >> self.slot_bits) or []
            if bits & ~OFFSET_MASK in slots:
                return (first + slots.index(bits & ~OFFSET_MASK) << self.slot_bits) + offset
        return Unknown(f"region {key & INDEX_MASK:#x}, offset {offset:#x}, not yet resolved here")

    def identity(self, own):
        """The ID of the object in a slot, in words; None when it cannot be read."""
        head = self.memory.read(own, 32)
        if head is None or head[:8] != MAGIC:
            return None
        high, low = (int.from_bytes(head[at:at + 8], "little") for at in (16, 24))
        return f"{high:016x}{low:016x}"

    def foreign(self, own, index):
        """Which object an index of the FOT stands for, in words."""
        times = index // 128 + 1  # extent K holds 128 << K entries
        extent = times.bit_length() - 1
        at = self.word(own + 0x200 + 32 + 8 * extent) if extent < 20 else None
        entry = at and self.words(own + at + 32 * (index - 128 * ((1 << extent) - 1)), 4)
        if not entry:
            return "an object that its FOT does not name" if at == 0 else \
                "an object, but the FOT that names it cannot be read"
        high, low, _, last = entry
        if last & 0xFFFFFFFF == 2:
            return f"object {high:016x}{low:016x}"
        if last & 0xFFFFFFFF == 3:
            name = self.memory.read(own + low, 256)
            if name and name.find(b"\0") > 0:
                return f"object '{name[:name.index(0)].decode(errors='replace')}'"
        return "an object that its FOT does not name"

    def objects(self):
        """Base and ID of each slot that holds an object, in order; None for the ID
        where the object's own bytes cannot be read."""
        base, size = self.window()
        for own in range(base + self.slot, base + size, self.slot):
            # The cache's first entry is the object's own base.
            if self.word(own + self.slot - FOT_CACHE_BYTES) == own:
                yield own, self.identity(own)

    def describe(self):
        """Lines that say what this program has mapped."""
        base, size = self.window()
        if not size:
            yield ("no window: " + ("the program has not begun, or its memory cannot be read"
                                    if self.window_at else
                                    "the program has no symbol __perdure_window"))
            return
        yield f"window {base:#x}, {size >> self.slot_bits} slots of {self.slot >> 30} GiB"
        for own, name in self.objects():
            yield f"{own:#x} " + (f"object {name}" if name else NO_BYTES)
