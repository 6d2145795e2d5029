// Charts: the option stands in a JSON block, the colours come from the tokens and follow the theme.
// The library is large, so only a page that has a chart loads it.
function colour(name) {
  const probe = document.createElement("span");
  probe.style.color = `var(--${name})`;
  document.body.append(probe);
  const value = getComputedStyle(probe).color;
  probe.remove();
  return value;
}

function theme() {
  const line = colour("line");
  const ink = colour("ink-2");
  const axis = {
    axisLine: { lineStyle: { color: line } },
    axisTick: { lineStyle: { color: line } },
    splitLine: { lineStyle: { color: line } },
    axisLabel: { color: ink },
    nameTextStyle: { color: ink },
  };
  return {
    color: [1, 2, 3, 4].map((number) => colour(`chart-${number}`)),
    backgroundColor: "transparent",
    textStyle: { color: ink, fontFamily: getComputedStyle(document.body).fontFamily, fontSize: 12 },
    legend: { textStyle: { color: ink } },
    tooltip: { backgroundColor: colour("raised"), borderColor: line, textStyle: { color: colour("ink") } },
    categoryAxis: axis,
    valueAxis: axis,
    timeAxis: axis,
    logAxis: axis,
    graph: { label: { color: colour("ink") }, lineStyle: { color: colour("line-strong") } },
    tree: { label: { color: colour("ink") }, lineStyle: { color: colour("line-strong") } },
  };
}

function library(address) {
  return new Promise((resolve, reject) => {
    if (window.echarts) return resolve(window.echarts);
    const script = document.createElement("script");
    script.src = address;
    script.addEventListener("load", () => resolve(window.echarts));
    script.addEventListener("error", () => reject(new Error("the chart library did not load")));
    document.head.append(script);
  });
}

const drawn = new Map();

async function draw(place) {
  if (drawn.has(place)) return;
  drawn.set(place, null);
  const echarts = await library(place.dataset.library);
  const option = JSON.parse(document.getElementById(place.dataset.chart).textContent);
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  // Tooltips as HTML would need inline styles, which the content security policy refuses.
  const full = { ...option, animation: still ? false : (option.animation ?? true), tooltip: { ...option.tooltip, renderMode: "richText" } };
  const paint = () => {
    const old = drawn.get(place);
    if (old) old.dispose();
    const chart = echarts.init(place, theme(), { renderer: "canvas" });
    chart.setOption(full);
    chart.on("click", (event) => place.dispatchEvent(new CustomEvent("chart-click", { bubbles: true, detail: event.data })));
    drawn.set(place, chart);
  };
  paint();
  new ResizeObserver(() => drawn.get(place).resize()).observe(place);
  document.addEventListener("theme", paint);
}

function drawAll(root) {
  for (const place of root.querySelectorAll("[data-chart]")) draw(place);
}
drawAll(document);
document.addEventListener("htmx:afterSettle", (event) => drawAll(event.detail.elt));
