"""One page that needs no other file: plots, tables and figures of a bench."""

import html
import io
import json
import pathlib

from matplotlib import pyplot


def table(Title, Lines):
    Head, *Body = Lines
    Out = [f"<h3>{html.escape(Title)}</h3><table><thead><tr>"]
    Out += [f"<th>{html.escape(C)}</th>" for C in Head]
    Out.append("</tr></thead><tbody>")
    for Line in Body:
        Out.append("<tr>" + f"<th>{html.escape(Line[0])}</th>" +
                   "".join(f"<td>{html.escape(C)}</td>" for C in Line[1:]) + "</tr>")
    return "".join(Out) + "</tbody></table>"


Style = """
body { font: 15px/1.45 sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #111;
       background: #fff }
figure { margin: 1.5rem 0; break-inside: avoid } figcaption { font-size: 13px; color: #333 }
svg { width: 100%; height: auto; max-width: 52rem }
.scroll { overflow-x: auto } table { border-collapse: collapse; font-size: 12.5px; margin: 0 0 1rem }
th, td { padding: 2px 8px; text-align: right; white-space: nowrap; border-bottom: 1px solid #ddd }
th:first-child { text-align: left } h1 { font-size: 22px } h2 { font-size: 18px } h3 { font-size: 14px }
.note { background: #fff4d6; padding: .4rem .7rem } @media print { body { margin: 0 } }
"""


def page(Result, Plots, Tables, Note):
    M = Result["machine"]
    Out = [f"<!doctype html><html lang='en'><head><meta charset='utf-8'>"
           f"<title>Perdure: {html.escape(Result['bench'])}</title><style>{Style}</style></head><body>",
           f"<h1>{html.escape(Result['bench'])}: {html.escape(Result['about'])}</h1>",
           f"<p>{html.escape(M['processor'])}, {M['cores']} cores, Linux {html.escape(M['system'])}, "
           f"files in {html.escape(M['directory'])}, {M['date']}. {html.escape(Note)}</p>"]
    if Result["quick"]:
        Out.append("<p class='note'>A quick run: a look, no figures to publish.</p>")
    for Number, (_, Caption, Svg) in enumerate(Plots, 1):
        Out.append(f"<figure>{Svg}<figcaption>Figure {Number}. {html.escape(Caption)}"
                   "</figcaption></figure>")
    Out.append("<h2>Tables</h2>")
    for Title, Lines in Tables:
        Out.append(f"<div class='scroll'>{table(Title, Lines)}</div>")
    Data = json.dumps(Result).replace("</", "<\\/")
    Out.append(f"<script type='application/json' id='data'>{Data}</script></body></html>\n")
    return "\n".join(Out)


def write(Result, Dir, Figures, Tables, Note):
    """DIR/NAME.html, and DIR/NAME-*.svg of the figures: name, caption, plot."""
    Dir = pathlib.Path(Dir)
    Dir.mkdir(parents=True, exist_ok=True)
    Plots = []
    for Name, Caption, Figure in Figures:
        Text = io.StringIO()
        Figure.savefig(Text, format="svg", metadata={"Date": None})
        pyplot.close(Figure)
        Svg = Text.getvalue()
        (Dir / f"{Result['bench']}-{Name}.svg").write_text(Svg)
        Plots.append((Name, Caption, Svg[Svg.index("<svg"):]))
    (Dir / f"{Result['bench']}.html").write_text(page(Result, Plots, Tables, Note))
