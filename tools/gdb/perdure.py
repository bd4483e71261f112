"""Persistent pointers in gdb.

    (gdb) source .../perdure.py

Prints the pointer fields of annotated records as the native pointers that they
mean, in processes and in core files, and defines `$perdure(POINTER)`, which gdb
can follow:

    (gdb) print *node
    $1 = {next = (struct node *) 0x7f5800001040, value = 3}
    (gdb) print *$perdure(node->next)

and commands: `perdure print *node->next->next`, the same written as in the program;
`perdure list node next`, a list from there on; `perdure objects`, what is mapped.

A debugger shows fields in Gray code as stored. `$perdure_gray(FIELD)` is the number:

    (gdb) print $perdure_gray(node->count)

`$perdure` calls the runtime in the program for an object that is not mapped
yet, so it needs a live process; printing never does. docs/Debugging.md has more.

The compiler describes such a pointer as a typedef named `perdure_ptr(TYPE)`
over the plain pointer, or `perdure_ptr[ENCODING](TYPE)`. Encodings of other
projects are shown as stored.
"""

import os
import sys

import gdb
import gdb.printing

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "debuggers"))
from perdure_pointers import (MASK64, Decoder, Memory, Unknown, encoding_of,  # noqa: E402
                              gray_to_number, steps)


class GdbMemory(Memory):
    def read(self, address, size):
        try:
            return gdb.selected_inferior().read_memory(address, size).tobytes()
        except gdb.error:
            return None

    def symbol(self, name):
        try:
            return int(gdb.parse_and_eval(f"(unsigned long)&{name}"))
        except gdb.error:
            return None


decoders = {}  # by inferior, since symbols take long to look up


def decoder():
    number = gdb.selected_inferior().num
    if number not in decoders:
        decoders[number] = Decoder(GdbMemory())
    return decoders[number]


def forget(_):
    decoders.clear()


gdb.events.new_objfile.connect(forget)
gdb.events.clear_objfiles.connect(forget)


def encoding_of_type(kind):
    kind = kind.unqualified()
    return encoding_of(kind.name) if kind.code == gdb.TYPE_CODE_TYPEDEF else None


def native(value):
    """A persistent pointer as a gdb.Value of the plain pointer type, or Unknown."""
    try:
        bits = int(value.cast(gdb.lookup_type("unsigned long")))
    except gdb.MemoryError as error:
        return Unknown(f"{error}; see 'perdure objects'")
    # A value without an address is in a register: as in volatile memory.
    container = int(value.address) if value.address is not None else None
    where = decoder().decode(encoding_of_type(value.type), bits, container)
    if isinstance(where, Unknown):
        return where
    return gdb.Value(where).cast(value.type.strip_typedefs())


class PersistentPointerPrinter:
    def __init__(self, value):
        self.value = value

    def to_string(self):
        pointer = native(self.value)
        if isinstance(pointer, Unknown):
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
        encoding = encoding_of_type(value.type)
        if not encoding:
            return value
        pointer = native(value)
        if not isinstance(pointer, Unknown):
            return pointer
        # Only the runtime can map an object that nothing has led to yet. That
        # changes the process, so it is done here and not when printing.
        try:
            bits = int(value.cast(gdb.lookup_type("unsigned long")))
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
        signed = int(gdb.Value(-1).cast(value.type)) < 0
        number = gray_to_number(int(value), 8 * value.type.sizeof, signed)
        return gdb.Value(number).cast(value.type)


def in_gdb(path):
    """The path as an expression of gdb's, each pointer on the way decoded."""
    try:
        before, text, rest = steps(path)
    except ValueError as error:
        raise gdb.GdbError(str(error))
    for kind, name in rest:
        if kind == "->":
            text = f"$perdure({text})->{name}"
        else:
            text = f"{text}.{name}" if kind == "." else f"$perdure({text})[{name}]"
    for sign in reversed(before):
        text = f"*$perdure({text})" if sign == "*" else f"&({text})"
    return text


class Command(gdb.Command):
    """What Perdure adds to gdb; 'help perdure' lists it."""

    def __init__(self):
        super().__init__("perdure", gdb.COMMAND_DATA, prefix=True)


class PrintCommand(gdb.Command):
    """perdure print PATH: such as *head->next->kids[1], written as in the program."""

    def __init__(self):
        super().__init__("perdure print", gdb.COMMAND_DATA, gdb.COMPLETE_EXPRESSION)

    def invoke(self, argument, _):
        try:
            gdb.execute(f"print {in_gdb(argument)}")
        except gdb.error as error:
            raise gdb.GdbError(str(error))


class ListCommand(gdb.Command):
    """perdure list HEAD FIELD [COUNT]: what HEAD leads to, and on by FIELD: at most
COUNT records, or 20."""

    def __init__(self):
        super().__init__("perdure list", gdb.COMMAND_DATA, gdb.COMPLETE_EXPRESSION)

    def invoke(self, argument, _):
        words = gdb.string_to_argv(argument)
        if len(words) not in (2, 3):
            raise gdb.GdbError("perdure list HEAD FIELD [COUNT]")
        try:
            self.walk(words[0], words[1], int(words[2]) if len(words) == 3 else 20)
        except (gdb.error, ValueError) as error:
            raise gdb.GdbError(str(error))

    def walk(self, head, field, most):
        at = gdb.parse_and_eval(f"$perdure({in_gdb(head)})")
        seen = set()
        while int(at) and len(seen) < most:
            if int(at) in seen:
                print(f"{int(at):#x}: again")
                return
            seen.add(int(at))
            print(f"{int(at):#x}: {at.dereference().format_string()}")
            value = at.dereference()[field]
            if encoding_of_type(value.type):
                value = native(value)
                if isinstance(value, Unknown):
                    print(f"<{value}>")
                    return
            at = value
        if int(at):
            print(f"{int(at):#x}: and on")


class ObjectsCommand(gdb.Command):
    """perdure objects: the window, and where each object is mapped."""

    def __init__(self):
        super().__init__("perdure objects", gdb.COMMAND_DATA)

    def invoke(self, argument, _):
        for line in decoder().describe():
            print(line)


class Lookup:
    name = "perdure"
    enabled = True

    def __call__(self, value):
        return PersistentPointerPrinter(value) if encoding_of_type(value.type) else None


gdb.printing.register_pretty_printer(gdb.current_objfile(), Lookup(), replace=True)
NativeFunction()
GrayFunction()
for command in (Command, PrintCommand, ListCommand, ObjectsCommand):
    command()
