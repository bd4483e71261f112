"""Writes modules that are large in one way.

large.py chain N      N places, each derived from the one before
large.py waiting N    a record that is held by value by N*N others, while N*N more get their bodies
"""
import sys

KIND, N = sys.argv[1], int(sys.argv[2])
if KIND == "chain":
    print('!b = !perdure.record<"b", body {q: !perdure.ptr<!perdure.record<"b">>}>')
    print("func.func @chain(%b: !perdure.native<!b>, %i: index) -> !perdure.native<!b> {")
    print('  %e0 = perdure.field %b["q"] : !perdure.native<!b>')
    for I in range(N):
        print("  %%e%d = perdure.element %%e%d[%%i : index] : "
              "!perdure.native<!perdure.ptr<!b>>" % (I + 1, I))
    print("  %%bits = perdure.load %%e%d : !perdure.native<!perdure.ptr<!b>>" % N)
    print("  %%r = perdure.decode %%bits at %%e%d : !perdure.ptr<!b>" % N)
    print("  return %r : !perdure.native<!b>\n}")
elif KIND == "nested":
    Inner = "i64"
    for I in range(N):
        print('!r%d = !perdure.record<"r%d", body {a: %s, b: %s}>' % (I, I, Inner, Inner))
        Inner = "!r%d" % I
    print('!b = !perdure.record<"b", body {q: !perdure.ptr<i64>}>')
    print("func.func @cast(%%b: !perdure.native<!b>) -> !perdure.native<%s> {" % Inner)
    print("  %%r = perdure.cast %%b : !perdure.native<!b> to !perdure.native<%s>" % Inner)
    print("  return %%r : !perdure.native<%s>\n}" % Inner)
else:
    # In groups: the names of a record's fields are compared with each other.
    Groups = []
    for G in range(N):
        Fields = []
        for F in range(N):
            Fields.append('w%d: !perdure.ptr<!perdure.record<"w%d.%d", body '
                          '{whole: !perdure.record<"whole">}>>' % (F, G, F))
            Fields.append('d%d: !perdure.ptr<!perdure.record<"d%d.%d", body '
                          '{n: i64}>>' % (F, G, F))
        Groups.append('g%d: !perdure.ptr<!perdure.record<"g%d", body {%s}>>'
                      % (G, G, ", ".join(Fields)))
    print('func.func private @f(!perdure.native<!perdure.record<"whole", body {%s}>>)'
          % ", ".join(Groups))
