// Sends a file in parts of 1 MiB, goes on where it was interrupted, and compares its hash; a form without scripts sends small files whole.
const PART = 1 << 20;
const TRIES = 5;
const form = document.querySelector("form[data-upload]");
// The path's prefix names the tenant: /t/<slug>.
const prefix = location.pathname.match(/^\/t\/[^/]+/)?.[0] ?? "";

async function ask(method, path, body, type) {
  const headers = { "X-CSRFToken": form.elements.csrfmiddlewaretoken.value };
  if (type) headers["Content-Type"] = type;
  const answer = await fetch(prefix + path, { method, body, headers, credentials: "same-origin" });
  const said = answer.status === 204 ? {} : await answer.json().catch(() => ({}));
  if (!answer.ok) throw Object.assign(new Error(said.detail ?? `the server answers ${answer.status}`), { status: answer.status });
  return said;
}

async function hashOf(file) {
  if (!globalThis.crypto?.subtle) return "";
  const digest = await crypto.subtle.digest("SHA-256", await file.arrayBuffer());
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function send(file, say) {
  say("Computing its SHA-256 …");
  const field = (name) => form.elements[name].value.trim();
  const order = {
    name: file.name, kind: field("kind"), size: file.size, sha256: await hashOf(file), note: field("note"),
    controls: field("controls").split(/\s+/).filter(Boolean), replaces: form.dataset.replaces,
  };
  if (field("period_from")) order.from = field("period_from");
  if (field("period_to")) order.to = field("period_to");
  const base = form.dataset.upload;
  let { id, received } = await ask("POST", base, JSON.stringify(order), "application/json");
  for (let failed = 0; received < file.size; ) {
    say(`${Math.floor((received * 100) / file.size)} % sent`);
    try {
      const part = file.slice(received, received + PART);
      ({ received } = await ask("PUT", `${base}/${id}?offset=${received}`, part, "application/octet-stream"));
      failed = 0;
    } catch (error) {
      if ((error.status && error.status < 500 && error.status !== 429) || ++failed > TRIES) throw error;
      await new Promise((wake) => setTimeout(wake, 500 * 2 ** failed));
      ({ received } = await ask("GET", `${base}/${id}`));
    }
  }
  say("Hashing what arrived …");
  return ask("POST", `${base}/${id}/finish`, "{}", "application/json");
}

form?.addEventListener("submit", async (event) => {
  const file = form.elements.file.files[0];
  if (!file) return;
  event.preventDefault();
  const error = form.querySelector("[data-upload-error]");
  const status = form.querySelector("[data-upload-status]");
  const button = form.querySelector("[type=submit]");
  error.hidden = true;
  button.disabled = true;
  try {
    const made = await send(file, (text) => { status.textContent = text; });
    location.assign(`${form.dataset.attachments}/${made.id}`);
  } catch (fault) {
    status.textContent = "";
    error.textContent = `Not attached: ${fault.message}`;
    error.hidden = false;
    button.disabled = false;
  }
});
