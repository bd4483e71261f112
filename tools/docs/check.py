#!/usr/bin/env python3
"""Checks the links of the documentation.

check.py pages [SOURCE]  the Markdown files, as a code host shows them: relative links and
                         their anchors; and that docs/README.md leads to all that is below
                         docs/, and to each header
check.py site DIR        the built site: every link and every anchor, and that nothing is
                         loaded from elsewhere
"""
import html.parser
import pathlib
import re
import sys
import urllib.parse

import pages as markdown


def slug(title):
    """The anchor that code hosts give a heading."""
    title = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", title).replace("`", "").strip().lower()
    return re.sub(r"[^\w\- ]", "", title).replace(" ", "-")


def anchors(file):
    found, seen = set(), {}
    for title in re.findall(r"^#{1,6} +(.+?) *#*$", markdown.without_blocks(file.read_text()), re.M):
        name = slug(title)
        found.add(name if name not in seen else "%s-%d" % (name, seen[name]))
        seen[name] = seen.get(name, 0) + 1
    return found


def check_pages(source):
    wrong = []
    for page in sorted(source.rglob("*.md")):
        relative = page.relative_to(source)
        if any(part.startswith((".", "build")) for part in relative.parts):
            continue
        for _, link in markdown.links(page.read_text()):
            if markdown.is_external(link):
                continue
            file, anchor = markdown.target(page, link)
            if not file.exists():
                wrong.append("%s: the link %s leads nowhere" % (relative, link))
            elif anchor and (file.suffix != ".md" or anchor not in anchors(file)):
                wrong.append("%s: %s has no anchor %s" % (relative, file.relative_to(source), anchor))
    docs = source / "docs"
    listed = {page for _, pages in markdown.sections(docs / "README.md") for _, page in pages}
    headers = (source / "include/perdure").glob("*.*")
    for page in sorted([*docs.rglob("*.md"), *headers]):
        if page not in listed and page != docs / "README.md":
            wrong.append("docs/README.md does not lead to %s" % page.relative_to(source))
    return wrong


class Page(html.parser.HTMLParser):
    def __init__(self, file):
        super().__init__()
        self.ids, self.links, self.loads = set(), [], []
        self.feed(file.read_text())

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if attributes.get("id"):
            self.ids.add(attributes["id"])
        if tag == "a" and attributes.get("href"):
            self.links.append(attributes["href"])
        if tag in ("script", "img", "iframe") and attributes.get("src"):
            self.loads.append(attributes["src"])
        if tag == "link" and attributes.get("href"):
            self.loads.append(attributes["href"])


def check_site(folder):
    wrong = []
    pages = {file.resolve(): Page(file) for file in folder.rglob("*.html")}
    if not pages:
        return ["there are no pages in %s" % folder]
    for file, page in pages.items():
        name = file.relative_to(folder.resolve())
        for link in page.links + page.loads:
            parts = urllib.parse.urlsplit(link)
            if parts.scheme or parts.netloc:
                if link in page.loads and parts.scheme != "data":
                    wrong.append("%s: loads %s" % (name, link))
                continue
            to = file if not parts.path else \
                (file.parent / urllib.parse.unquote(parts.path)).resolve()
            if not to.exists():
                wrong.append("%s: the link %s leads nowhere" % (name, link))
            elif parts.fragment and to in pages and \
                    urllib.parse.unquote(parts.fragment) not in pages[to].ids:
                wrong.append("%s: there is no anchor %s" % (name, link))
    for file in folder.rglob("*.css"):
        if re.search(r"url\([\"']?(?:https?:)?//|@import +[\"'](?:https?:)?//", file.read_text()):
            wrong.append("%s loads from elsewhere" % file.relative_to(folder))
    return wrong


def main():
    if sys.argv[1:2] == ["pages"]:
        default = pathlib.Path(__file__).resolve().parent.parent.parent
        wrong = check_pages(pathlib.Path(sys.argv[2]).resolve() if len(sys.argv) > 2 else default)
    elif sys.argv[1:2] == ["site"] and len(sys.argv) == 3:
        wrong = check_site(pathlib.Path(sys.argv[2]))
    else:
        sys.exit(__doc__)
    if wrong:
        sys.exit("\n".join(wrong))


main()
