"""Drives report.html in a headless Chromium: swipe, sort, filter, keys. Ends with 77 where there is none.

    python3 tests/browser/page.py OUT/report.html [SCREENSHOT_FOLDER]
"""

import html
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

page = sys.argv[1]
names = ["chromium", "chromium-browser", "google-chrome", "chrome"]
browser = next((shutil.which(n) for n in names if shutil.which(n)), None)
if not browser:
    print("no Chromium is there; the page was not driven")
    sys.exit(77)

DRIVE = """
<script>
addEventListener("load", () => {
  const told = {}, all = (q) => Array.from(document.querySelectorAll(q)), one = (q) => document.querySelector(q);
  const fire = (e, type) => e.dispatchEvent(new Event(type, { bubbles: true }));
  const column = (n) => all("#works-table tbody tr").filter((r) => !r.hidden).map((r) => r.cells[n].dataset.v);
  try {
    told.rows = column(0).length;
    const length = one("[data-sort=length]");
    length.click(); told.up = column(4).map(Number); told.ariaUp = length.parentElement.getAttribute("aria-sort");
    length.click(); told.down = column(4).map(Number); told.ariaDown = length.parentElement.getAttribute("aria-sort");
    const first = column(1)[0];
    one("#f-text").value = first.toLowerCase(); fire(one("#f-text"), "input");
    told.searched = column(1); told.first = first; told.count = one("#f-count").textContent;
    told.articles = all("#works article").filter((a) => !a.hidden).map((a) => a.dataset.id);
    one("#f-text").value = ""; one("#f-conf").value = "0.5"; fire(one("#f-conf"), "input");
    told.sure = column(3).map(Number);
    one("#f-conf").value = "0"; one("#f-km").value = "0.001"; fire(one("#f-km"), "input");
    told.near = column(1).length;
    one("#f-km").value = ""; fire(one("#f-km"), "input");
    told.back = column(0).length;
    const range = one(".swipe input[type=range]"), frame = one(".swipe .frame"), later = frame.querySelector(".later");
    range.value = 80; fire(range, "input");
    told.cut = frame.style.getPropertyValue("--cut"); told.clip = getComputedStyle(later).clipPath;
    const box = frame.getBoundingClientRect();
    frame.dispatchEvent(new PointerEvent("pointermove", { clientX: box.left + box.width / 4, buttons: 1, bubbles: true }));
    told.dragged = +range.value;
    told.pictures = all(".swipe img").map((i) => i.complete && i.naturalWidth > 0);
    const toggle = one(".swipe input[type=checkbox]");
    toggle.click(); told.line = getComputedStyle(one(".swipe .outline")).display;
    const map = one("#mapsvg"), before = map.getAttribute("viewBox");
    map.dispatchEvent(new KeyboardEvent("keydown", { key: "+", bubbles: true }));
    told.zoomed = map.getAttribute("viewBox") !== before;
    map.dispatchEvent(new KeyboardEvent("keydown", { key: "0", bubbles: true }));
    told.whole = map.getAttribute("viewBox").split(" ").map(Number).join() === before.split(" ").map(Number).join();
    told.unnamed = all("button,input,select,img,svg[role=img]").filter((e) =>
      !(e.textContent.trim() || e.getAttribute("aria-label") || e.alt || (e.labels && e.labels.length))).length;
    told.wide = document.documentElement.scrollWidth > innerWidth + 1;
  } catch (e) { told.error = String(e.stack || e); }
  document.body.setAttribute("data-told", JSON.stringify(told));
});
</script></body>"""


def chromium(*arguments):
    line = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", *arguments]
    return subprocess.run(line, capture_output=True, text=True, timeout=120)


def drive(size):
    with tempfile.TemporaryDirectory() as folder:
        copy = os.path.join(folder, "page.html")
        with open(page, encoding="utf-8") as f:
            text = f.read()
        assert text.count("</body>") == 1
        with open(copy, "w", encoding="utf-8") as f:
            f.write(text.replace("</body>", DRIVE))
        said = chromium(f"--window-size={size}", "--virtual-time-budget=8000", "--dump-dom", "file://" + copy)
    found = re.search(r'data-told="([^"]*)"', said.stdout)
    assert found, said.stderr[-2000:]
    told = json.loads(html.unescape(found.group(1)))
    assert "error" not in told, told["error"]
    assert told["rows"] > 0 and told["rows"] == told["back"]
    assert told["up"] == sorted(told["up"]) and told["ariaUp"] == "ascending", told
    assert told["down"] == sorted(told["down"], reverse=True) and told["ariaDown"] == "descending", told
    assert told["searched"] == [told["first"]] == told["articles"] and told["count"] == f"1 of {told['rows']}", told
    assert all(c >= 0.5 for c in told["sure"]) and told["near"] == 0, told
    assert told["cut"] == "20%" and "20%" in told["clip"] and told["dragged"] == 75, told
    assert told["pictures"] and all(told["pictures"]) and told["line"] == "none", told
    assert told["zoomed"] and told["whole"] and told["unnamed"] == 0 and not told["wide"], told


for size in ["1280,1600", "500,1200"]:
    drive(size)
if len(sys.argv) > 2:
    for name, size in [("wide", "1280,3200"), ("phone", "500,3200")]:
        chromium(f"--window-size={size}", f"--screenshot={os.path.join(sys.argv[2], name)}.png", "file://" + os.path.abspath(page))
    chromium(f"--print-to-pdf={os.path.join(sys.argv[2], 'print')}.pdf", "file://" + os.path.abspath(page))
print("swipe, sort, filter, keys and zoom work, wide and narrow")
