// Keys of the ledger: p opens the proof of the row beside the table, / goes to the jump field; on an entry, j and k go on and back.
const typing = "input, textarea, select, [contenteditable], dialog[open]";

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest(typing) || document.querySelector("dialog[open]")) return;
  if (event.key === "p") {
    const row = document.activeElement.closest("tr[data-seq]");
    const seal = row && row.querySelector("a[data-panel]");
    if (seal) seal.click();
  } else if (event.key === "/") {
    const find = document.getElementById("find");
    if (!find) return;
    event.preventDefault();
    find.focus();
    find.select();
  } else if (event.key === "j" || event.key === "k") {
    const link = document.querySelector(event.key === "j" ? "a[data-next]" : "a[data-previous]");
    if (link) link.click();
  }
});

// An address without empty fields: what stands in it is what was asked for.
const filters = document.getElementById("filter-form");
if (filters) {
  filters.addEventListener("submit", () => {
    let given = 0;
    for (const field of filters.elements) {
      if (!field.name || field.name === "view") continue;
      if (field.value.trim() === "") field.disabled = true;
      else given += 1;
    }
    if (given) filters.elements.view.disabled = true;
  });
  // Coming back with the browser's button finds the fields as they were left.
  addEventListener("pageshow", () => {
    for (const field of filters.elements) field.disabled = false;
  });
}

// A graph wider than its frame opens at the entry in question; hidden tabs have no width until they are shown.
function centre(graph) {
  const self = graph.querySelector(".graph-self rect");
  if (!self || !graph.clientWidth || graph.dataset.centred) return;
  graph.dataset.centred = "yes";
  const box = self.getBoundingClientRect();
  graph.scrollLeft += box.left + box.width / 2 - (graph.getBoundingClientRect().left + graph.clientWidth / 2);
}
const seen = new ResizeObserver((entries) => entries.forEach((entry) => centre(entry.target)));
for (const graph of document.querySelectorAll("[data-graph]")) seen.observe(graph);
