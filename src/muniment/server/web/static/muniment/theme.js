// Light, dark or as the system says; the choice is a cookie, so that the server draws the page right at once.
const root = document.documentElement;
const year = 31536000;
const order = ["auto", "light", "dark"];
const icons = { auto: "screen", light: "sun", dark: "moon" };

function remember(name, value) {
  document.cookie = `${name}=${value}; path=/; max-age=${year}; samesite=lax${location.protocol === "https:" ? "; secure" : ""}`;
}

function announce() {
  document.dispatchEvent(new CustomEvent("theme"));
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-theme-next]");
  if (!button) return;
  const next = order[(order.indexOf(root.dataset.theme) + 1) % order.length];
  root.dataset.theme = next;
  button.setAttribute("aria-label", `Theme: ${next}`);
  button.querySelector("use").setAttribute("href", `#icon-${icons[next]}`);
  remember("theme", next);
  announce();
});

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", announce);

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-nav-toggle]");
  if (!button) return;
  const closed = root.dataset.nav !== "closed";
  root.dataset.nav = closed ? "closed" : "open";
  button.setAttribute("aria-expanded", String(!closed));
  button.querySelector("span").textContent = closed ? "Show names" : "Show icons only";
  remember("nav", root.dataset.nav);
});
