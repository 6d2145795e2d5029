// `data-open="id"` opens a dialog, `data-close` closes the one around it; a click beside a dialog closes it too.
// A link or button with `data-panel="id"` opens the side panel when htmx has put its answer there.
function open(dialog) {
  if (dialog && !dialog.open) dialog.showModal();
}

document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-open]");
  if (opener) {
    open(document.getElementById(opener.dataset.open));
    return;
  }
  const closer = event.target.closest("[data-close]");
  if (closer) closer.closest("dialog").close();
});

// Pressing inside and letting go outside, as when text is selected, must not close.
let pressed = null;
document.addEventListener("pointerdown", (event) => {
  pressed = event.target;
});
document.addEventListener("click", (event) => {
  if (event.target instanceof HTMLDialogElement && pressed === event.target) {
    const box = event.target.getBoundingClientRect();
    const inside = event.clientX >= box.left && event.clientX <= box.right && event.clientY >= box.top && event.clientY <= box.bottom;
    if (!inside) event.target.close();
  }
});

document.addEventListener("htmx:afterSwap", (event) => {
  const asked = event.detail.requestConfig && event.detail.requestConfig.elt;
  const opener = asked && asked.closest("[data-panel]");
  if (!opener) return;
  const panel = document.getElementById(opener.dataset.panel);
  const title = panel.querySelector(".dialog-head h2");
  if (opener.dataset.panelTitle) title.textContent = opener.dataset.panelTitle;
  open(panel);
  panel.scrollTop = 0;
});

// The server closes a dialog after a change with the response header HX-Trigger: close-dialogs.
document.addEventListener("close-dialogs", () => {
  for (const dialog of document.querySelectorAll("dialog[open]")) dialog.close();
});
