"""What makes programs of the blocks that fragments.py finds: by page, language and number."""
import re
import subprocess
import sys

ELSEWHERE = object()  # a test that names the page runs it


def between(before, behind):
    return lambda text: before + text + behind


def split(before, lines, middle, behind):
    """The first lines of the block outside functions, the others inside one."""

    def make(text):
        parts = text.splitlines(True)
        return before + "".join(parts[:lines]) + middle + "".join(parts[lines:]) + behind

    return make


def linked(before):
    """A main that takes the address of all that the block declares."""

    def make(text):
        names = re.findall(r"\b(__perdure_\w+)(?=\(|;)", text)
        uses = "".join("  used = (void *)&%s;\n  if (!used) return 1;\n" % name for name in names)
        return "%s%s\nint main(void) {\n  void *volatile used;\n%s  return %d < 5;\n}\n" % (
            before, text, uses, len(names))

    return make


def benches(source, text):
    """Each command names a bench that there is; also where the block is indented."""
    named = re.findall(r"^ *bench/run ([a-z]\S*)", text, re.M)
    if not named:
        return
    listed = subprocess.run([sys.executable, source / "bench/run", "--list"], check=True, text=True,
                            stdout=subprocess.PIPE).stdout
    there = {line.split()[0] for line in listed.splitlines()}
    for name in named:
        if name not in there:
            sys.exit("bench/run knows no " + name)


HEAD = "#include <perdure/perdure.h>\n#include <stdio.h>\n"
OPEN = """
static void *open_root(size_t bytes) {
  perdure_store *store = perdure_store_open("store", PERDURE_CREATE);
  void *made = store ? perdure_create(store, "object", bytes, 0) : 0;
  if (!made)
    printf("%s\\n", perdure_errormsg());
  return made;
}
"""

PROGRAMS = {
    ("README.md", "c", 0): ELSEWHERE,
    ("README.md", "c", 1): split(
        HEAD + "struct PERDURE node { struct node *next; };\n", 1,
        "int main(void) {\n  struct node here = {0}, *n = &here;\n",
        "  *link = n;\n  return n->next != n;\n}\n"),
    ("README.md", "cmake", 0): ELSEWHERE,
    ("README.md", "sh", 0): ELSEWHERE,
    ("docs/AddingAnEncoding.md", "sh", 0): ELSEWHERE,
    ("docs/BitFlips.md", "sh", 0): ELSEWHERE,
    ("docs/CrashExplorer.md", "sh", 0): ELSEWHERE,
    ("docs/Cxx.md", "cpp", 0): between(
        HEAD + "#include <boost/container/map.hpp>\n#include <boost/container/vector.hpp>\n" + OPEN +
        "static void *root = open_root(8);\n",
        "int main() {\n  s->sizes.push_back(7);\n  s->index[3] = 4;\n"
        "  return !perdure_in_object(s->sizes.data()) || !perdure_in_object(&s->index[3]);\n}\n"),
    ("docs/Databases.md", "sql", 0): "",
    ("docs/Databases.md", "sql", 1): "",
    ("docs/Databases.md", "sql", 2): "",
    ("docs/ContinuousIntegration.md", "c", 0): ELSEWHERE,  # Install/lit.test
    ("docs/ContinuousIntegration.md", "python", 0): ELSEWHERE,
    ("docs/Debugging.md", "c", 0): ELSEWHERE,  # Tools/debugging.test
    ("docs/Installing.md", "sh", 0): ELSEWHERE,  # Install/install.test
    ("docs/Installing.md", "cmake", 0): ELSEWHERE,  # Install/make.test
    ("docs/Installing.md", "sh", 1): ELSEWHERE,  # Install/deb.test
    ("docs/Installing.md", "sh", 2): ELSEWHERE,  # ctest's own entries for AArch64
    ("docs/LanguageReference.md", "c", 0): between(
        HEAD + OPEN,
        "int main(void) {\n  struct node *n = open_root(sizeof *n);\n  node_ref *link = &n->next;\n"
        "  *link = n;\n  n->cache = &link;\n  n->kids = (node_ref *)perdure_alloc(n, 8);\n"
        "  n->kids[0] = n->next;\n  n->name = (char *)n;\n  n->table[1][2] = (int *)n;\n"
        "  return n->kids[0] != n || n->next != n;\n}\n"),
    ("docs/LanguageReference.md", "cpp", 0): between(
        HEAD + "struct node;\nnode *made();\nnode *n = made();\n",
        "node *made() { return new node{}; }\nint main() {\n  *where = n;\n  return n->next != n;\n}\n"),
    ("docs/LanguageReference.md", "c", 1): split(
        HEAD + OPEN, 4, "int main(void) {\n  struct page *page = open_root(sizeof *page);\n"
        "  page->writes = 3;\n", "  return page->writes != 4;\n}\n"),
    ("docs/LanguageReference.md", "llvm", 0): "",
    ("docs/Performance.md", "sh", 0): benches,
    ("docs/RuntimeABI.md", "c", 0): linked(
        "#include <stdint.h>\nstruct perdure_window;\nstruct perdure_binary;\n"
        "struct perdure_regions;\nstruct perdure_descriptors;\n"),
    ("docs/RuntimeABI.md", "c", 1): linked("#include <stdint.h>\n"),
    ("docs/Types.md", "c", 0): between(
        HEAD + "struct PERDURE list { struct list *next; };\nint main(void) {\n"
        "  perdure_store *store = perdure_store_open(\"store\", PERDURE_CREATE);\n"
        "  struct list *made = perdure_create(store, \"list\", sizeof *made, 0);\n",
        "  return !l || l != made;\n}\n"),
    ("docs/passes/EarlyContract.md", "llvm", 0): "",
    ("docs/passes/EarlyContract.md", "c", 0): between(
        HEAD, "int main(void) {\n  int there;\n  void *container = 0;\n"
        "  return decode((uint64_t)&there, &container, 0) != &there;\n}\n"),
}
