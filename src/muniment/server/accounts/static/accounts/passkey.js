// Passkeys: a form with data-passkey="create" or "get" asks the browser, puts the answer into its field and is sent.
const toBytes = (text) => {
  const plain = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
  return Uint8Array.from(plain, (character) => character.charCodeAt(0));
};
const toText = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replace(/\+/g, "-")
    .replace(/\//g, "_")
    .replace(/=+$/, "");

function readable(options) {
  const made = { ...options, challenge: toBytes(options.challenge) };
  if (options.user) made.user = { ...options.user, id: toBytes(options.user.id) };
  for (const list of ["allowCredentials", "excludeCredentials"]) {
    if (options[list]) made[list] = options[list].map((one) => ({ ...one, id: toBytes(one.id) }));
  }
  return made;
}

function written(credential) {
  const response = { clientDataJSON: toText(credential.response.clientDataJSON) };
  for (const part of ["attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (credential.response[part]) response[part] = toText(credential.response[part]);
  }
  return JSON.stringify({
    id: credential.id,
    rawId: toText(credential.rawId),
    type: credential.type,
    response,
    clientExtensionResults: credential.getClientExtensionResults(),
  });
}

async function optionsOf(form) {
  const token = form.querySelector("[name=csrfmiddlewaretoken]").value;
  const answer = await fetch(form.dataset.options, {
    method: "POST",
    headers: { "X-CSRFToken": token, Accept: "application/json" },
    credentials: "same-origin",
  });
  if (!answer.ok) throw new Error(answer.status === 429 ? "Too many attempts. Wait a while." : "Load this page again.");
  return answer.json();
}

async function run(form) {
  const note = form.querySelector("[data-passkey-note]");
  note.hidden = true;
  try {
    const publicKey = readable(await optionsOf(form));
    const credential =
      form.dataset.passkey === "create"
        ? await navigator.credentials.create({ publicKey })
        : await navigator.credentials.get({ publicKey });
    form.querySelector("[name=credential]").value = written(credential);
    form.submit();
  } catch (error) {
    note.textContent =
      error.name === "NotAllowedError"
        ? "No passkey was used. Try again, or use another way."
        : error.name === "InvalidStateError"
          ? "This device has a passkey for your account already."
          : `The passkey did not work: ${error.message}`;
    note.hidden = false;
  }
}

for (const form of document.querySelectorAll("form[data-passkey]")) {
  if (!window.PublicKeyCredential) {
    form.hidden = true;
    continue;
  }
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    run(form);
  });
}
