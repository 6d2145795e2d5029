// Short notes at the corner. From a script: a "toast" event on document with {message, kind}.
// From the server: the response header HX-Trigger: {"toast": {"message": "...", "kind": "good"}}.
const place = document.getElementById("toasts");

document.addEventListener("toast", (event) => {
  const { message, kind, quiet } = event.detail;
  const note = document.createElement("div");
  // A quiet one is only spoken: what was pressed already shows the outcome.
  note.className = quiet ? "visually-hidden" : "toast";
  if (["good", "warn", "bad"].includes(kind)) note.classList.add(`toast-${kind}`);
  const text = document.createElement("p");
  text.textContent = message;
  const close = document.createElement("button");
  close.type = "button";
  close.className = "copy";
  close.setAttribute("aria-label", "Close this note");
  const icon = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  icon.setAttribute("class", "icon");
  icon.setAttribute("aria-hidden", "true");
  use.setAttribute("href", "#icon-close");
  icon.append(use);
  close.append(icon);
  close.addEventListener("click", () => note.remove());
  note.append(text, close);
  place.append(note);
  // What went wrong stays until it is closed.
  if (kind !== "bad") setTimeout(() => note.remove(), quiet ? 2000 : 6000);
});
