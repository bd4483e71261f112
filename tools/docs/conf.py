# Sphinx's configuration for build.py. Nothing is fetched: the theme's fonts are the
# system's, and it has a light and a dark half.
from pygments.lexers.special import TextLexer

project = "Perdure"
copyright = ""
html_title = "Perdure"
extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
root_doc = "index"
exclude_patterns = [".doctrees"]

# The Markdown is what code hosts read: anchors as they make them, and of MyST's own
# syntax only the table of contents that build.py writes.
myst_heading_anchors = 4
myst_disable_syntax = ["myst_line_comment", "myst_block_break", "myst_target", "myst_role",
                       "colon_fence", "footnote_ref", "footnote_block"]
# Tables and consoles are what is there, not programs without errors.
suppress_warnings = ["misc.highlighting_failure", "myst.header"]

smartquotes = False

html_theme = "furo"
html_copy_source = False
html_show_sphinx = False
html_show_copyright = False
html_use_index = False
html_domain_indices = False
html_static_path = ["static"]
html_css_files = ["site.css"]
html_js_files = ["site.js"]
pygments_style = "friendly"
pygments_dark_style = "monokai"


def without_furos(app, page, template, context, doctree):
    """site.js says why."""
    context["script_files"] = [x for x in context["script_files"]
                               if getattr(x, "filename", x) != "_static/scripts/furo.js"]


def setup(app):
    app.add_lexer("mlir", TextLexer)
    app.connect("html-page-context", without_furos, priority=900)
