// Copy buttons: `data-copy` holds the text, `data-copy-from` takes it from the code block that the button stands in.
async function write(text) {
  if (navigator.clipboard && window.isSecureContext) {
    await navigator.clipboard.writeText(text);
    return;
  }
  // Over plain HTTP on another machine browsers have no clipboard interface; a selected field still copies.
  const field = document.createElement("textarea");
  field.value = text;
  field.className = "visually-hidden";
  document.body.append(field);
  field.select();
  const copied = document.execCommand("copy");
  field.remove();
  if (!copied) throw new Error("the browser refused to copy");
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy], [data-copy-from]");
  if (!button) return;
  event.preventDefault();
  const text = button.hasAttribute("data-copy") ? button.dataset.copy : button.closest(".code").querySelector("pre").textContent;
  let said = { message: "Copied.", quiet: true };
  try {
    await write(text);
    button.dataset.copied = "";
    setTimeout(() => delete button.dataset.copied, 1600);
  } catch {
    said = { message: "The browser did not allow copying. Select the text and copy it by hand.", kind: "warn" };
  }
  document.dispatchEvent(new CustomEvent("toast", { detail: said }));
});
