// Sections of a tab set become tabs; without script they stand below each other under their headings.
function build(set) {
  if (set.dataset.built) return;
  set.dataset.built = "yes";
  const panels = [...set.querySelectorAll(":scope > .tabpanel")];
  const list = document.createElement("div");
  list.className = "tabs";
  list.setAttribute("role", "tablist");
  list.setAttribute("aria-label", set.dataset.tabset);
  const tabs = panels.map((panel) => {
    const tab = document.createElement("button");
    tab.type = "button";
    tab.className = "tab";
    tab.id = `${panel.id}-tab`;
    tab.textContent = panel.dataset.label;
    tab.setAttribute("role", "tab");
    tab.setAttribute("aria-controls", panel.id);
    panel.setAttribute("role", "tabpanel");
    panel.setAttribute("aria-labelledby", tab.id);
    panel.tabIndex = 0;
    panel.querySelector(".tabpanel-title").hidden = true;
    list.append(tab);
    return tab;
  });
  const choose = (index, focus) => {
    tabs.forEach((tab, at) => {
      tab.setAttribute("aria-selected", String(at === index));
      tab.tabIndex = at === index ? 0 : -1;
      panels[at].hidden = at !== index;
    });
    if (focus) tabs[index].focus();
  };
  list.addEventListener("click", (event) => {
    const index = tabs.indexOf(event.target.closest("[role=tab]"));
    if (index >= 0) choose(index, false);
  });
  list.addEventListener("keydown", (event) => {
    const now = tabs.indexOf(document.activeElement);
    const move = { ArrowRight: now + 1, ArrowLeft: now - 1, Home: 0, End: tabs.length - 1 }[event.key];
    if (move === undefined) return;
    event.preventDefault();
    choose((move + tabs.length) % tabs.length, true);
  });
  set.prepend(list);
  const named = () => {
    const wanted = document.getElementById(location.hash.slice(1));
    return wanted ? panels.findIndex((panel) => panel.contains(wanted)) : -1;
  };
  choose(Math.max(0, named()), false);
  // A link elsewhere on the page may lead into a panel that is not shown.
  window.addEventListener("hashchange", () => {
    if (set.isConnected && named() >= 0) choose(named(), false);
  });
}

function buildAll(root) {
  for (const set of root.querySelectorAll("[data-tabset]")) build(set);
}
buildAll(document);
document.addEventListener("htmx:afterSettle", (event) => buildAll(event.detail.elt));
