// Ctrl-K: go to a page by its name, or look for an entry in the ledger by number, event id or hash.
const palette = document.getElementById("palette");

if (palette) {
  const { places, find } = JSON.parse(document.getElementById("palette-places").textContent);
  const input = palette.querySelector("[data-palette-input]");
  const list = palette.querySelector("[data-palette-list]");
  const none = palette.querySelector("[data-palette-none]");
  let shown = [];
  let chosen = 0;

  const score = (place, text) => {
    const name = place.label.toLowerCase();
    if (!text) return 1;
    if (name.startsWith(text)) return 3;
    if (name.split(/\W+/).some((word) => word.startsWith(text))) return 2;
    return `${place.group} ${name}`.toLowerCase().includes(text) ? 1 : 0;
  };

  const found = (typed) => {
    const text = typed.trim();
    const pages = places
      .map((place) => ({ ...place, score: score(place, text.toLowerCase()) }))
      .filter((place) => place.score > 0)
      .sort((a, b) => b.score - a.score);
    if (!find || !text) return pages;
    const entry = { label: `Find “${text}” in the ledger`, group: "Ledger", icon: "search", url: `${find}?q=${encodeURIComponent(text)}` };
    // A number, a ULID-like id or a long hex string is an entry rather than the name of a page.
    return /^(#?\d+|[0-9a-f]{12,}|[a-z]*_?[0-9A-Z]{20,})$/.test(text) ? [entry, ...pages] : [...pages, entry];
  };

  const mark = (index) => {
    chosen = index;
    [...list.children].forEach((item, at) => item.setAttribute("aria-selected", String(at === chosen)));
    const item = list.children[chosen];
    if (item) {
      input.setAttribute("aria-activedescendant", item.id);
      item.scrollIntoView({ block: "nearest" });
    } else {
      input.removeAttribute("aria-activedescendant");
    }
  };

  const draw = () => {
    shown = found(input.value);
    list.replaceChildren(
      ...shown.map((place, index) => {
        const item = document.createElement("li");
        item.className = "palette-item";
        item.id = `palette-${index}`;
        item.setAttribute("role", "option");
        const icon = document.createElementNS("http://www.w3.org/2000/svg", "svg");
        icon.setAttribute("class", "icon");
        icon.setAttribute("aria-hidden", "true");
        const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
        use.setAttribute("href", `#icon-${place.icon}`);
        icon.append(use);
        const name = document.createElement("span");
        name.textContent = place.label;
        const group = document.createElement("small");
        group.textContent = place.group;
        item.append(icon, name, group);
        item.addEventListener("pointermove", () => chosen !== index && mark(index));
        item.addEventListener("click", () => location.assign(place.url));
        return item;
      }),
    );
    none.hidden = shown.length > 0;
    mark(0);
  };

  const open = () => {
    input.value = "";
    draw();
    palette.showModal();
    input.focus();
  };

  input.addEventListener("input", draw);
  input.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (shown.length) mark((chosen + (event.key === "ArrowDown" ? 1 : -1) + shown.length) % shown.length);
    } else if (event.key === "Enter" && shown[chosen]) {
      event.preventDefault();
      location.assign(shown[chosen].url);
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey) || event.shiftKey || event.altKey) return;
    event.preventDefault();
    if (palette.open) palette.close();
    else open();
  });
  document.addEventListener("click", (event) => event.target.closest("[data-palette-open]") && open());
}
