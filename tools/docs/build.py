#!/usr/bin/env python3
"""Builds the site of the documentation.

build.py --output DIR [--perdure PROGRAM] [--tblgen]

docs/README.md is the navigation: its sections and the links in them, in order. A link to
a header, a .def file or the man page leads to a reference that is made of it here; one
to another source file to a page that shows it. What is staged for Sphinx, and then built,
are the same Markdown files as a code host shows, with links rewritten to those pages.

--perdure PROGRAM  the built `perdure`, whose --help makes the page of commands; without
                   it the man page's source is shown
--tblgen           make the MLIR references from the .td files; else those in docs/ are
                   taken
"""
import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys

import reference
from pages import LINK, is_external, sections, target

HERE = pathlib.Path(__file__).resolve().parent
SOURCE = HERE.parent.parent
NAVIGATION = SOURCE / "docs/README.md"
LANGUAGES = {".h": "cpp", ".cpp": "cpp", ".c": "c", ".py": "python", ".sh": "bash",
             ".json": "json", ".mlir": "mlir", ".sql": "sql", ".txt": "text"}


class Stage:
    """The files that Sphinx reads: a mirror of the repository's pages."""

    def __init__(self, folder, options):
        self.folder, self.options = folder, options
        self.staged, self.waiting = {}, []
        self.navigated = {page for _, pages in sections(NAVIGATION) for _, page in pages}

    def name(self, file):
        """Where the page that shows a file lies in the stage."""
        relative = file.relative_to(SOURCE)
        if str(relative) == "README.md":
            return pathlib.Path("index.md")
        return relative if file.suffix == ".md" else relative.with_name(relative.name + ".md")

    def want(self, file):
        if file not in self.staged:
            if not file.exists():
                sys.exit("build.py: there is no %s" % file)
            self.staged[file] = self.name(file)
            self.waiting.append(file)
        return self.staged[file]

    def rewritten(self, page, text):
        here = self.name(page).parent

        def lead(match):
            link = match.group(2)
            if is_external(link):
                return match.group(0)
            file, anchor = target(page, link)
            if not file.exists():
                sys.exit("build.py: %s: the link %s leads nowhere" % (page.relative_to(SOURCE), link))
            where = os.path.relpath(self.want(file), here) if file != page else ""
            return match.group(1) + where + ("#" + anchor if anchor else "") + match.group(3)

        fenced = re.split(r"(^ *```.*?^ *```[^\n]*$)", text, flags=re.M | re.S)
        return "".join(part if i % 2 else LINK.sub(lead, part) for i, part in enumerate(fenced))

    def text(self, file):
        if file.suffix == ".md":
            if self.options.tblgen and file.name in ("MLIRPasses.md", "MLIROps.md"):
                out = subprocess.run([sys.executable, SOURCE / "mlir/document.py", "--print", file.name],
                                     check=True, text=True, stdout=subprocess.PIPE).stdout
                return self.rewritten(file, out)
            return self.rewritten(file, file.read_text())
        if file.suffix == ".h" and file.parent.name == "perdure" and file in self.navigated:
            return reference.header(file)
        if file.suffix == ".def" and file in self.navigated:
            return reference.table(file)
        if file.name == "perdure.1" and self.options.perdure:
            return reference.commands(self.options.perdure)
        shown = file.read_text()
        fence = "`" * max(3, 1 + max(map(len, re.findall("`+", shown)), default=0))
        return "# %s\n\n%s%s\n%s\n%s\n" % (file.relative_to(SOURCE), fence,
                                           LANGUAGES.get(file.suffix, "text"), shown.rstrip(), fence)

    def write(self):
        self.want(SOURCE / "README.md")
        for _, pages in sections(NAVIGATION):
            for _, page in pages:
                self.want(page)
        while self.waiting:
            file = self.waiting.pop()
            text = self.text(file)
            if self.name(file).name == "index.md" and file == SOURCE / "README.md":
                text += self.toctrees()
            elif file not in self.navigated:
                text = "---\norphan: true\n---\n\n" + text
            path = self.folder / self.name(file)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def toctrees(self):
        out = ""
        listed = {SOURCE / "README.md"}
        for title, pages in sections(NAVIGATION):
            names = []
            for label, page in pages:
                if page not in listed:
                    label = label.replace("`", "")
                    names.append("%s <%s>" % (label, self.want(page).with_suffix("")))
                listed.add(page)
            out += "\n```{toctree}\n:hidden:\n:caption: %s\n\n%s\n```\n" % (title, "\n".join(names))
        return out


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--output", required=True, type=pathlib.Path)
    parser.add_argument("--perdure")
    parser.add_argument("--tblgen", action="store_true")
    options = parser.parse_args()
    stage = options.output.with_name(options.output.name + "-pages")
    for folder in (stage, options.output):
        shutil.rmtree(folder, ignore_errors=True)
    stage.mkdir(parents=True)
    Stage(stage, options).write()
    # Sphinx keeps what it has parsed beside the pages, not in the site.
    built = subprocess.run(
        [sys.executable, "-m", "sphinx", "-b", "html", "-q", "-W", "--keep-going", "-c", HERE,
         "-d", stage / ".doctrees", stage, options.output])
    if built.returncode:
        sys.exit("build.py: Sphinx found what stands above")


if __name__ == "__main__":
    main()
