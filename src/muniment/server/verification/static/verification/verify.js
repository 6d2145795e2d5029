// Checks a dropped bundle with the single-file verifier's script in a worker of its own. What comes from a file is hostile: it reaches the page as text alone.
const $ = (id) => document.getElementById(id);
const drop = $("bundle-drop");
const files = $("bundle-files");
const pin = $("bundle-pin");
const result = $("bundle-result");
const words = { passed: ["Passed", "good"], failed: ["Failed", "bad"], not_made: ["Not made", ""] };
const unseen = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cn}]/gu;
let worker = null;
let chosen = [];
let run = 0;

const plain = (text) => String(text).replace(unseen, (one) => `\\u{${one.codePointAt(0).toString(16)}}`);

function element(name, className, text, ...children) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text) made.textContent = plain(text);
  made.append(...children);
  return made;
}

function callout(kind, title, ...lines) {
  const box = element("div", `callout${kind ? ` callout-${kind}` : ""}`);
  box.append(element("div", "", "", element("p", "callout-title", title), ...lines.map((line) => element("p", "", line))));
  return box;
}

function verdict(answer) {
  const held = `${answer.entries.toLocaleString("en")} entries of the log ${answer.origin || "(not named)"}, under a checkpoint of size ${answer.size.toLocaleString("en")}.`;
  if (answer.trust === "pinned") return callout("good", "Verified, held against what you pinned", held);
  if (answer.trust === "self-attested") return callout("warn", "Verified, self-attested only", held, "The file agrees with itself. Anybody can make such a file: pin a root key or a checkpoint that you hold from elsewhere.");
  const broken = answer.first_broken;
  const where = broken ? `First broken place: ${broken.check}, at ${broken.where}: ${broken.reason}` : answer.checks.find((check) => check.state === "failed")?.reason ?? "";
  if (answer.verdict === "failed") return callout("bad", "Failed: not verified", where, "Do not rely on this file until the broken place is explained.");
  return callout("bad", "Malformed: cannot be read", answer.checks[0].reason, "The file is damaged, cut, or not what it should be.");
}

function table(answer) {
  const head = element("tr", "", "", ...["Check", "Result", "What was found"].map((name) => Object.assign(element("th", "", name), { scope: "col" })));
  const rows = answer.checks.map((check) => {
    const [word, kind] = words[check.state] ?? [check.state, ""];
    const cells = [element("td", "", "", element("strong", "", check.name)), element("td", "", "", element("span", `badge${kind ? ` badge-${kind}` : ""}`, word)), element("td", "", check.reason)];
    ["Check", "Result", "What was found"].forEach((label, index) => { cells[index].dataset.label = label; });
    const row = element("tr", "", "", ...cells);
    row.dataset.check = check.name;
    row.dataset.state = check.state;
    return row;
  });
  const caption = element("caption", "visually-hidden", "Checks of the bundle");
  const whole = element("table", "table table-cards", "", caption, element("thead", "", "", head), element("tbody", "", "", ...rows));
  return element("div", "table-frame", "", element("div", "table-scroll", "", whole));
}

function show(...nodes) {
  $("bundle-progress").hidden = true;
  result.replaceChildren(...nodes);
}

function check() {
  if (chosen.length === 0) return;
  run += 1;
  const mine = run;
  if (worker) worker.terminate();
  $("bundle-name").textContent = plain(chosen.map((file) => file.name).join(", "));
  result.replaceChildren();
  $("bundle-bar").value = 0;
  $("bundle-progress").hidden = false;
  worker = new Worker(drop.dataset.worker);
  worker.onerror = (event) => {
    event.preventDefault();
    if (mine === run) show(callout("bad", "The verifier could not be started", "The browser refused to run it. Open the whole verifier instead."));
  };
  worker.onmessage = ({ data }) => {
    if (mine !== run) return;
    if (data.progress !== undefined) {
      $("bundle-bar").value = data.progress.total ? data.progress.bytes / data.progress.total : 1;
    } else if (data.malformed !== undefined || data.error !== undefined) {
      show(callout("bad", "Nothing was verified", data.malformed ?? data.error));
    } else {
      const heading = verdict(data.value.answer);
      heading.id = "bundle-verdict";
      heading.dataset.verdict = data.value.answer.verdict;
      heading.dataset.trust = data.value.answer.trust ?? "";
      show(heading, table(data.value.answer));
    }
  };
  worker.postMessage({ id: 1, what: "verify", given: [chosen, pin.value] });
}

function take(list) {
  chosen = [...list];
  check();
}

$("bundle-choose").addEventListener("click", () => files.click());
files.addEventListener("change", () => {
  take(files.files);
  files.value = "";
});
$("bundle-pin-own").addEventListener("click", (event) => {
  pin.value = event.currentTarget.dataset.pin;
  check();
});
pin.addEventListener("change", check);
// Anywhere on the page, so that a file dropped beside the zone does not replace the page.
document.addEventListener("dragover", (event) => {
  event.preventDefault();
  drop.dataset.over = "";
});
document.addEventListener("dragleave", (event) => {
  if (event.relatedTarget === null) delete drop.dataset.over;
});
document.addEventListener("drop", (event) => {
  event.preventDefault();
  delete drop.dataset.over;
  take(event.dataTransfer.files);
});
