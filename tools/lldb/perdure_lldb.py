"""Persistent pointers in lldb.

    (lldb) command script import .../perdure_lldb.py

Shows the pointer fields of annotated records as the native pointers that they
mean, with what they lead to below them, in processes and in core files (for which
perdure_core.py puts the objects' bytes into the core file). Commands:

    (lldb) perdure print *node->next->next     written as in the program
    (lldb) perdure list node next [COUNT]      a list from there on
    (lldb) perdure objects                     what is mapped
    (lldb) perdure gray node->count            the number of a field in Gray code

`v` and `p` follow stored bits, so `v *node->next` does not lead where the program
goes; `perdure print` does. Where a pointer leads to an object that is not mapped yet,
`perdure print` and `perdure list` have the runtime map it, in live processes; showing
values never calls into the program. docs/Debugging.md has more.
"""

import os
import sys

import lldb

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "debuggers"))
from perdure_pointers import (Decoder, Memory, Unknown, encoding_of,  # noqa: E402
                              gray_to_number, steps)


class LldbMemory(Memory):
    def __init__(self, target):
        self.target = target

    def read(self, address, size):
        error = lldb.SBError()
        data = self.target.process.ReadMemory(address, size, error)
        return data if error.Success() and data is not None and len(data) == size else None

    def symbol(self, name):
        for context in self.target.FindSymbols(name):
            address = context.GetSymbol().GetStartAddress().GetLoadAddress(self.target)
            if address != lldb.LLDB_INVALID_ADDRESS:
                return address
        return None


decoders = {}  # by process and what is loaded in it, since symbols take long to look up


def decoder(target):
    key = (target.process.GetUniqueID(), target.GetNumModules())
    if key not in decoders:
        decoders.clear()
        decoders[key] = Decoder(LldbMemory(target))
    return decoders[key]


def encoding_of_value(value):
    return encoding_of(value.GetType().GetName())


def decode(value):
    """The native address that a persistent pointer means, or Unknown."""
    value = value.GetNonSyntheticValue()
    error = lldb.SBError()
    bits = value.GetData().GetUnsignedInt64(error, 0)
    if error.Fail():
        return Unknown("its bytes cannot be read: a core file leaves those of objects in their "
                       "files; perdure_core.py puts them into it")
    at = value.GetLoadAddress()
    return decoder(value.GetTarget()).decode(
        encoding_of_value(value), bits, None if at == lldb.LLDB_INVALID_ADDRESS else at)


def plain(value):
    """A persistent pointer as a value of the plain pointer type; any other as it is. Unknown
    where it leads nowhere."""
    if not encoding_of_value(value):
        return value
    where = decode(value)
    if isinstance(where, Unknown):
        return where
    return constant(value, where)


def constant(value, where):
    """That address, of the plain type of a persistent pointer."""
    data = lldb.SBData.CreateDataFromUInt64Array(lldb.eByteOrderLittle, 8, [where])
    kind = value.GetType().GetCanonicalType().GetUnqualifiedType()
    return value.CreateValueFromData(value.GetName(), data, kind)


def summary(value, _):
    pointer = plain(value)
    if isinstance(pointer, Unknown):
        return f"<{pointer}>"
    return pointer.GetSummary() or ""


class PointerProvider:
    """The native pointer in the place of the persistent one."""

    def __init__(self, value, _):
        self.value = value
        self.pointer = None

    def update(self):
        pointer = plain(self.value)
        self.pointer = None if isinstance(pointer, Unknown) else pointer
        return False

    def get_value(self):
        return self.pointer

    def has_children(self):
        return True

    def num_children(self, limit=None):
        return self.pointer.GetNumChildren() if self.pointer else 0

    def get_child_index(self, name):
        return self.pointer.GetIndexOfChildWithName(name) if self.pointer else -1

    def get_child_at_index(self, index):
        return self.pointer.GetChildAtIndex(index) if self.pointer else None


class Failure(Exception):
    pass


def follow(value):
    """The same, where the program may have to map an object for it."""
    pointer = plain(value)
    if not isinstance(pointer, Unknown) or not value.GetProcess().IsValid():
        return pointer
    encoding = encoding_of_value(value)
    value = value.GetNonSyntheticValue()
    at, bits = value.GetLoadAddress(), value.GetData().GetUnsignedInt64(lldb.SBError(), 0)
    if at == lldb.LLDB_INVALID_ADDRESS or not bits:
        return pointer
    function = "__perdure_decode_region" if encoding in ("region-id", "fat-lookup") \
        else "perdure_decode"
    there = value.GetFrame().EvaluateExpression(
        f"((unsigned long (*)(unsigned long, unsigned long)){function})({bits:#x}, {at:#x})")
    if there.GetError().Fail():
        return pointer
    return constant(value, there.GetValueAsUnsigned())


def known(value, what):
    """The value, or an error that says why there is none."""
    if isinstance(value, Unknown):
        raise Failure(f"{what}: {value}")
    if not value or not value.IsValid() or value.GetError().Fail():
        raise Failure(f"{what}: {value.GetError() if value else 'there is no such thing'}")
    return value


def element(value, index, so_far):
    """value[index], of an array or of what a pointer leads to."""
    kind = value.GetType()
    if kind.IsArrayType() and 0 <= index < value.GetNumChildren():
        return value.GetChildAtIndex(index)
    if kind.IsArrayType():
        raise Failure(f"{so_far} has {value.GetNumChildren()} elements")
    if not kind.IsPointerType():
        raise Failure(f"{so_far} is neither an array nor a pointer")
    target = kind.GetPointeeType()
    at = value.GetValueAsUnsigned() + index * target.GetByteSize()
    return value.CreateValueFromAddress(f"{so_far}[{index}]", at, target)


def variable(frame, name):
    value = frame.FindVariable(name)
    if not value.IsValid():
        value = frame.EvaluateExpression(name)
    return known(value, name)


def number(frame, text):
    return int(text, 0) if text[0].isdigit() else variable(frame, text).GetValueAsSigned()


def evaluate(frame, path):
    """What a path such as *head->next->kids[1] means in the program."""
    before, so_far, rest = steps(path)
    value = variable(frame, so_far).GetNonSyntheticValue()
    for kind, text in rest:
        if kind != ".":
            value = known(follow(value), so_far)
        if kind == "[":
            value = element(value, number(frame, text), so_far)
        else:
            value = value.GetNonSyntheticValue().GetChildMemberWithName(text)
        so_far += f"[{text}]" if kind == "[" else kind + text
        value = known(value, so_far).GetNonSyntheticValue()
    for sign in reversed(before):
        value = known(known(follow(value), so_far).Dereference() if sign == "*"
                      else value.AddressOf(), so_far)
        so_far = sign + so_far
    return value


def write(value, result, name=None):
    # As `v` shows it: the formatters see the value with its children decoded.
    stream = lldb.SBStream()
    shown = value.GetSyntheticValue() if encoding_of_value(value) else value
    (shown if shown.IsValid() else value).GetDescription(stream)
    text = stream.GetData()
    head, equals, rest = text.partition(" = ")
    result.AppendMessage((f"{name} = {rest}" if name and equals else text).rstrip())


def print_command(frame, words, result):
    path = " ".join(words)
    write(evaluate(frame, path), result, path)


def list_command(frame, words, result):
    if len(words) not in (2, 3):
        raise Failure("perdure list HEAD FIELD [COUNT]")
    value, seen = known(follow(evaluate(frame, words[0])), words[0]), set()
    while value.GetValueAsUnsigned() and len(seen) < (int(words[2]) if len(words) == 3 else 20):
        at = value.GetValueAsUnsigned()
        if at in seen:
            result.AppendMessage(f"{at:#x}: again")
            return
        seen.add(at)
        write(known(value.Dereference(), words[0]), result, f"{at:#x}")
        value = known(value.GetChildMemberWithName(words[1]), words[1])
        value = known(follow(value.GetNonSyntheticValue()), words[1])
    if value.GetValueAsUnsigned():
        result.AppendMessage(f"{value.GetValueAsUnsigned():#x}: and on")


def objects_command(frame, words, result):
    for line in decoder(frame.GetThread().GetProcess().GetTarget()).describe():
        result.AppendMessage(line)


def gray_command(frame, words, result):
    value = evaluate(frame, " ".join(words))
    kind = value.GetType().GetCanonicalType()
    signed = bool(kind.GetTypeFlags() & lldb.eTypeIsSigned)
    result.AppendMessage(str(gray_to_number(value.GetValueAsUnsigned(),
                                            8 * kind.GetByteSize(), signed)))


COMMANDS = {"print": print_command, "list": list_command, "objects": objects_command,
            "gray": gray_command}


def perdure(debugger, command, context, result, _):
    """perdure print PATH | list HEAD FIELD [COUNT] | objects | gray PATH"""
    name, *words = command.split() or [""]
    frame = context.GetFrame()
    try:
        if name not in COMMANDS:
            raise Failure(perdure.__doc__)
        if not frame.IsValid():
            raise Failure("no process: run the program, attach to one, or load a core file")
        COMMANDS[name](frame, words, result)
    except (Failure, ValueError) as error:
        result.SetError(str(error))


def __lldb_init_module(debugger, _):
    module = __name__
    pattern = r"^((const|volatile) )*perdure_ptr(\[[^]]*\])?\(.*\)$"
    for command in (
            f'type summary add -w perdure -x "{pattern}" -F {module}.summary',
            f'type synthetic add -w perdure -x "{pattern}" -l {module}.PointerProvider',
            "type category enable perdure",
            f"command script add -o -f {module}.perdure perdure"):
        debugger.HandleCommand(command)
