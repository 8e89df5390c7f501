"""Drives report.html in a headless Chromium: swipe, sort, filter, keys, a phone's width, what a screen reader is told.
Ends with 77 where there is none.

    python3 tests/browser/page.py OUT/report.html [SCREENSHOT_FOLDER]
"""

import base64
import json
import os
import shutil
import subprocess
import sys
import tempfile

page = "file://" + os.path.abspath(sys.argv[1])
names = ["chromium", "chromium-browser", "google-chrome", "chrome"]
binary = next((shutil.which(n) for n in names if shutil.which(n)), None)
if not binary:
    print("no Chromium is there; the page was not driven")
    sys.exit(77)

FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--disable-background-networking", "--no-first-run",
         "--remote-debugging-pipe"]


class Browser:
    """A browser and one page in it, spoken to over a pipe in the DevTools protocol."""

    def __init__(self, folder):
        ours, theirs = os.pipe(), os.pipe()
        command = [binary, *FLAGS, f"--user-data-dir={folder}", "about:blank"]
        # The browser reads from its file 3 and writes to its file 4.
        shell = ["bash", "-c", f'exec "$@" 3<&{ours[0]} 4>&{theirs[1]}', "browser", *command]
        self.process = subprocess.Popen(shell, pass_fds=(ours[0], theirs[1]), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(ours[0]), os.close(theirs[1])
        self.out, self.back = os.fdopen(ours[1], "wb", buffering=0), os.fdopen(theirs[0], "rb")
        self.count, self.session, self.events = 0, None, []
        target = self("Target.createTarget", url="about:blank")["targetId"]
        self.session = self("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self("Page.enable")

    def read(self):
        text = bytearray()
        while (byte := self.back.read(1)) != b"\0":
            assert byte, "the browser went away"
            text += byte
        return json.loads(text)

    def __call__(self, method, **params):
        self.count += 1
        asked = {"id": self.count, "method": method, "params": params}
        if self.session:
            asked["sessionId"] = self.session
        self.out.write(json.dumps(asked).encode() + b"\0")
        while (told := self.read()).get("id") != self.count:
            self.events.append(told.get("method"))
        assert "error" not in told, (method, told["error"])
        return told["result"]

    def open(self, url, width, height):
        self("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600)
        self.events.clear()
        self("Page.navigate", url=url)
        while "Page.loadEventFired" not in self.events:
            self.events.append(self.read().get("method"))

    def js(self, text):
        told = self("Runtime.evaluate", expression=text, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in told, told["exceptionDetails"]
        return told["result"].get("value")

    def key(self, key, code):
        for kind in ["keyDown", "keyUp"]:
            self("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code)

    def close(self):
        self.out.close()
        self.process.terminate()
        self.process.wait(20)


DRIVE = """
(() => {
  const told = {}, all = (q) => Array.from(document.querySelectorAll(q)), one = (q) => document.querySelector(q);
  const fire = (e, type) => e.dispatchEvent(new Event(type, { bubbles: true }));
  const shown = () => all("#works-table tbody tr").filter((r) => r.getClientRects().length);
  const column = (n) => shown().map((r) => r.cells[n].dataset.v);
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
  told.dragged = +range.value; told.said = range.getAttribute("aria-valuetext");
  const toggle = one(".swipe input[type=checkbox]");
  toggle.click(); told.line = getComputedStyle(one(".swipe .outline")).display; toggle.click();
  const map = one("#mapsvg"), before = map.getAttribute("viewBox");
  map.dispatchEvent(new KeyboardEvent("keydown", { key: "+", bubbles: true }));
  told.zoomed = map.getAttribute("viewBox") !== before;
  map.dispatchEvent(new KeyboardEvent("keydown", { key: "0", bubbles: true }));
  told.whole = map.getAttribute("viewBox").split(" ").map(Number).join() === before.split(" ").map(Number).join();
  told.width = innerWidth; told.wide = document.documentElement.scrollWidth;
  // What sticks out of the page and cannot be scrolled to.
  told.out = all("body *").filter((e) => e.getClientRects().length && !e.closest(".wide,svg,.unseen,.skip")
    && (e.getBoundingClientRect().right > innerWidth + 1 || e.getBoundingClientRect().left < -1)).map((e) => e.outerHTML.slice(0, 90));
  told.small = all("button,input,select").filter((e) => e.getClientRects().length && e.type !== "checkbox"
    && e.getBoundingClientRect().height < 24).map((e) => e.outerHTML.slice(0, 90));
  told.headings = all("h1,h2,h3,h4").map((h) => +h.tagName[1]);
  told.landmarks = ["header", "main", "nav"].every((q) => all(q).length === 1) && document.documentElement.lang === "en";
  told.heads = all("table").every((t) => t.caption && t.querySelector("thead th[scope=col]") && t.querySelector("tbody th[scope=row]"));
  return told;
})()"""

PICTURES = """
(async () => {
  const all = Array.from(document.querySelectorAll(".swipe img"));
  all.forEach((i) => { i.loading = "eager"; });
  await Promise.all(all.map((i) => i.decode()));
  return all.map((i) => i.naturalWidth > 0);
})()"""


def drive(browser, width, height):
    browser.open(page, width, height)
    told = browser.js(DRIVE)
    pictures = browser.js(PICTURES)
    assert told["rows"] > 0 and told["rows"] == told["back"]
    assert told["up"] == sorted(told["up"]) and told["ariaUp"] == "ascending", told
    assert told["down"] == sorted(told["down"], reverse=True) and told["ariaDown"] == "descending", told
    assert told["searched"] == [told["first"]] == told["articles"] and told["count"] == f"1 of {told['rows']}", told
    assert all(c >= 0.5 for c in told["sure"]) and told["near"] == 0, told
    assert told["cut"] == "20%" and "20%" in told["clip"] and told["dragged"] == 75 and told["said"] == "75 %", told
    assert pictures and all(pictures) and told["line"] == "none", told
    assert told["zoomed"] and told["whole"], told
    assert told["width"] == width and told["wide"] <= width and not told["out"] and not told["small"], told
    steps = zip(told["headings"], told["headings"][1:])
    assert told["headings"][0] == 1 and all(b <= a + 1 for a, b in steps), told["headings"]
    assert told["landmarks"] and told["heads"], told


def keys(browser):
    """Everything by keys alone: along the page with Tab, a swipe with the arrows, a sort with the space bar."""
    browser.open(page, 1280, 900)
    seen, tabs = {}, 0
    here = "(() => { const e = document.activeElement; return [e.tagName, e.dataset.sort || e.type || e.id || '', e.className]; })()"
    while tabs < 400 and not ("swipe" in seen and "sort" in seen):
        browser.key("Tab", 9)
        tabs += 1
        tag, kind, classes = browser.js(here)
        if tabs == 1:
            assert classes == "skip", "the first stop is not the link to the table"
        outline = browser.js("getComputedStyle(document.activeElement).outlineStyle")
        assert outline != "none", f"the focus cannot be seen on {tag} {kind}"
        if kind == "distance" and "sort" not in seen:
            browser("Input.dispatchKeyEvent", type="keyDown", key=" ", code="Space", windowsVirtualKeyCode=32, text=" ")
            browser("Input.dispatchKeyEvent", type="keyUp", key=" ", code="Space", windowsVirtualKeyCode=32)
            seen["sort"] = browser.js("document.activeElement.parentElement.getAttribute('aria-sort')")
        if kind == "range":
            for _ in range(5):
                browser.key("ArrowRight", 39)
            seen["swipe"] = browser.js("[+document.activeElement.value, document.activeElement.closest('figure')"
                                       ".querySelector('.frame').style.getPropertyValue('--cut')]")
    assert seen.get("sort") == "ascending" and seen.get("swipe") == [55, "45%"], (seen, tabs)


def reader(browser):
    """What a screen reader is told: everything that acts or shows has a name, and the table is a table."""
    for width in [1280, 390]:
        browser.open(page, width, 900)
        nodes = [n for n in browser("Accessibility.getFullAXTree")["nodes"] if not n.get("ignored")]
        role = lambda n: n.get("role", {}).get("value")
        name = lambda n: n.get("name", {}).get("value", "").strip()
        of = lambda *roles: [n for n in nodes if role(n) in roles]
        acting = of("button", "slider", "checkbox", "combobox", "searchbox", "spinbutton", "textbox", "link", "image", "img", "region")
        unnamed = [n for n in acting if not name(n)]
        assert acting and not unnamed, unnamed
        rows = browser.js("document.querySelectorAll('#works-table tbody tr').length")
        assert len(of("rowheader")) >= rows and len(of("columnheader")) >= 10 and of("table"), f"no table at {width} px"
        sliders = of("slider")
        assert sliders and all(n.get("value") for n in sliders)


with tempfile.TemporaryDirectory() as folder:
    browser = Browser(folder)
    try:
        for width, height in [(1280, 1600), (500, 1200), (390, 844)]:
            drive(browser, width, height)
        keys(browser)
        reader(browser)
        browser.open(page, 1280, 900)
        pdf = base64.b64decode(browser("Page.printToPDF", printBackground=True, preferCSSPageSize=True)["data"])
        assert pdf.startswith(b"%PDF") and len(pdf) > 20_000
        if len(sys.argv) > 2:
            with open(os.path.join(sys.argv[2], "print.pdf"), "wb") as f:
                f.write(pdf)
            for name, width in [("wide", 1280), ("phone", 390)]:
                browser.open(page, width, 900)
                browser.js(PICTURES)
                shot = browser("Page.captureScreenshot", captureBeyondViewport=True, format="png")["data"]
                with open(os.path.join(sys.argv[2], name + ".png"), "wb") as f:
                    f.write(base64.b64decode(shot))
    finally:
        browser.close()
print("swipe, sort, filter, keys and zoom work at 1280, 500 and 390 px; everything has a name; it prints")
