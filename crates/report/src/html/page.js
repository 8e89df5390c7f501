"use strict";
(() => {
  const all = (q, from = document) => Array.from(from.querySelectorAll(q));
  const one = (q) => document.querySelector(q);

  // Swipe: the slider, and a finger or mouse on the picture itself.
  for (const figure of all(".swipe")) {
    const range = figure.querySelector("input[type=range]"), frame = figure.querySelector(".frame");
    const show = () => {
      frame.style.setProperty("--cut", 100 - range.value + "%");
      range.setAttribute("aria-valuetext", range.value + " %");
    };
    range.addEventListener("input", show);
    const drag = (event) => {
      const box = frame.getBoundingClientRect();
      range.value = 100 - Math.max(0, Math.min(100, (event.clientX - box.left) / box.width * 100));
      show();
    };
    frame.addEventListener("pointerdown", (event) => { event.preventDefault(); frame.setPointerCapture(event.pointerId); drag(event); });
    frame.addEventListener("pointermove", (event) => { if (event.buttons) drag(event); });
    const line = figure.querySelector("input[type=checkbox]");
    line.addEventListener("change", () => figure.classList.toggle("noline", !line.checked));
    show();
  }

  // Table: sort by a column, filter by text, class, confidence and distance.
  const table = one("#works-table");
  if (table) {
    const body = table.tBodies[0], rows = all("tr", body), marks = {};
    for (const mark of all(".mapart [data-id]")) (marks[mark.dataset.id] ||= []).push(mark);
    const articles = Object.fromEntries(all("#works article").map((a) => [a.dataset.id, a]));
    all("th button", table).forEach((button, column) => button.addEventListener("click", () => {
      const th = button.parentElement, up = th.getAttribute("aria-sort") !== "ascending";
      all("th", table).forEach((other) => other.setAttribute("aria-sort", "none"));
      th.setAttribute("aria-sort", up ? "ascending" : "descending");
      const key = (row) => row.cells[column].dataset.v;
      const numbers = rows.every((row) => key(row) === "" || !isNaN(key(row)));
      rows.sort((a, b) => {
        const [x, y] = [key(a), key(b)];
        // What is not known comes last, whichever way.
        if (x === "" || y === "") return (x === "") - (y === "");
        return (numbers ? x - y : x.localeCompare(y)) * (up ? 1 : -1);
      });
      body.append(...rows);
    }));
    const [text, kind, least, most] = ["#f-text", "#f-class", "#f-conf", "#f-km"].map(one);
    const filter = () => {
      const words = text.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
      let count = 0;
      for (const row of rows) {
        const d = row.dataset, said = (row.textContent + " " + d.text).toLowerCase();
        const shown = words.every((w) => said.includes(w)) && (!kind.value || d.class === kind.value)
          && +d.confidence >= +(least.value || 0) && (!most.value || (d.km !== "" && +d.km <= +most.value));
        row.hidden = !shown;
        count += shown;
        if (articles[d.id]) articles[d.id].hidden = !shown;
        for (const mark of marks[d.id] || []) mark.classList.toggle("off", !shown);
      }
      one("#f-count").textContent = count + " of " + rows.length;
    };
    for (const input of [text, kind, least, most]) input.addEventListener("input", filter);
    // Row and line light up together.
    const light = (id, on) => {
      for (const mark of marks[id] || []) mark.classList.toggle("on", on);
      const row = rows.find((r) => r.dataset.id === id);
      if (row) row.classList.toggle("on", on);
    };
    for (const item of [...rows, ...all("#mapsvg a")]) {
      item.addEventListener("pointerenter", () => light(item.dataset.id, true));
      item.addEventListener("pointerleave", () => light(item.dataset.id, false));
      item.addEventListener("focusin", () => light(item.dataset.id, true));
      item.addEventListener("focusout", () => light(item.dataset.id, false));
    }
  }

  // Map: zoom and move by buttons, keys, wheel and dragging.
  const map = one("#mapsvg");
  if (map) {
    const whole = map.getAttribute("viewBox").split(" ").map(Number);
    let [x, y, w, h] = whole;
    const show = () => map.setAttribute("viewBox", [x, y, w, h].join(" "));
    const zoom = (factor, cx = x + w / 2, cy = y + h / 2) => {
      const next = Math.min(whole[2], Math.max(whole[2] / 400, w * factor)), scale = next / w;
      x = cx - (cx - x) * scale; y = cy - (cy - y) * scale; w *= scale; h *= scale;
      show();
    };
    const fit = () => { [x, y, w, h] = whole; show(); };
    const act = { in: () => zoom(0.6), out: () => zoom(1 / 0.6), all: fit };
    for (const button of all(".zoom button")) button.addEventListener("click", () => act[button.dataset.zoom]());
    map.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
      if (step) { x += step[0] * w / 8; y += step[1] * h / 8; show(); }
      else if (event.key === "+" || event.key === "=") act.in();
      else if (event.key === "-") act.out();
      else if (event.key === "0") fit();
      else return;
      event.preventDefault();
    });
    const at = (event) => {
      const box = map.getBoundingClientRect();
      return [x + (event.clientX - box.left) / box.width * w, y + (event.clientY - box.top) / box.height * h];
    };
    map.addEventListener("wheel", (event) => {
      if (!event.ctrlKey && document.activeElement !== map) return;
      event.preventDefault();
      zoom(event.deltaY < 0 ? 0.8 : 1.25, ...at(event));
    }, { passive: false });
    let from = null;
    map.addEventListener("pointerdown", (event) => { if (event.pointerType === "mouse" && !event.target.closest("a")) from = at(event); });
    map.addEventListener("pointermove", (event) => {
      if (!from || !event.buttons) return;
      const [cx, cy] = at(event);
      x += from[0] - cx; y += from[1] - cy;
      show();
    });
    window.addEventListener("pointerup", () => { from = null; });
  }
})();
