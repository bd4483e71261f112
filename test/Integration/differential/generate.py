"""Random C programs over annotated structures, for differential tests.

generate.py SEED > program.c

A program works on nodes that lie in an object or on the heap (`o`), in globals
(`g`) and in locals, through every form of access that section 2 of the language
reference allows. It keeps one discipline: what an object holds leads into an
object, and nothing outlives a local that leads to it. So it must print the same
lines natively and annotated, in volatile memory and inside an object.

Each expression has a class that says what it may lead to:

    o   a node of the first kind, or null: may be stored anywhere
    p   permanent: o or a global: may be stored in globals and locals
    a   anything, locals too: may be stored in locals of the same function
"""
import random
import sys

NODES = 24

PRELUDE = r'''
#include "harness.h"
#include <setjmp.h>
#include <stdarg.h>

#ifdef RAW_COPIES
#define COPY(d, s) memmove((void *)(d), (void *)(s), sizeof *(d))
#else
#define COPY(d, s) (*(d) = *(s))
#endif
#define NOINLINE __attribute__((noinline))

enum { NODES = %d, GLOBALS = 8 };

struct PERDURE two { struct node *l, *r; };
typedef struct node *node_ref PERDURE;
struct PERDURE node {
  int id;
  struct node *next;
  struct node *kids[3];
  char padding;
  struct two two;
  struct node *volatile careful;
  node_ref *link;
  struct { struct { struct node *u; long n; } a; struct { struct node *u; int m; } b; } un;
  long value;
  struct node *grid[2][2];
};
struct PERDURE root { struct node *nodes[NODES]; };

static unsigned long sum;
static long fuel;
static int use_object;
static jmp_buf env;
static struct node *volatile plain_global;
static void mix(unsigned long x) { sum = (sum ^ x) * 0x9E3779B97F4A7C15u; sum ^= sum >> 29; }
static void *make_o(size_t n) { return use_object ? new_block(n) : calloc(1, n); }
static int idof(struct node *n) { return n ? n->id : -1; }
static NOINLINE void touch(struct node *n) { if (n) n->value += 3; }
static NOINLINE void set_o(node_ref *where, struct node *n) { *where = n; }
static NOINLINE struct node *get_any(node_ref *where) { return *where; }
static NOINLINE void copy_node(struct node *d, struct node *s) { *d = *s; }
static inline void swap_refs(node_ref *x, node_ref *y) { struct node *t = *x; *x = *y; *y = t; }
static NOINLINE long variadic(int n, ...) {
  va_list ap;
  long s = 0;
  va_start(ap, n);
  for (int i = 0; i < n; ++i) { struct node *x = va_arg(ap, struct node *); s = s * 7 + idof(x); }
  va_end(ap);
  return s;
}
'''

MAIN = r'''
static void fill(struct node *n, int id) { n->id = id; n->value = id * 17; n->padding = id; }
static void show(struct node *n) {
  if (!n) { printf(" -"); return; }
  printf(" %d:%ld[%d %d%d%d %d%d %d %d %d %d]", n->id, n->value, idof(n->next), idof(n->kids[0]),
         idof(n->kids[1]), idof(n->kids[2]), idof(n->two.l), idof(n->two.r), idof(n->careful),
         n->link ? idof(*n->link) : -2, idof(n->un.a.u), idof(n->grid[1][0]));
}
static void build(void *root, unsigned long operations) {
  struct root *r = root;
  use_object = operations > 0;
  struct node *all[NODES];
  for (int i = 0; i < NODES; ++i) {
    all[i] = make_o(sizeof(struct node));
    fill(all[i], i + 1);
  }
  for (int i = 0; i < NODES; ++i) {
#define ANY (next_random() >> 20) % 5 ? all[(next_random() >> 20) % NODES] : 0
    all[i]->next = ANY; all[i]->kids[0] = ANY; all[i]->kids[1] = ANY; all[i]->two.l = ANY;
    all[i]->careful = ANY; all[i]->un.a.u = ANY; all[i]->grid[1][0] = ANY; all[i]->kids[2] = ANY;
    all[i]->two.r = ANY; all[i]->link = &all[(i + 1) % NODES]->next;
  }
  for (int i = 0; i < GLOBALS; ++i) {
    fill(&g[i], 100 + i);
    if (i > 2) { g[i].next = ANY; g[i].two.l = &g[i - 1]; }
    g[i].careful = all[i]; g[i].link = &g[(i + 1) % GLOBALS].next;
  }
  for (int round = 0; round < 6; ++round) {
    fuel = 400;
    struct node *x = all[round], *y = ANY;
    int jumped = setjmp(env);
    if (jumped) mix(jumped);
    else {
      struct node *z = f0(x, y, round);
      mix(idof(z));
    }
    printf("%d: %lx\n", round, sum);
  }
  for (int i = 0; i < GLOBALS; ++i) { show(&g[i]); puts(""); }
  if (use_object)
    for (int i = 0; i < NODES; ++i)
      r->nodes[i] = all[i];
  else
    for (int i = 0; i < NODES; ++i) { show(all[i]); puts(""); }
}
static void print(void *root) {
  struct root *r = root;
  for (int i = 0; i < NODES; ++i) { show(r->nodes[i]); puts(""); }
}
int main(int argc, char **argv) { return run_harness(argc, argv, sizeof(struct root)); }
'''


class Function:
    def __init__(self, rng, index, count):
        self.rng, self.index, self.count = rng, index, count
        self.lines, self.depth, self.temporaries = [], 1, 0
        # Where each class of pointer variable, local struct and so on is named.
        self.vars = {"o": ["x", "y"], "p": [], "a": []}
        self.structs = {"o": [], "a": []}   # by what their fields may hold
        self.arrays = {"o": [], "a": []}
        self.refs = []                      # node_ref *: into o nodes, hold o
        self.loops = 0

    def out(self, text):
        self.lines.append("  " * self.depth + text)

    def name(self, prefix):
        self.temporaries += 1
        return f"{prefix}{self.temporaries}"

    def pick(self, *choices):
        return self.rng.choice(choices)

    def number(self):
        return self.pick("k", "fuel", str(self.rng.randrange(9)), "(long)(sum & 0xffff)", "x->value",
                         "idof(y)", "k * 3")

    # --- fields: node_ref lvalues of a node
    def field(self):
        r = self.rng
        return self.pick(
            "next", "next", "next", "careful", "two.l", "two.r", "un.a.u", "un.b.u",
            f"kids[{r.randrange(3)}]", f"kids[(unsigned long){self.number()} % 3]",
            f"grid[{r.randrange(2)}][{r.randrange(2)}]",
            f"grid[(unsigned long){self.number()} & 1][1]")

    # --- expressions that give a pointer that may be null
    def value(self, cls, depth=2):
        r = self.rng
        if depth == 0 or r.random() < 0.25:
            pool = list(self.vars["o"])
            if cls in "pa":
                pool += self.vars["p"] + [f"&g[{r.randrange(8)}]"]
            if cls == "a":
                pool += self.vars["a"]
                pool += ["&" + s for s in self.structs["o"] + self.structs["a"]]
            pool += ["0"] if r.random() < 0.2 else []
            chosen = r.choice(pool)
            return "(struct node *)0" if chosen == "0" else chosen
        kind = r.randrange(14)
        if kind < 4:
            return self.load(cls, depth)
        if kind < 6:
            return f"({self.condition(1)} ? {self.value(cls, depth - 1)} : {self.value(cls, depth - 1)})"
        if kind == 6:
            # Both arms read a field: containers become phis and selects.
            a, b = self.node(cls, 1), self.node(cls, 1)
            f = self.pick("next", "two.r", "kids[1]")
            return f"({self.condition(1)} ? {a} : {b})->{f}"
        if kind == 7:
            a, b = self.node(cls, 1), self.node(cls, 1)
            return f"({self.condition(1)} ? {a}->{self.field()} : {b}->{self.field()})"
        if kind == 8 and self.arrays["o"]:
            return f"{r.choice(self.arrays['o'])}[(unsigned long){self.number()} % 4]"
        if kind == 9 and self.structs["o"]:
            return f"{r.choice(self.structs['o'])}.{self.field()}"
        if kind == 9 and cls == "a" and self.structs["a"]:
            return f"{r.choice(self.structs['a'])}.{self.field()}"
        if kind == 10 and self.refs:
            return f"*{r.choice(self.refs)}"
        if kind == 11:
            return f"get_any(&{self.node(cls, 1)}->{self.pick('next', 'kids[2]', 'two.l')})"
        if kind == 12 and self.index + 1 < self.count:
            # On its own: the order inside an assignment is the compiler's choice.
            v = self.name("c")
            self.out(f"struct node *{v} = {self.call()};")
            return v
        if kind == 13:
            # A low-bit tag and back.
            return (f"((struct node *)((char *)((struct node *)((char *){self.node('o', 0)} + 1)) - 1))"
                    if cls == "o" else self.load(cls, depth))
        return self.load(cls, depth)

    def load(self, cls, depth):
        return f"{self.node(cls, depth - 1)}->{self.field()}"

    def node(self, cls, depth):
        """A pointer that is not null."""
        r = self.rng
        safe = ["x"] + (["(&g[k & 7])", f"(&g[{r.randrange(8)}])"] if cls in "pa" else [])
        if cls == "a":
            safe += [f"(&{s})" for s in self.structs["o"] + self.structs["a"]]
        if depth == 0 or r.random() < 0.4:
            return r.choice(safe)
        if r.random() < 0.5:
            return f"({self.value(cls, depth)} ?: {r.choice(safe)})"
        pool = self.vars["o"] + (self.vars["p"] if cls in "pa" else []) + (self.vars["a"] if cls == "a" else [])
        v = r.choice(pool)
        return f"({v} ? {v} : {r.choice(safe)})"

    def call(self):
        r = self.rng
        callee = r.randrange(self.index + 1, self.count)
        arguments = f"({self.node('o', 1)}, {self.value('o', 1)}, {self.number()})"
        if r.random() < 0.3:
            return f"table[{callee}]{arguments}"
        return f"f{callee}{arguments}"

    def condition(self, depth=1):
        r = self.rng
        kind = r.randrange(8)
        if kind == 0:
            return f"({self.number()} & {r.randrange(1, 5)})"
        if kind == 1:
            return f"{self.value('a', depth)} == {self.value('a', depth)}"
        if kind == 2:
            return f"!{self.value('a', depth)}"
        if kind == 3:
            n = self.node("a", 1)
            return f"{n}->{self.field()} != {n}->{self.field()}"
        if kind == 4:
            return f"({self.value('a', depth)} && {self.number()} > 2)"
        if kind == 5:
            return f"{self.node('a', 1)}->{self.field()} == {self.node('a', 0)}"
        if kind == 6:
            return f"({self.condition(0)} || {self.value('o', depth)})"
        return f"{self.number()} > {self.number()}"

    # --- statements
    def block(self, n):
        saved = ({c: list(v) for c, v in self.vars.items()},
                 {c: list(v) for c, v in self.structs.items()},
                 {c: list(v) for c, v in self.arrays.items()}, list(self.refs))
        self.depth += 1
        for _ in range(n):
            self.statement()
        self.depth -= 1
        self.vars, self.structs, self.arrays, self.refs = saved

    def statement(self):
        r = self.rng
        kinds = [(4, self.assign), (4, self.store), (3, self.declare), (2, self.check), (2, self.branch),
                 (2, self.loop), (1, self.local_struct), (1, self.struct_copy), (1, self.local_array),
                 (1, self.reference), (1, self.switch), (1, self.walk), (1, self.miscellany),
                 (1, self.list_of_locals), (1, self.pair)]
        if self.depth > 4:
            kinds = kinds[:4]
        r.choices([k for _, k in kinds], [w for w, _ in kinds])[0]()

    def assign(self):
        cls = self.pick("o", "o", "p", "a")
        if not self.vars[cls]:
            return self.declare()
        v = self.rng.choice(self.vars[cls])
        value = self.value(cls)
        self.out(f"{v} = {value} ?: x;" if v == "x" else f"{v} = {value};")

    def store(self):
        kind = self.rng.randrange(6)
        if kind < 3:
            self.out(f"{self.node('a' if kind == 2 else 'o', 1)}->{self.field()} = {self.value('o')};")
        elif kind == 3:
            self.out(f"g[{self.pick('k & 7', '2', 'fuel & 3')}].{self.field()} = {self.value('p')};")
        elif kind == 4 and self.structs["a"]:
            self.out(f"{self.rng.choice(self.structs['a'])}.{self.field()} = {self.value('a')};")
        elif kind == 5 and self.structs["o"]:
            self.out(f"{self.rng.choice(self.structs['o'])}.{self.field()} = {self.value('o')};")
        else:
            # One variable on the left: C leaves the order of both sides open.
            self.out(f"x->careful = x->next = y = {self.value('o')};")

    def declare(self):
        cls = self.pick("o", "p", "a")
        v = self.name(cls)
        if cls != "a" and self.rng.random() < 0.1:
            self.out(f"static node_ref {v}; {v} = {self.value(cls)};")
        else:
            kind = self.pick("node_ref ", "struct node *volatile ", "struct node *", "struct node *")
            self.out(f"{kind}{v} = {self.value(cls)};")
        self.vars[cls].append(v)

    def check(self):
        kind = self.rng.randrange(4)
        if kind == 0:
            self.out(f"mix(idof({self.value('a')}));")
        elif kind == 1:
            self.out(f"mix({self.condition(2)});")
        elif kind == 2:
            self.out(f"mix(variadic(3, {self.value('a', 1)}, {self.value('o', 1)}, {self.value('a', 1)}));")
        else:
            self.out(f"touch({self.value('a')});")

    def branch(self):
        self.out(f"if ({self.condition(2)}) {{")
        self.block(self.rng.randrange(1, 4))
        if self.rng.random() < 0.5:
            self.out("} else {")
            self.block(self.rng.randrange(1, 3))
        self.out("}")

    def loop(self):
        i = self.name("i")
        kind = self.rng.randrange(3)
        if kind == 0:
            self.out(f"for (int {i} = 0; {i} < {self.rng.randrange(2, 5)} && fuel-- > 0; ++{i}) {{")
            self.block(self.rng.randrange(1, 4))
        elif kind == 1:
            self.out(f"int {i} = 0;")
            self.out(f"while (fuel-- > 0 && ++{i} < 5 && {self.condition(1)}) {{")
            self.block(self.rng.randrange(1, 4))
        else:
            self.out(f"int {i} = 0;")
            self.out("do {")
            self.block(self.rng.randrange(1, 3))
            self.depth += 1
            self.out(f"if ({self.condition(1)}) {self.pick('continue', 'break')};")
            self.depth -= 1
            self.out(f"}} while (++{i} < 4 && fuel-- > 0);")
            return
        self.depth += 1
        if self.rng.random() < 0.3:
            self.out(f"if ({self.condition(1)}) {self.pick('continue', 'break')};")
        self.depth -= 1
        self.out("}")

    def local_struct(self):
        cls = self.pick("o", "a")
        s = self.name("s" + cls)
        kind = self.rng.randrange(4)
        if kind == 0:
            self.out(f"struct node {s} = {{.id = {self.rng.randrange(200, 300)}, .next = {self.value(cls, 1)}, "
                     f".two = {{{self.value(cls, 1)}, 0}}}};")
        elif kind == 1:
            self.out(f"struct node {s} = *{self.node('o', 1)};")
        elif kind == 2:
            self.out(f"struct node {s} = {{0}}; {s}.{self.field()} = {self.value(cls, 1)};")
        else:
            self.out(f"struct node {s}; {s} = (struct node){{7, {self.value(cls, 1)}, "
                     f"{{{self.value(cls, 1)}, {self.value(cls, 1)}}}}};")
        self.structs[cls].append(s)
        if self.rng.random() < 0.3:
            self.out(f"touch(&{s});")

    def struct_copy(self):
        kind = self.rng.randrange(8)
        if kind == 0:
            self.out(f"*{self.node('o', 1)} = *{self.node('o', 1)};")
        elif kind == 1:
            self.out(f"g[k & 7] = *{self.node('p', 1)};")
        elif kind == 2 and self.structs["o"]:
            self.out(f"*{self.node('o', 1)} = {self.rng.choice(self.structs['o'])};")
        elif kind == 3 and self.structs["a"]:
            self.out(f"{self.rng.choice(self.structs['a'])} = *{self.node('a', 1)};")
        elif kind == 4:
            self.out(f"{self.node('o', 1)}->two = {self.node('o', 1)}->two;")
        elif kind == 5:
            self.out(f"{{ struct two *d = &{self.node('o', 1)}->two, *s = &{self.node('o', 1)}->two; COPY(d, s); }}")
        elif kind == 6:
            self.out(f"{{ struct node *d = &g[{self.rng.randrange(8)}], *s = &g[k & 7]; COPY(d, s); }}")
        else:
            self.out(f"copy_node({self.node('o', 1)}, {self.node('o', 1)});")

    def local_array(self):
        a = self.name("r")
        self.out(f"{self.pick('node_ref', 'struct node *')} {a}[4] = {{{self.value('o', 1)}, "
                 f"{self.value('o', 1)}, {self.value('o', 1)}}};")
        self.out(f"{a}[3] = {self.value('o', 1)};")
        self.arrays["o"].append(a)

    def reference(self):
        p = self.name("q")
        choices = [f"&{self.node('o', 1)}->{self.pick('next', 'two.l', 'kids[1]')}"]
        if self.structs["o"]:
            choices.append(f"&{self.rng.choice(self.structs['o'])}.next")
            choices.append(f"{self.condition(0)} ? &{self.rng.choice(self.structs['o'])}.next : "
                           f"&{self.node('o', 0)}->two.r")
        self.out(f"node_ref *{p} = {self.rng.choice(choices)};")
        self.refs.append(p)
        kind = self.rng.randrange(4)
        if kind == 0:
            self.out(f"*{p} = {self.value('o')};")
        elif kind == 1:
            self.out(f"set_o({p}, {self.value('o')});")
        elif kind == 2:
            self.out(f"swap_refs({p}, {self.rng.choice(self.refs)});")
        else:
            self.out(f"for (int n = 0; n < 6 && *{p}; ++n) {{ mix(idof(*{p})); {p} = &(*{p})->next; }}")

    def switch(self):
        self.out(f"switch ((unsigned long){self.number()} % 4) {{")
        for n in range(3):
            self.out(f"case {n}: {{")
            self.block(1)
            self.out("}" if self.rng.random() < 0.3 else "} break;")
        self.out("default: {")
        self.block(1)
        self.out("}")
        self.out("}")

    def walk(self):
        w = self.name("w")
        cls = self.pick("o", "a")
        self.out(f"for (struct node *{w} = {self.value(cls)}; {w} && fuel-- > 0; "
                 f"{w} = {self.pick(w + '->next', w + '->kids[k & 1]', f'({w}->id & 1 ? {w}->next : {w}->two.l)')}) {{")
        self.depth += 1
        self.out(f"mix({w}->id);")
        if self.rng.random() < 0.4:
            self.out(f"if ({w}->{self.field()} == y) {w}->{self.field()} = {self.value('o', 1)};")
        if self.rng.random() < 0.4:
            self.out(f"{w}->value++;")
        self.depth -= 1
        self.out("}")

    def list_of_locals(self):
        """A local structure that a loop carries: what SROA spreads over phis."""
        h = self.name("h")
        a, b = ("l", "r") if self.rng.random() < 0.5 else ("r", "l")
        self.out(f"struct two {h} = {{{self.value('o', 1)}, {self.value('o', 1)}}};")
        self.out(f"for (int n = 0; n < 7 && {h}.{a} && fuel-- > 0; ++n) {{")
        self.depth += 1
        for _ in range(self.rng.randrange(1, 4)):
            self.out(self.pick(f"{h}.{a} = {h}.{a} ? {h}.{a}->{self.field()} : {h}.{b};",
                               f"if ({h}.{b}) {h}.{b} = {h}.{b}->next; else {h}.{b} = {h}.{a};",
                               f"{{ struct two t = {h}; {h}.l = t.r; {h}.r = t.l; }}",
                               f"mix(idof({h}.{a}) + 3 * idof({h}.{b}));",
                               f"if ({h}.{a} && {h}.{a} == {h}.{b}) break;",
                               f"if (k & 2) {h} = {self.node('o', 0)}->two;",
                               f"{self.node('o', 0)}->two = {h};"))
        self.depth -= 1
        self.out("}")
        self.out(f"y = {h}.{b};")

    def pair(self):
        callee = self.name("t")
        self.out(f"struct two {callee} = twist({self.node('o', 1)}->two, {self.value('o', 1)});")
        self.out(f"mix(idof({callee}.l)); y = {callee}.r;")

    def miscellany(self):
        kind = self.rng.randrange(6)
        if kind == 0:
            self.out("if (fuel < -20) longjmp(env, 1 + idof(y));")
        elif kind == 1:
            self.out(f"plain_global = {self.value('p')}; mix(idof(plain_global));")
        elif kind == 2:
            self.out(f"{self.node('o', 1)}->link = &{self.node('o', 1)}->next; mix(idof(*{self.node('o', 0)}->link));")
        elif kind == 3:
            n = self.name("t")
            self.out(f"{{ struct node *{n} = {self.node('o', 1)}; if ({n}->link) *{n}->link = {self.value('o', 1)}; }}")
        elif kind == 4:
            n = self.name("t")
            self.out(f"{{ struct node *{n} = (struct node *)((char *)x + 1); y = x->next; x->next = {n}; "
                     f"mix(idof((struct node *)((char *)x->next - 1))); x->next = y; }}")
        else:
            self.out(f"mix(recurse({self.value('o', 1)}, 5));")

    def text(self):
        attribute = self.pick("", "", "NOINLINE ", "__attribute__((optnone, noinline)) ",
                              "__attribute__((minsize)) ", "__attribute__((always_inline)) inline ")
        for _ in range(self.rng.randrange(5, 14)):
            self.statement()
        self.out(f"return {self.value('o')};")
        body = "\n".join(self.lines)
        return (f"static {attribute}struct node *f{self.index}(struct node *x, struct node *y, long k) {{\n"
                f"  if (fuel-- <= 0) return y;\n{body}\n}}\n")


def generate(seed):
    rng = random.Random(seed)
    count = rng.randrange(3, 8)
    parts = [f"/* generate.py {seed} */", PRELUDE.replace("NODES = %d", f"NODES = {NODES}")]
    # Static initialisers, some of constants that only code reads.
    parts.append("static struct node g[GLOBALS] = {{.id = 1, .next = &g[1], .kids = {&g[2], 0, &g[0]}}, "
                 "{.two = {&g[0], &g[5]}}, {.un.a.u = &g[3]}};\n"
                 "static const struct two fixed[2] = {{&g[0], &g[1]}, {0, &g[4]}};\n"
                 "static node_ref start = &g[6];\n")
    parts.append("static struct node *(*const table[])(struct node *, struct node *, long);\n".replace(
        "table[]", f"table[{count}]"))
    parts.append("static NOINLINE struct two twist(struct two t, struct node *n) {\n"
                 "  struct two u = {t.r, n};\n  if (!n) u.r = t.l;\n  return u;\n}\n"
                 "static long recurse(struct node *n, int depth) {\n"
                 "  if (!n || depth == 0) return idof(n) + idof(fixed[depth & 1].r) + idof(start);\n"
                 f"  return recurse(n->{rng.choice(['next', 'two.l', 'kids[1]'])}, depth - 1) * 3 + "
                 f"recurse(n->{rng.choice(['two.r', 'careful', 'kids[0]'])}, depth - 1);\n}}\n")
    names = []
    for i in range(count):
        parts.append(f"static struct node *f{i}(struct node *x, struct node *y, long k);")
        names.append(f"f{i}")
    functions = [Function(rng, i, count).text() for i in range(count)]
    parts += functions
    parts.append(f"static struct node *(*const table[{count}])(struct node *, struct node *, long) = "
                 f"{{{', '.join(names)}}};")
    parts.append(MAIN)
    return "\n".join(parts)


if __name__ == "__main__":
    print(generate(int(sys.argv[1])))
