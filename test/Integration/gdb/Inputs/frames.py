"""Steps through each function, by $step; at each instruction the caller is to have what it
had."""
import gdb

REGISTERS = ("rbx", "rbp", "r12", "r13", "r14", "r15", "rsp", "rip")


def caller(name):
    frame = gdb.newest_frame()
    while frame is not None and frame.name() != name:
        frame = frame.older()
    frame = frame and frame.older()
    return frame and [frame.name()] + [int(frame.read_register(r)) for r in REGISTERS]


step = gdb.convenience_variable("step").string()
gdb.execute("set debuginfod enabled off")
for function in ("three", "gap", "dynamic"):
    place = gdb.Breakpoint("*" + function)
    gdb.execute("continue" if gdb.selected_inferior().pid else "run", to_string=True)
    place.delete()
    expected, steps, wrong = caller(function), 0, 0
    while gdb.newest_frame().name() != "main":
        found = caller(function)
        wrong += found is None or found != expected
        steps += 1
        gdb.execute(step, to_string=True)
    wrong += expected is None or expected[0] != "main"
    print(f"{function}: {steps} instructions, {wrong} wrong")
