"""Makes Markdown references from headers and .def files.

header(path), table(path), commands(program): the text of a page each. A header's page
has its banners and every declaration with the comment above it, or, of templates and macros
that the banner explains, the header; a .def file's its rows, as tables. The pages lie two
folders below that of docs/, as their sources do.
"""
import re
import subprocess

# What is for the headers themselves, or for compiled code.
HIDDEN = re.compile(r"\bperdure__|\bPERDURE__|\b__perdure_|\bdetail\b")


def prose(text, known=()):
    """Plain text of a comment as Markdown: what `known` names becomes a link to its
    heading, a page of docs/ one to that, what looks like a name code."""

    def word(name):
        call = name.rstrip("()")
        if call in known:
            return "[`%s`](#%s)" % (name, call)
        if name.startswith("docs/"):
            return "[%s](../../%s)" % (name, name)
        return "`%s`" % name

    parts = text.split("`")
    for i in range(0, len(parts), 2):
        pieces = re.split(r"(<perdure/[\w.]+>|\[\[[\w:, ]+\]\]|\b__?\w+|\b\w*_\w+(?:\(\))?|"
                          r"\b(?:\w+::)+\w+|\bdocs/[\w/]+\.md\b|\b[\w/]+\.(?:h|def|md)\b)", parts[i])
        for k, piece in enumerate(pieces):
            if k % 2:
                pieces[k] = word(piece)
            else:
                pieces[k] = re.sub(r"([\\*<\[\]|~])", r"\\\1", piece)
        parts[i] = "".join(pieces)
    return "`".join(parts)


def paragraphs(lines, known=()):
    """Comment lines as Markdown: those that are indented are code."""
    out, text, code = [], [], []

    def flush():
        if text:
            out.append(prose(" ".join(text), known))
        if code:
            margin = min(len(c) - len(c.lstrip()) for c in code if c.strip())
            out.append("```text\n%s\n```" % "\n".join(c[margin:] for c in code).rstrip())
        text.clear()
        code.clear()

    for line in lines:
        if not line.strip():
            if code and not text:
                code.append("")
            else:
                flush()
        elif line.startswith("  "):
            if text:
                flush()
            code.append(line.rstrip())
        else:
            if code:
                flush()
            text.append(line.strip())
    flush()
    return "\n\n".join(out)


def comment_lines(comment):
    """The text of /* ... */ or of /// lines, without its frame."""
    if comment.startswith("/*"):
        lines = comment[2:-2].rstrip().split("\n")
        return [lines[0].strip()] + [re.sub(r"^ {1,3}", "", x).rstrip() for x in lines[1:]]
    return [re.sub(r"^/// ?", "", x) for x in comment.split("\n")]


def declaration(text):
    """The declaration at the beginning of text, a body of statements left out."""
    depth, i = 0, 0
    while i < len(text):
        c = text[i]
        if text.startswith("/*", i):
            i = text.index("*/", i) + 1
        elif text.startswith("//", i):
            i = text.find("\n", i)
        elif c == "{" and not depth and not re.match(
                r"(typedef )?(struct|enum|union)\b", re.sub(r"^template <.*?>\s*", "", text)):
            return re.sub(r"\s+:\s.*", "", text[:i], flags=re.S).rstrip() + ";"
        elif c in "{(":
            depth += 1
        elif c in "})":
            depth -= 1
        elif c == ";" and not depth:
            return text[:i + 1]
        i += 1
    return text


def below_condition(text):
    """Of what stands between #if and #endif the exported declaration, if any."""
    if not text.startswith("#if"):
        return text
    block = text[:text.index("#endif")]
    found = re.search(r"^PERDURE_API", block, re.M)
    return block[found.start():] if found else ""


def title_of(code, comment):
    code = re.sub(r"__attribute__\(\(.*?\)\)|/\*.*?\*/", "", code, flags=re.S)
    for pattern in (r"^(?:typedef )?(struct \w+|enum \w+) [^(]*\{", r"\b(perdure_\w+)\s*\(",
                    r"^(?:struct|class) (\w+)", r"\b(\w+)\s*\("):
        found = re.search(pattern, code)
        if found:
            return found.group(1), True
    return comment[0].split(".")[0], False


def header(path):
    """A header's page."""
    text = path.read_text()
    # What the headers have for themselves.
    text = re.sub(r'\s+PERDURE__OBJECT_ONLY\("[^"]*"\);', ";", text)
    text = re.sub(r"^namespace detail \{.*?^\} // namespace detail$", "", text, flags=re.M | re.S)
    items, at = [], 0
    pattern = re.compile(r"^/\*===-+ ?(?P<title>[^\n]*?)-*===\*\\\n(?P<body>(?:\|\*[^\n]*\n)*)\\\*=+-*=+\*/$|"
                         r"^(?P<comment>/\*(?!=).*?\*/|///[^\n]*(?:\n///[^\n]*)*)[ ]*\n(?=\S)|"
                         r"^(?=struct perdure_\w+ \{)", re.M | re.S)
    while True:
        found = pattern.search(text, at)
        if not found:
            break
        at = max(found.end(), at + 1)
        if found.group("title") is not None:
            body = [re.sub(r"^\|\* ?", "", x) for x in found.group("body").rstrip().split("\n")]
            items.append(("banner", found.group("title").strip(" -"), body))
            continue
        rest = below_condition(text[found.end():])
        if not rest or rest.startswith(("#", "/*", "//", "namespace", "}", "extern")):
            continue
        code = declaration(rest)
        if len(code) > 6000 or HIDDEN.search(re.sub(r"/\*.*?\*/", "", code, flags=re.S)):
            continue
        at = max(at, found.end() + (len(code) - 1 if text.startswith(code, found.end()) else 0))
        comment = comment_lines(found.group("comment")) if found.group("comment") else []
        name, is_name = title_of(code, comment or [""])
        items.append((name if is_name else "", name, comment, code))
    known = {i[0] for i in items if i[0] and i[0] != "banner"}
    out = ["# perdure/%s" % path.name]
    first = True
    for item in items:
        if item[0] == "banner":
            if not first:
                out.append("## " + item[1])
            out.append(paragraphs(item[2], known))
            first = False
            continue
        name, title, comment, code = item
        out.append("## " + ("`%s`" % title if name else title))
        if code.startswith("PERDURE_API "):
            code = re.sub(r"\n {12}", "\n", code[len("PERDURE_API "):])
        out.append("```%s\n%s\n```" % ("cpp" if "template" in code or "::" in code else "c", code))
        if comment:
            out.append(paragraphs(comment, known))
    if not known:  # templates and macros: what the banner says, and how they are made
        body = path.read_text().split("===*/\n", 1)[1].strip()
        body = re.sub(r"^namespace detail \{.*?^\} // namespace detail\n+", "", body, flags=re.M | re.S)
        out += ["## Declarations", "```cpp\n%s\n```" % body]
    return "\n\n".join(out) + "\n"


def split_arguments(text):
    """A row's arguments; strings without their quotes, neighbours joined."""
    out = []
    for part in re.findall(r'(?:"(?:[^"\\]|\\.)*"|[^,"])+', text, re.S):
        strings = re.findall(r'"((?:[^"\\]|\\.)*)"', part)
        out.append(("", "".join(strings).replace('\\"', '"')) if strings else ("code", part.strip()))
    return out


def cell(kind, text):
    if kind == "code" or re.fullmatch(r"[\w.:-]*[_.][\w.:-]*", text):
        return "`%s`" % text.replace("|", "\\|")
    return prose(text) or " "


def table(path):
    """The page of a .def file: its rows as tables, with the comments between them."""
    text = path.read_text()
    end = text.index("\n\n", text.rindex("===-----", 0, text.index("#") if "#" in text else None))
    banner, rest = text[:end].split("\n"), text[end:]
    lines = [re.sub(r"^(\|\*|//) ?", "", x) for x in banner[1:]]
    lines = [x for x in lines if not x.lstrip("\\*").startswith(("===-", "=="))]
    columns = {m.group(1): [a.strip() for a in m.group(2).split(",")]
               for m in re.finditer(r"^ *(PERDURE_\w+)\(([\w, ]+)\)", "\n".join(lines), re.M)}
    name = "perdure/" + path.name if path.parent.name == "perdure" else path.name
    out, rows = ["# " + name, paragraphs(lines)], {}

    def flush():
        for macro, body in rows.items():
            names = columns.get(macro) or ["Name"] * body[0].count(" | ")
            out.append("`%s`:" % macro)
            out.append("| %s |\n|%s\n%s" % (" | ".join(names), "---|" * len(names), "\n".join(body)))
        rows.clear()

    rest = re.sub(r"^#(.*\\\n)*.*\n", "", rest, flags=re.M)
    for found in re.finditer(r"((?:^/\*.*?\*/[ ]*\n)+)|^(PERDURE_\w+)\(((?:\"(?:[^\"\\]|\\.)*\"|[^)\"])*)\)$",
                             rest, re.M | re.S):
        if found.group(1):
            flush()
            comment = re.sub(r" *\*/[ ]*$", "", found.group(1).rstrip(), flags=re.M)
            out.append(paragraphs([re.sub(r"^(/\*|  ) ?", "", x) for x in comment.split("\n")]))
        else:
            arguments = [cell(*a) for a in split_arguments(found.group(3))]
            rows.setdefault(found.group(2), []).append("| %s |" % " | ".join(arguments))
    flush()
    return "\n\n".join(x for x in out if x) + "\n"


def commands(program):
    """The page of a program with subcommands, from what its --help prints."""

    def shown(*words):
        return subprocess.run([program, *words, "--help"], text=True, check=True,
                              stdout=subprocess.PIPE).stdout.rstrip()

    top = shown()
    out = ["# perdure: the commands", "What `perdure --help` and `perdure COMMAND --help` print; "
           "`perdure.1` is the man page.", "```text\n%s\n```" % top]
    names = re.findall(r"^  ([a-z]+) {2,}", top.split("ommands:")[-1], re.M)
    for name in names:
        text = shown(name)
        out += ["## `perdure %s`" % name, "```text\n%s\n```" % text]
        for part in re.findall(r"^  ([a-z]+) {2,}", text.split("ommands:")[1], re.M) \
                if "ommands:" in text else []:
            out += ["### `perdure %s %s`" % (name, part), "```text\n%s\n```" % shown(name, part)]
    return "\n\n".join(out) + "\n"
