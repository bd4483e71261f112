"""Random transactions over one object, against the same program run natively.

transactions.py generate SEED > program.c
transactions.py PERDURE_CC PERDURE_CXX NATIVE_CC SCRATCH FIRST LAST
                [--builds N] [--jobs N] [--seconds N] [--unlogged]

Each program makes transactions that commit, abort, throw, jump out, and roll back
to savepoints, at random. The native build keeps copies of all its memory and puts
them back; so both print the same lines. What an abort leaves in the object has to
be what was there before, byte for byte; the program itself compares.

A program keeps to two rules, since a rollback frees what was allocated: nothing that
was read before an event is used after it, and blocks are linked in one list alone.

Prints what differs, and keeps its files in SCRATCH. With --unlogged some functions
do not log, which has to be found.
"""
import argparse
import concurrent.futures
import pathlib
import random
import shlex
import shutil
import subprocess
import sys
import time

PRELUDE = r'''
#ifdef NATIVE
#define PERDURE
#define PERDURE_TRANSACTION
#define PERDURE_IN_TRANSACTION
#define PERDURE_TX_SAFE
#else
#include <perdure/perdure.h>
#include <perdure/transaction.h>
#endif
#ifdef UNLOGGED
#define MAYBE_UNLOGGED PERDURE_TX_SAFE
#else
#define MAYBE_UNLOGGED
#endif
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#define NOINLINE __attribute__((noinline))
enum { NODES = 6, WORDS = 48 };
struct PERDURE node {
  struct node *next, *other;
  long v[4];
  int id, i;
  short s;
  char c;
  unsigned b1 : 3, b2 : 7;
  double d;
  char text[12];
};
struct PERDURE root {
  struct node nodes[NODES];
  struct node *list, *heads[3];
  long words[WORDS];
  int small[16];
  int next_id;
  unsigned char bytes[64];
};
struct call { int which; long k; int done; };
typedef void step(struct root *, struct node *, long);
typedef int body(void *);
#ifdef __cplusplus
extern "C" {
#endif
extern struct root *r;
extern unsigned long random_state;
extern long outside[8], fuel;
extern step *const steps[];
PERDURE_TX_SAFE unsigned long draw(void);
void event(void);
void nest(long k);
#ifdef NATIVE
void *perdure_alloc(void *near_, size_t n);
void perdure_free(void *p);
#endif
#ifdef __cplusplus
}
#endif
'''

MAIN = r'''
struct root *r;
unsigned long random_state = 88172645463325252u;
long outside[8], fuel;
static int points[8], point_count, calm, depth, shown;
static jmp_buf away;
unsigned long draw(void) {
  random_state ^= random_state << 13;
  random_state ^= random_state >> 7;
  random_state ^= random_state << 17;
  return random_state >> 20;
}

#ifdef NATIVE
enum { BLOCKS = 1 << 16 };
struct copy { struct root root; int count; struct node *nodes; };
static struct node *blocks[BLOCKS];
static int block_count;
static struct copy *copies[10];
static int copy_count;
static jmp_buf outermost;
static int take(void) {
  struct copy *c = copies[copy_count] = (struct copy *)malloc(sizeof *c);
  c->root = *r;
  c->nodes = (struct node *)malloc((block_count + 1) * sizeof(struct node));
  c->count = block_count;
  for (int i = 0; i < block_count; ++i) c->nodes[i] = *blocks[i];
  return copy_count++;
}
static void drop(void) { --copy_count; free(copies[copy_count]->nodes); free(copies[copy_count]); }
static void put_back(int n) {
  struct copy *c = copies[n];
  *r = c->root;
  for (int i = 0; i < c->count; ++i) *blocks[i] = c->nodes[i];
  block_count = c->count;
  while (copy_count > n + 1) drop();
}
static void end(void) { while (copy_count) drop(); depth = 0; }
extern "C_" void *perdure_alloc(void *near_, size_t n) {
  (void)near_;
  return blocks[block_count++] = (struct node *)calloc(1, n);
}
extern "C_" void perdure_free(void *p) { (void)p; }
static int perdure_tx_savepoint(void) { return take(); }
static int perdure_tx_rollback_to(int n) { put_back(n); return 0; }
static void perdure_tx_abort(void) { put_back(0); end(); longjmp(outermost, 1); }
static int transact(body *f, struct call *c, int how) {
  (void)how;
  if (depth) {
    if (f(c)) perdure_tx_abort();
    return 0;
  }
  depth = 1;
  take();
  if (setjmp(outermost)) return -1;
  if (f(c)) { put_back(0); end(); return -1; }
  end();
  return 0;
}
static int left(void) { put_back(0); end(); return 0; }
static int begin_explicit(void) { take(); return depth = 1; }
static int end_explicit(int commit) { if (!commit) put_back(0); end(); return 0; }
#else
static int left(void) { return 0; }
static int begin_explicit(void) { depth = 1; return perdure_tx_begin(r); }
static int end_explicit(int commit) { if (commit) return perdure_tx_commit(); perdure_tx_abort(); return 0; }
PERDURE_TRANSACTION static void attributed(body *f, struct call *c) {
  if (f(c)) perdure_tx_abort();
  c->done = 1;
}
static int transact(body *f, struct call *c, int how) {
#ifdef __cplusplus
  if (how & 1) {
    bool began = !depth;
    depth = 1;
    bool whole = perdure::transact(r, [&] { if (f(c)) perdure_tx_abort(); });
    if (began) depth = 0;
    return whole ? 0 : -1;
  }
  if (depth) { attributed(f, c); return 0; }
  try { depth = 1; attributed(f, c); } catch (const perdure::aborted &) { depth = 0; return -1; }
  depth = 0;
  return 0;
#else
  if (how & 1) return perdure_transact(r, f, c);
  c->done = 0;
  attributed(f, c);
  return c->done - 1;
#endif
}
#endif

void event(void) {
  unsigned long what = draw() % 64;
  if (what < 10) {
    if (point_count < 8) points[point_count++] = perdure_tx_savepoint();
  } else if (what < 18) {
    if (point_count) {
      int n = draw() % point_count;
      point_count = n + 1;
      perdure_tx_rollback_to(points[n]);
    }
  } else if (calm) {
  } else if (what < 20) {
    perdure_tx_abort();
  } else if (what < 22) {
#ifdef __cplusplus
    throw 7;
#else
    longjmp(away, 1);
#endif
  }
}
static int run(void *arg) {
  struct call *c = (struct call *)arg;
  steps[c->which](r, &r->nodes[c->k % NODES], c->k);
  return !calm && draw() % 8 == 0;
}
void nest(long k) {
  struct call c = {(int)(draw() % STEPS), k, 0};
  transact(run, &c, draw() % 4);
}
PERDURE_IN_TRANSACTION NOINLINE static void explicitly(struct call *c) { run(c); }

/* What an abort has to bring back. */
static struct root saved;
static struct node saved_nodes[512];
static int saved_count;
enum { TRANSACTIONS = 400 };
static void save(void) {
  memcpy((void *)&saved, (void *)r, sizeof saved);
  saved_count = 0;
  for (struct node *n = r->list; n && saved_count < 512; n = n->next)
    memcpy((void *)&saved_nodes[saved_count++], (void *)n, sizeof *n);
}
static int is_saved(void) {
  if (memcmp((void *)&saved, (void *)r, sizeof saved)) return 0;
  int i = 0;
  for (struct node *n = r->list; n && i < saved_count; n = n->next)
    if (memcmp((void *)&saved_nodes[i++], (void *)n, sizeof *n)) return 0;
  return i == saved_count;
}
static unsigned long sum;
static void mix(unsigned long x) { sum = (sum ^ x) * 0x9E3779B97F4A7C15u; sum ^= sum >> 29; }
static int idof(struct node *n) { return n ? n->id : -1; }
static void mix_node(struct node *n) {
  for (int i = 0; i < 4; ++i) mix(n->v[i]);
  mix(n->id); mix(n->i); mix(n->s); mix(n->c); mix(n->b1); mix(n->b2); mix((long)n->d);
  for (int i = 0; i < 12; ++i) mix(n->text[i]);
  mix(idof(n->next)); mix(idof(n->other));
}
static void show(const char *how) {
  sum = 1;
  for (int i = 0; i < NODES; ++i) mix_node(&r->nodes[i]);
  int count = 0;
  for (struct node *n = r->list; n; n = n->next, ++count) mix_node(n);
  for (int i = 0; i < 3; ++i) mix(idof(r->heads[i]));
  for (int i = 0; i < WORDS; ++i) mix(r->words[i]);
  for (int i = 0; i < 16; ++i) mix(r->small[i]);
  for (int i = 0; i < 64; ++i) mix(r->bytes[i]);
  for (int i = 0; i < 8; ++i) mix(outside[i]);
  printf("%d %s: %d %lx\n", shown++, how, count, sum);
}
int main(int argc, char **argv) {
  (void)argc;
#ifdef NATIVE
  r = (struct root *)calloc(1, sizeof *r);
#else
  perdure_store *s = perdure_store_open(argv[1], PERDURE_CREATE);
  r = (struct root *)perdure_create(s, "r", sizeof *r, 0);
  if (!r) { puts(perdure_errormsg()); return 2; }
#endif
  r->next_id = NODES;
  for (int i = 0; i < NODES; ++i) { r->nodes[i].id = i; r->nodes[i].other = &r->nodes[(i + 1) % NODES]; }
  static int t;
  for (t = 0; t < TRANSACTIONS; ++t) {
    if (t % 40 == 0) {
      r->list = 0;
#ifdef NATIVE
      block_count = 0;
#endif
    }
    save();
    point_count = 0;
    fuel = 60;
    struct call c = {(int)(draw() % STEPS), (long)(draw() % 100), 0};
    int how = draw() % 8;
    const char *said;
    calm = how > 5;
    depth = 0;
    if (calm) {
      begin_explicit();
      explicitly(&c);
      end_explicit(how == 7);
      said = how == 7 ? "committed" : "aborted";
    } else if (setjmp(away)) {
      said = "jumped";
      left();
    } else {
#ifdef __cplusplus
      try {
        said = transact(run, &c, how) ? "aborted" : "committed";
      } catch (int) {
        said = "thrown";
        left();
      }
#else
      said = transact(run, &c, how) ? "aborted" : "committed";
#endif
    }
    show(said);
    if (*said != 'c' && !is_saved()) { puts("the object is not as it was"); return 1; }
  }
  return 0;
}
'''


class Step:
    """One function that runs in transactions."""

    def __init__(self, rng, index, count):
        self.rng, self.index, self.count, self.lines, self.indent = rng, index, count, [], 1

    def out(self, text):
        self.lines.append("  " * self.indent + text)

    def pick(self, *choices):
        return self.rng.choice(choices)

    def number(self):
        r = self.rng
        return self.pick("k", "n->v[1]", str(r.randrange(100)), "(long)n->s", f"r->words[{r.randrange(48)}]", "outside[2]",
                         f"r->small[k & 15]", "n->other->v[0]", "(long)fuel")

    def word(self):
        r = self.rng
        return self.pick(f"r->words[{r.randrange(48)}]", f"r->words[(unsigned long){self.number()} % 48]",
                         f"n->v[{r.randrange(4)}]", f"n->v[k & 3]", f"n->other->v[{r.randrange(4)}]",
                         f"r->small[{r.randrange(16)}]", "n->i", "n->s", "n->c", "n->b1", "n->b2", "n->d",
                         f"r->bytes[{r.randrange(64)}]", "outside[3]")

    def assign(self):
        self.out(f"{self.word()} {self.pick('=', '=', '+=', '-=')} {self.number()};")

    def simple(self):
        r = self.rng
        kind = r.randrange(15)
        if kind < 5:
            self.assign()
        elif kind == 5:
            first = r.randrange(44)
            for i in r.sample(range(4), r.randrange(2, 5)):
                self.out(f"r->words[{first + i}] = {self.number()};")
        elif kind == 6:
            self.out(self.pick(
                f"memset(r->bytes + {r.randrange(32)}, (int){self.number()}, (unsigned long){self.number()} % 32);",
                f"memmove(r->words + {r.randrange(20)}, r->words + {r.randrange(20)}, 8 * ((unsigned long){self.number()} % 20));",
                f"memcpy(r->words, r->words + 24, {8 * r.randrange(24)});",
                f"strcpy(n->text, {self.number()} & 1 ? \"odd\" : \"rather\");",
                f"snprintf(n->text, sizeof n->text, \"%ld\", (long){self.number()});",
                "strncpy(n->text, \"nothing\", sizeof n->text);",
                "if (strlen(n->text) < 5) strcat(n->text, \"x\");",
                "qsort(r->words + 8, 9, sizeof(long), compare);"))
        elif kind == 7:
            self.out(self.pick(
                "n->other = n->other->other;", f"n->next = &r->nodes[{r.randrange(6)}];", "r->heads[k % 3u] = n;",
                "{ struct node *t = r->heads[0]; r->heads[0] = r->heads[2]; r->heads[2] = t; }",
                "if (r->heads[1]) r->heads[1]->v[2] += 3;", "n = n->other;"))
        elif kind == 8:
            self.out("{ struct node t = *n->other; int id = n->id; t.v[1] += k; *n = t; n->id = id; }")
        elif kind == 9:
            self.out(f"{{ long local[4] = {{1, 2, 3, k}}; long *e = {self.number()} & 1 ? &local[1] : &{self.pick('r->words[5]', 'n->v[2]', 'outside[1]')};"
                     f" *e += {self.number()}; e[-1] = e[1]; r->words[7] += local[1]; }}")
        elif kind == 10:
            self.out(f"{{ long *t = (long *)malloc(64); for (int i = 0; i < 8; ++i) t[i] = i * k; "
                     f"r->words[{r.randrange(48)}] = t[{r.randrange(8)}]; free(t); }}")
        elif kind == 11:
            self.loop()
        elif kind == 12:
            self.out("{ struct node *m = (struct node *)perdure_alloc(r, sizeof *m); m->id = r->next_id++; m->v[0] = k;")
            self.out("  " + self.pick("m->d = 2; m->i = (int)k;", "strcpy(m->text, \"new\"); m->b2 = 5;", "m->other = n;"))
            self.out("  m->next = r->list; r->list = m; m->v[3] = r->words[3]; }")
        elif kind == 13:
            self.out("if (r->list && r->list->id % 3 == 1) { struct node *m = r->list; r->list = m->next; m->v[1] = 9; perdure_free(m); }")
        else:
            self.out(f"for (struct node *m = r->list; m; m = m->next) {{ m->v[{r.randrange(4)}] += {self.number()}; "
                     f"{self.pick('', 'm->i++;', 'if (m->id & 1) m->c ^= 5;', 'if (m->v[0] > 50) break;', 'm->other = n;')} }}")

    def loop(self):
        r = self.rng
        bound = self.pick("48", "16", "(int)((unsigned long)k % 48)", "(int)(n->v[0] & 31)")
        step = self.pick("++i", "++i", "i += 2", "i += 3")
        value = self.number()
        self.out(self.pick(
            f"for (int i = 0; i < {bound}; {step}) r->words[i] += {value};",
            f"for (int i = {bound}; i-- > 0;) r->words[i] = {value} ^ i;",
            f"for (int i = 0; i < 16; {step}) {{ r->small[i] = i; if (i == (k & 15)) break; }}",
            f"for (int i = 0; i < 16; {step}) if (r->small[i] & 1) r->small[i] += (int){value};",
            f"for (int i = 0; i < 6; ++i) for (int j = 0; j < 8; ++j) r->words[i * 8 + j] += i * j;",
            f"for (int i = 0; i < 6; ++i) for (int j = 0; j < 5; ++j) r->words[i * 8 + j] -= j;",
            f"for (int i = 0; i < {bound}; ++i) n->v[2] += r->words[i] * i;",
            f"for (unsigned i = (unsigned)k % 7; i < 64; i += 1) r->bytes[i] ^= (unsigned char)i;",
            f"{{ int i = 0; do {{ r->words[i] = i * k; r->words[i + 1] = k; i += 2; }} while (i < 40); }}",
            f"for (int i = 0; i < NODES; ++i) {{ r->nodes[i].v[0] = i; r->nodes[i].v[1] += k; r->nodes[i].i++; }}",
            f"for (struct node *m = r->nodes; m != r->nodes + NODES; ++m) m->d += 1;"))

    def stretch(self):
        for _ in range(self.rng.randrange(1, 5)):
            self.simple()

    def branch(self):
        self.out(f"if (({self.number()}) {self.pick('& 1', '> 20', '== 3', '& 4')}) {{")
        self.indent += 1
        self.stretch()
        self.indent -= 1
        if self.rng.random() < 0.5:
            self.out("} else {")
            self.indent += 1
            self.stretch()
            self.indent -= 1
        self.out("}")

    def text(self):
        r = self.rng
        for _ in range(r.randrange(3, 9)):
            kind = r.randrange(10)
            again = "n = &r->nodes[(unsigned long)k % NODES];"
            if kind < 4:
                self.stretch()
            elif kind < 6:
                self.branch()
            elif kind == 6:
                self.out(f"event(); {again}")
            elif kind == 7:
                callee = self.pick(f"f{r.randrange(self.count)}", f"steps[(unsigned long){self.number()} % STEPS]")
                self.out(f"if (fuel-- > 0) {callee}(r, n->other, k + 1); {again}")
            elif kind == 8:
                self.out(f"if (fuel-- > 0) {{ fuel -= 10; nest(k + 3); }} {again}")
            else:
                self.out("for (int i = 0; i < 3; ++i) {")
                self.indent += 1
                self.stretch()
                if r.random() < 0.4:
                    self.out(f"event(); {again}")
                self.indent -= 1
                self.out("}")
        name = f"f{self.index}"
        attribute = self.pick("", "", "NOINLINE ", "PERDURE_IN_TRANSACTION ",
                              "__attribute__((always_inline)) inline " if self.index else "")
        body = "\n".join(self.lines)
        if not attribute:
            attribute = "MAYBE_UNLOGGED "
        return (f"{attribute if 'inline ' not in attribute else ''}void {name}(struct root *r, struct node *n, long k) {{\n{body}\n}}\n",
                "PERDURE_IN_TRANSACTION" in attribute)


def generate(seed):
    rng = random.Random(seed)
    count = rng.randrange(3, 7)
    steps = [Step(rng, i, count).text() for i in range(count)]
    parts = [f"/* transactions.py {seed} */", f"#define STEPS {count}", PRELUDE]
    parts.append("static int compare(const void *a, const void *b) {\n"
                 "  long x = *(const long *)a, y = *(const long *)b;\n  return x < y ? -1 : x > y;\n}\n"
                 "__attribute__((unused)) static int (*volatile keep)(const void *, const void *) = compare;\n"
                 "#ifdef __cplusplus\nextern \"C\" {\n#endif")
    for i, (_, marked) in enumerate(steps):
        parts.append(f"{'PERDURE_IN_TRANSACTION ' if marked else ''}void f{i}(struct root *r, struct node *n, long k);")
    # Two files where PART says which.
    for i, (text, _) in enumerate(steps):
        parts.append(f"#if !defined(PART) || PART == {1 + i % 2}\n{text}#endif")
    parts.append("#if !defined(PART) || PART == 1\nstep *const steps[] = {" +
                 ", ".join(f"f{i}" for i in range(count)) + "};\n#endif")
    parts.append("#ifdef __cplusplus\n}\n#endif\n#if !defined(PART) || PART == 1")
    parts.append(MAIN.replace('extern "C_" ', ""))
    parts.append("#endif")
    return "\n".join(parts)


# What the annotated program is built with; the first two always.
BUILDS = ["-O0", "-O2", "-O1", "-O3", "-Os", "-O2 -flto", "-O2 -flto=thin", "two -O2", "two -O0", "two -O1 -flto=thin",
          "-O2 -mllvm -inline-threshold=2000", "-O1 -g", "-O2 -fperdure-encoding=strict", "two -O3 -fPIC"]


def execute(command):
    try:
        result = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                text=True, errors="replace", timeout=120)
    except subprocess.TimeoutExpired:
        return "timeout", "", ""
    return result.returncode, result.stdout, result.stderr


def test(options, seed):
    folder = pathlib.Path(options.scratch) / f"seed{seed}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    cxx = seed % 2 == 1
    source = folder / ("program.cpp" if cxx else "program.c")
    source.write_text(generate(seed))
    native = folder / "native"
    code, _, error = execute([*shlex.split(options.native), *(["-x", "c++"] if cxx else []), "-O1", "-w", "-DNATIVE",
                              source, *(["-lstdc++"] if cxx else []), "-o", native])
    if code:
        return seed, [f"native build: {error[:2000]}"], 0
    code, expected, error = execute([native])
    if code:
        return seed, [f"native run: {code} {expected[-200:]} {error[-200:]}"], 0
    rest = BUILDS[2:]
    random.Random(seed).shuffle(rest)
    builds = BUILDS[:2] + rest if options.builds == 0 else (BUILDS[:2] + rest)[:options.builds]
    wrong = []
    for number, build in enumerate(builds):
        program = folder / f"p{number}"
        flags = [*build.split(), *(["-DUNLOGGED"] if options.unlogged else [])]
        driver = shlex.split(options.perdure_cxx if cxx else options.perdure_cc)
        if flags[0] == "two":
            flags = [*flags[1:], "-fperdure-tx-clones"]
            objects = [folder / f"p{number}.{part}.o" for part in "12"]
            for part, target in zip("12", objects):
                code, _, error = execute([*driver, *flags, "-w", f"-DPART={part}", "-c", source, "-o", target])
                if code:
                    break
            if not code:
                code, _, error = execute([*driver, *flags, *objects, "-o", program])
        else:
            code, _, error = execute([*driver, *flags, "-w", source, "-o", program])
        if code:
            wrong.append(f"{build}: build: {error[:1500]}")
            continue
        store = folder / f"store{number}"
        code, printed, error = execute([program, store])
        if code or printed != expected:
            wrong.append(f"{build}: exit {code} {printed[-200:]} {error[-300:]}: {program}")
        else:
            program.unlink()
            shutil.rmtree(store, ignore_errors=True)
    if not wrong:
        shutil.rmtree(folder)
    return seed, wrong, len(builds)


def main():
    if sys.argv[1] == "generate":
        print(generate(int(sys.argv[2])))
        return
    parser = argparse.ArgumentParser()
    for name in ("perdure_cc", "perdure_cxx", "native", "scratch"):
        parser.add_argument(name)
    parser.add_argument("first", type=int)
    parser.add_argument("last", type=int)
    parser.add_argument("--builds", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=0, help="begin no further program after so long")
    parser.add_argument("--unlogged", action="store_true")
    options = parser.parse_args()
    bad = built = programs = 0
    until = time.monotonic() + options.seconds if options.seconds else None

    def timed(seed):
        if until and time.monotonic() > until:
            return seed, None, 0
        return test(options, seed)

    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for seed, wrong, count in pool.map(timed, range(options.first, options.last)):
            if wrong is None:
                continue
            programs += 1
            built += count
            for line in wrong:
                print(f"seed {seed}: {line}", flush=True)
            bad += bool(wrong)
    print(f"{programs} programs, {built} builds, each of 400 transactions, {bad} wrong")
    sys.exit(bool(bad))


if __name__ == "__main__":
    main()
