"""browser.py CHROMIUM PAGE FOLDER

Opens a page of perdure flips html in a headless browser, which clicks on each head of
each table, twice. The rows have to come down and up in order, all of them, and no
script may fail. FOLDER is for the browser's files."""
import html
import json
import pathlib
import re
import subprocess
import sys

# In the page after its own script; what it says is found in the document.
PROBE = """<script>
const seen = [];
window.onerror = what => { seen.push({error: String(what)}); };
for (const table of document.querySelectorAll('table.sorted'))
  for (const head of table.querySelectorAll('th'))
    for (const click of [1, 2]) {
      head.click();
      const cells = [...table.tBodies[0].rows].map(row => row.cells[head.cellIndex]);
      seen.push({head: head.textContent, order: head.getAttribute('aria-sort'),
                 values: cells.map(cell => cell.dataset.value ?? cell.textContent)});
    }
document.body.innerHTML = '<pre id="seen"></pre>';
document.getElementById('seen').textContent = JSON.stringify(seen);
</script>"""


def key(values):
    """Numbers as such where all are."""
    try:
        return [float(value) for value in values]
    except ValueError:
        return None


chromium, page, folder = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
text = page.read_text()
if text.count("</body>") != 1:
    sys.exit(f"browser.py: {page} has no one </body>")
probed = folder / "probed.html"
folder.mkdir(parents=True, exist_ok=True)
probed.write_text(text.replace("</body>", PROBE + "</body>"))
# No sandbox: tests may run as root.
run = subprocess.run([chromium, "--headless=new", "--no-sandbox", "--disable-gpu",
                      f"--user-data-dir={folder / 'profile'}", "--dump-dom",
                      probed.resolve().as_uri()], capture_output=True, text=True, timeout=120)
found = re.search(r'<pre id="seen">(.*?)</pre>', run.stdout, re.S)
if not found:
    sys.exit(f"browser.py: the page's scripts did not end:\n{run.stdout[-2000:]}\n{run.stderr}")
seen = json.loads(html.unescape(found.group(1)))
sorted_columns = 0
for step in seen:
    if "error" in step:
        sys.exit(f"browser.py: a script failed: {step['error']}")
    values, numbers = step["values"], key(step["values"])
    if numbers:
        wanted = sorted(numbers, reverse=step["order"] == "descending")
        if numbers != wanted:
            sys.exit(f"browser.py: '{step['head']}', {step['order']}: {values}")
        sorted_columns += len(set(numbers)) > 1
    if step["order"] not in ("ascending", "descending") or not values:
        sys.exit(f"browser.py: {step}")
orders = {step["order"] for step in seen}
if sorted_columns < 6 or len(orders) != 2:
    sys.exit(f"browser.py: only {sorted_columns} columns had anything to sort")
print(f"{len(seen)} clicks, {sorted_columns} columns in order")
