// What was written into a form is there again after a detour by a fresh second factor, which sends nothing of it.
// It stands in this tab alone, and only until the next page is opened.
const KEPT = "muniment-unsent";
const STEP_UP = /\/account\/step-up$/;

function written(form) {
  return [...form.elements].filter(
    (field) => field.name && (field.matches("textarea, select") || /^(text|search|number|date|email|url|checkbox|radio)$/.test(field.type)),
  );
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  // Pages of one's account are left out: what is typed there are codes and addresses.
  if (form.method !== "post" || location.pathname.includes("/account/")) return;
  const fields = written(form).map((field) => [field.name, field.value, field.checked === true]);
  try {
    sessionStorage.setItem(KEPT, JSON.stringify({ page: location.pathname + location.search, action: form.action, fields }));
  } catch {
    // Without storage, or too long for it: it is written again, as it is without scripts.
  }
});

function back() {
  const kept = JSON.parse(sessionStorage.getItem(KEPT) || "null");
  sessionStorage.removeItem(KEPT);
  if (!kept || !document.referrer || kept.page !== location.pathname + location.search) return;
  if (!STEP_UP.test(new URL(document.referrer).pathname)) return;
  const form = [...document.forms].find((one) => one.action === kept.action);
  if (!form) return;
  const known = written(form);
  for (const [name, value, checked] of kept.fields) {
    const choices = known.filter((field) => field.name === name);
    const chosen = choices.find((field) => /^(checkbox|radio)$/.test(field.type) && field.value === value);
    if (chosen) chosen.checked = checked;
    else if (choices.length === 1 && !/^(checkbox|radio)$/.test(choices[0].type)) choices[0].value = value;
  }
  form.closest("details")?.setAttribute("open", "");
  const button = form.querySelector("button[type=submit]");
  if (button) {
    button.scrollIntoView({ block: "center" });
    button.focus({ preventScroll: true });
  }
  const message = "Your second factor was taken. Nothing was sent yet: what you wrote is in the form again.";
  document.dispatchEvent(new CustomEvent("toast", { detail: { message, kind: "warn" } }));
}

if (!STEP_UP.test(location.pathname)) back();
