// New rows as the server tells of them. While someone reads further down, or has paused, they wait behind a count.
const box = document.getElementById("live");
if (box) {
  const word = document.getElementById("live-word");
  const pause = document.getElementById("live-pause");
  const pill = document.getElementById("live-pill");
  const body = document.getElementById("ledger-rows");
  const MOST = 300;
  let paused = false;
  let waiting = [];
  let beyond = 0;
  let added = 0;

  const say = (state, text) => {
    if (box.dataset.state === state) return;
    box.dataset.state = state;
    word.textContent = text;
  };
  const settle = () => (paused ? say("paused", "Paused") : say("live", "Live"));
  const count = (number) => (number === 1 ? "1 new" : `${number.toLocaleString("en")} new`);

  function drawPill() {
    const number = waiting.length + beyond;
    pill.hidden = number === 0;
    pill.textContent = beyond ? `${count(number)}: reload` : count(number);
  }

  const tell = (id, number) => {
    const place = document.getElementById(id);
    if (place) place.textContent = String(number);
  };

  function put(rows) {
    const empty = document.getElementById("ledger-empty");
    if (empty) empty.remove();
    document.getElementById("ledger-frame").classList.remove("ledger-none");
    // Newest first in what was sent; each goes on top, so the oldest of them goes first.
    for (const row of rows) {
      body.prepend(row);
      added += 1;
      if (window.htmx) window.htmx.process(row);
    }
    tell("count-shown", body.children.length);
    body.dispatchEvent(new CustomEvent("content", { bubbles: true }));
  }

  function flush() {
    if (beyond || added + waiting.length > MOST) {
      location.reload();
      return;
    }
    put(waiting);
    waiting = [];
    drawPill();
    scrollTo({ top: 0, behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
  }

  const busy = () => paused || scrollY > 120 || document.querySelector("dialog[open]") || body.contains(document.activeElement);

  function arrived(event) {
    const told = JSON.parse(event.data);
    const sent = new DOMParser().parseFromString(`<table><tbody>${told.html}</tbody></table>`, "text/html");
    const rows = [...sent.querySelectorAll("tr")].reverse().map((row) => document.adoptNode(row));
    const lost = told.skipped + told.count - told.shown;
    if (!busy() && !beyond && !lost && added + rows.length <= MOST) {
      put(waiting.concat(rows));
      waiting = [];
    } else {
      waiting.push(...rows);
      beyond += lost;
      if (waiting.length > MOST) {
        beyond += waiting.length - MOST;
        waiting = waiting.slice(-MOST);
      }
    }
    drawPill();
  }

  // What a seal says, as `seal_word` and `seal_meaning` have it.
  const SEALS = {
    recorded: ["Recorded", "In the log. Not yet covered by a signed checkpoint."],
    sealed: ["Sealed", "Covered by a signed checkpoint."],
    anchored: ["Anchored", "Covered by a checkpoint that was timestamped or witnessed outside."],
    broken: ["Broken", "A check of this record failed."],
  };

  // A checkpoint closes the seals of the rows that it covers; a timestamp over it marks them.
  function closes(event) {
    const { sealed, anchored, broken, size } = JSON.parse(event.data);
    tell("count-size", size);
    tell("count-sealed", sealed);
    for (const row of [...body.children, ...waiting]) {
      const seq = Number(row.dataset.seq);
      const seal = row.querySelector("a.seal");
      if (!seal) continue;
      const state = seq === broken ? "broken" : seq < anchored ? "anchored" : seq < sealed ? "sealed" : "recorded";
      if (seal.classList.contains(`seal-${state}`)) continue;
      seal.classList.remove(...Object.keys(SEALS).map((name) => `seal-${name}`));
      seal.classList.add(`seal-${state}`);
      seal.querySelector("use").setAttribute("href", `#seal-${state}`);
      seal.querySelector("span").textContent = SEALS[state][0];
      seal.title = SEALS[state][1];
      seal.dataset.closing = "";
    }
  }

  const stream = new EventSource(box.dataset.url);
  stream.addEventListener("open", settle);
  stream.addEventListener("rows", arrived);
  stream.addEventListener("standing", closes);
  stream.addEventListener("error", () => {
    if (stream.readyState === EventSource.CLOSED) say("off", "Not live: reload the page");
    else say("waiting", "Reconnecting");
  });
  addEventListener("pagehide", () => stream.close());

  pause.addEventListener("click", () => {
    paused = !paused;
    pause.setAttribute("aria-pressed", String(paused));
    pause.textContent = paused ? "Go on" : "Pause";
    if (stream.readyState === EventSource.OPEN) settle();
    if (!paused && !beyond) flush();
  });
  pill.addEventListener("click", flush);
  addEventListener("scroll", () => {
    if (!busy() && waiting.length && !beyond) flush();
  }, { passive: true });
}
