// Times read as "3 minutes ago"; pointing at one, or reaching it by keyboard, shows the exact UTC and the local time.
const words = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
const steps = [
  ["second", 60],
  ["minute", 60],
  ["hour", 24],
  ["day", 30],
  ["month", 12],
  ["year", Infinity],
];

function relative(then, now) {
  let distance = (then - now) / 1000;
  for (const [unit, size] of steps) {
    if (Math.abs(distance) < size) return words.format(Math.round(distance), unit);
    distance /= size;
  }
  return "";
}

function local(then) {
  return new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "long" }).format(then);
}

function utc(text) {
  return text.replace("T", " ").replace("Z", " UTC");
}

function draw(root) {
  const now = Date.now();
  for (const element of root.querySelectorAll("time[data-exact]")) {
    const then = Date.parse(element.dataset.exact);
    if (Number.isNaN(then)) continue;
    element.textContent = element.hasAttribute("data-relative") ? relative(then, now) : utc(element.dataset.exact);
    if (!element.dataset.tip) element.dataset.tip = `${utc(element.dataset.exact)}\n${local(then)} (local)`;
    element.setAttribute("aria-description", element.dataset.tip);
  }
}

draw(document);
setInterval(() => draw(document), 30000);
document.addEventListener("htmx:afterSettle", (event) => draw(event.detail.elt));
document.addEventListener("content", (event) => draw(event.target));

let tip = null;
function hide() {
  if (tip) tip.remove();
  tip = null;
}
function show(event) {
  const element = event.target.closest && event.target.closest("[data-tip]");
  if (!element) return;
  hide();
  tip = document.createElement("div");
  tip.className = "tip";
  tip.setAttribute("aria-hidden", "true");
  tip.textContent = element.dataset.tip;
  (element.closest("dialog") || document.body).append(tip);
  const box = element.getBoundingClientRect();
  const origin = tip.offsetParent && tip.offsetParent !== document.body ? tip.offsetParent.getBoundingClientRect() : { left: -scrollX, top: -scrollY };
  const inside = tip.offsetParent && tip.offsetParent !== document.body ? tip.offsetParent.scrollTop : 0;
  const left = Math.max(8, Math.min(box.left, innerWidth - tip.offsetWidth - 8));
  const above = box.top > tip.offsetHeight + 12;
  tip.style.left = `${left - origin.left}px`;
  tip.style.top = `${(above ? box.top - tip.offsetHeight - 6 : box.bottom + 6) - origin.top + inside}px`;
}
document.addEventListener("mouseover", show);
document.addEventListener("mouseout", (event) => event.target.closest("[data-tip]") && hide());
document.addEventListener("focusin", show);
document.addEventListener("focusout", hide);
document.addEventListener("keydown", (event) => event.key === "Escape" && hide());
