"""Persistent pointers in gdb.

    (gdb) source .../perdure.py

Prints the pointer fields of annotated records as the native pointers that they
mean, and defines `$perdure(POINTER)`, which gdb can follow:

    (gdb) print *node
    $1 = {next = (struct node *) 0x7f5800001040, value = 3}
    (gdb) print *$perdure(node->next)

A debugger shows fields in Gray code as stored. `$perdure_gray(FIELD)` is the number:

    (gdb) print $perdure_gray(node->count)

`$perdure` calls the runtime in the program for an object that is not mapped
yet, so it needs a live process; printing never does.

The compiler describes such a pointer as a typedef named `perdure_ptr(TYPE)`
over the plain pointer, or `perdure_ptr[ENCODING](TYPE)`. The format is that of
include/perdure/abi.def and docs/Encodings.md; the encodings `strict` and those of
other projects are shown as stored.
"""

import re

import gdb
import gdb.printing

TYPE_NAME = re.compile(
    r"^perdure_ptr(?:\[(self-relative|xor|region-id|fat-lookup|"
    r"(?:xor-)?(?:lazy-null|inverted|lazy-null-inverted))\])?\(")
TOP_BYTES = 128 << 20
FOT_CACHE_BYTES = 64 << 20
ABI_ADVICE = "__compile_and_link_every_file_with_one_Perdure_and_one_slot_size"
OFFSET_MASK = (1 << 40) - 1
MASK64 = (1 << 64) - 1


def read_word(address):
    return int.from_bytes(gdb.selected_inferior().read_memory(address, 8).tobytes(), "little")


def slot_bits():
    """From the symbol that ties the program to its slot size."""
    for bits in range(28, 41):
        try:
            gdb.parse_and_eval(f"(long)&__perdure_abi_v1_slot{bits}{ABI_ADVICE}")
            return bits
        except gdb.error:
            pass
    return 35


def window():
    try:
        address = int(gdb.parse_and_eval("(unsigned long)&__perdure_window"))
        return read_word(address), read_word(address + 8)
    except gdb.error:
        return 0, 0


def decode(bits, container):
    """The native address, or a string that says why there is none."""
    if bits == 0:
        return 0
    base, size = window()
    inside = container is not None and 0 <= container - base < size
    slot = 1 << slot_bits()
    if bits >> 62 == 1:  # tagged: sign-extended from bit 61
        value = bits & ((1 << 62) - 1)
        return value - (1 << 62) & MASK64 if value >> 61 else value
    if not inside:
        return bits if bits >> 62 == 0 else "damage: foreign outside an object"
    own = container & ~(slot - 1)
    if bits < slot - TOP_BYTES:
        return own + bits
    if bits >> 63:
        index = bits >> 40 & (1 << 23) - 1
        offset = bits & OFFSET_MASK
        try:
            target = read_word(own + slot - FOT_CACHE_BYTES + 8 * index)
        except gdb.MemoryError:
            target = 0
        if target and offset < slot - TOP_BYTES:
            return target + offset
        return f"foreign: FOT index {index}, offset {offset:#x}, not yet resolved here"
    return f"damage: {bits:#x}"


def decode_as(encoding, bits, container):
    """The same under any encoding but strict."""
    if bits == 0 or container is None:
        return decode(bits, container)
    base, size = window()
    inside = 0 <= container - base < size
    slot = 1 << slot_bits()
    if encoding and encoding.endswith(("lazy-null", "inverted")):
        # What lies around another encoding, from the outside in.
        if "lazy-null" in encoding and inside and bits >> 61 == 1:
            return 0
        if encoding.endswith("inverted") and inside and bits >> 60 == 1:
            bits ^= 1 << 60 | 0x1FFF8
        encoding = "xor" if encoding.startswith("xor-") else None
    if encoding == "self-relative":
        target = container + bits & MASK64
        if 0 < target ^ container < slot:
            return target
        if not inside:
            return container if bits == 1 << 63 else target
    elif encoding == "xor":
        if inside and bits < slot:
            return container ^ bits
    elif encoding in ("region-id", "fat-lookup") and bits >> 63:
        tables = int(gdb.parse_and_eval("(unsigned long)&__perdure_regions"))
        target = read_word(read_word(tables) + 8 * (bits >> 40))
        if target:
            return target + (bits & OFFSET_MASK)
        return f"region {bits >> 40 & (1 << 23) - 1:#x}, not yet resolved here"
    return decode(bits, container)


def is_persistent(kind):
    return (kind.code == gdb.TYPE_CODE_TYPEDEF and kind.name is not None
            and TYPE_NAME.match(kind.name) is not None)


def native(value):
    """A persistent pointer as a gdb.Value of the plain pointer type, or a string."""
    plain = value.type.strip_typedefs()
    bits = int(value.cast(gdb.lookup_type("unsigned long")))
    # A value without an address is in a register: native already.
    container = int(value.address) if value.address is not None else None
    encoding = TYPE_NAME.match(value.type.unqualified().name or "").group(1)
    where = decode_as(encoding, bits, container)
    if isinstance(where, str):
        return where
    return gdb.Value(where).cast(plain)


class PersistentPointerPrinter:
    def __init__(self, value):
        self.value = value

    def to_string(self):
        pointer = native(self.value)
        if isinstance(pointer, str):
            return f"<{pointer}>"
        plain = pointer.type
        target = plain.target().strip_typedefs()
        if target.code == gdb.TYPE_CODE_INT and target.sizeof == 1 and int(pointer):
            return pointer.format_string()  # a string, shown as gdb shows it
        return f"({plain}) {int(pointer) & MASK64:#x}"


class NativeFunction(gdb.Function):
    """$perdure(POINTER): the native pointer that a persistent one means."""

    def __init__(self):
        super().__init__("perdure")

    def invoke(self, value):
        if not is_persistent(value.type):
            return value
        pointer = native(value)
        if not isinstance(pointer, str):
            return pointer
        # Only the runtime can map an object that nothing has led to yet. That
        # changes the process, so it is done here and not when printing.
        try:
            bits = int(value.cast(gdb.lookup_type("unsigned long")))
            encoding = TYPE_NAME.match(value.type.unqualified().name).group(1)
            regions = encoding in ("region-id", "fat-lookup")
            function = "__perdure_decode_region" if regions else "perdure_decode"
            there = gdb.parse_and_eval(f"((void *(*)(unsigned long, void *)){function})"
                                       f"({bits:#x}, (void *){int(value.address):#x})")
            return there.cast(value.type.strip_typedefs())
        except gdb.error as error:
            raise gdb.GdbError(f"this pointer leads nowhere here ({pointer}): {error}")


class GrayFunction(gdb.Function):
    """$perdure_gray(FIELD): the number whose Gray code the field holds."""

    def __init__(self):
        super().__init__("perdure_gray")

    def invoke(self, value):
        bits = 8 * value.type.sizeof
        number = int(value) & (1 << bits) - 1
        shift = 1
        while shift < bits:
            number ^= number >> shift
            shift *= 2
        if int(gdb.Value(-1).cast(value.type)) < 0 and number >> bits - 1:
            number -= 1 << bits
        return gdb.Value(number).cast(value.type)


class Lookup:
    name = "perdure"
    enabled = True

    def __call__(self, value):
        return PersistentPointerPrinter(value) if is_persistent(value.type.unqualified()) else None


gdb.printing.register_pretty_printer(gdb.current_objfile(), Lookup(), replace=True)
NativeFunction()
GrayFunction()
