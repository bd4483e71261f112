"""What the Markdown pages say: their links, and the navigation in docs/README.md."""
import os
import pathlib
import re

LINK = re.compile(r"(\[(?:[^\[\]]|\[[^\]]*\])*\]\()([^)\s]+)(\))")


def without_blocks(text):
    return re.sub(r"^ *```.*?^ *```[^\n]*$", "", text, flags=re.M | re.S)


def links(text):
    """(label, target) of each link."""
    return [(m.group(1)[1:-2], m.group(2)) for m in LINK.finditer(without_code(text))]


def without_code(text):
    """text whose code has no brackets left."""
    return re.sub(r"`[^`\n]*`", lambda m: re.sub(r"[\[\]()]", "x", m.group(0)),
                  without_blocks(text))


def is_external(link):
    return re.match(r"[a-z]+:", link) is not None


def target(page, link):
    """The file of the repository that a relative link of a page leads to, and its anchor."""
    path, _, anchor = link.partition("#")
    file = page if not path else pathlib.Path(os.path.normpath(page.parent / path))
    if file.is_dir():
        file = file / "README.md"
    return file, anchor


def sections(navigation):
    """(title, [(label, page)]) of the navigation."""
    result = []
    for part in re.split(r"(?m)^## ", navigation.read_text())[1:]:
        title, _, body = part.partition("\n")
        pages = [(label, target(navigation, x)[0]) for label, x in links(body)
                 if not is_external(x)]
        if pages:
            result.append((title, pages))
    return result
