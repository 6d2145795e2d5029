// Rows by keyboard: j and k move, Enter opens the row's link, x marks its checkbox. Nothing while someone types.
const typing = "input, textarea, select, [contenteditable], dialog[open]";

function rows() {
  return [...document.querySelectorAll("table[data-rows] > tbody > tr")].filter((row) => row.offsetParent !== null);
}

function opener(row) {
  return row.querySelector("a[data-row-link]") || row.querySelector("a[href]:not(.chip-off)");
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest(typing) || document.querySelector("dialog[open]")) return;
  const all = rows();
  if (!all.length) return;
  const here = all.indexOf(document.activeElement.closest("tr"));
  if (event.key === "j" || event.key === "k") {
    const next = here < 0 ? 0 : Math.max(0, Math.min(all.length - 1, here + (event.key === "j" ? 1 : -1)));
    all[next].tabIndex = -1;
    all[next].focus();
    all[next].scrollIntoView({ block: "nearest" });
    event.preventDefault();
  } else if (event.key === "Enter" && document.activeElement === all[here]) {
    const link = opener(all[here]);
    if (link) link.click();
  } else if (event.key === "x" && here >= 0) {
    const box = all[here].querySelector("input[type=checkbox]");
    if (box) box.click();
  }
});

// The header stays in sight only where the frame need not scroll sideways; a frame that scrolls can be reached by Tab.
const frames = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    const frame = target.closest(".table-scroll");
    const fits = frame.querySelector("table").offsetWidth <= frame.clientWidth;
    frame.toggleAttribute("data-fits", fits);
    if (fits) frame.removeAttribute("tabindex");
    else frame.tabIndex = 0;
  }
});
function watch(root) {
  for (const frame of root.querySelectorAll(".table-scroll")) {
    frames.observe(frame);
    frames.observe(frame.querySelector("table"));
  }
}
watch(document);
document.addEventListener("htmx:afterSettle", (event) => watch(event.detail.elt));

// The bar for several rows shows as soon as one is marked. `data-bulk-count` says how many.
document.addEventListener("change", (event) => {
  const frame = event.target.closest(".table-frame");
  const bulk = frame && frame.querySelector("[data-bulk]");
  if (!bulk) return;
  if (event.target.matches("thead input[type=checkbox]")) {
    for (const box of frame.querySelectorAll("tbody input[type=checkbox]")) box.checked = event.target.checked;
  }
  const marked = frame.querySelectorAll("tbody input[type=checkbox]:checked").length;
  bulk.hidden = marked === 0;
  const count = bulk.querySelector("[data-bulk-count]");
  if (count) count.textContent = marked === 1 ? "1 row marked" : `${marked} rows marked`;
});
