// "Verify in this browser": the entry's text and its proof are fetched, and what they say is computed again here.
// What is shown is compared with what was computed; nothing that the server concluded is taken over.
const hex = (bytes) => [...new Uint8Array(bytes)].map((byte) => byte.toString(16).padStart(2, "0")).join("");

function fromBase64(text) {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}

async function sha256(...parts) {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return new Uint8Array(await crypto.subtle.digest("SHA-256", whole));
}

// C2SP tlog-proof: a header, "index N", the hashes, an empty line, the checkpoint (origin, size, root), its signatures.
function readProof(text) {
  const lines = text.split("\n");
  const blank = lines.indexOf("");
  if (lines[0] !== "c2sp.org/tlog-proof@v1" || !/^index (0|[1-9]\d*)$/.test(lines[1]) || blank < 2) throw new Error("the proof is not in the form of C2SP tlog-proof");
  const [origin, size, root] = lines.slice(blank + 1, blank + 4);
  if (!/^[1-9]\d*$/.test(size)) throw new Error("the checkpoint does not say its size");
  return { index: BigInt(lines[1].slice(6)), hashes: lines.slice(2, blank).map(fromBase64), origin, size: BigInt(size), root: fromBase64(root) };
}

// RFC 9162 section 2.1.3.2.
async function rootOf(leaf, proof) {
  let at = proof.index;
  let last = proof.size - 1n;
  if (at > last) throw new Error("the checkpoint does not cover the entry");
  let here = leaf;
  for (const sibling of proof.hashes) {
    if (last === 0n) throw new Error("the proof is too long");
    if (at & 1n || at === last) {
      here = await sha256(Uint8Array.of(1), sibling, here);
      while (!(at & 1n) && at !== 0n) {
        at >>= 1n;
        last >>= 1n;
      }
    } else {
      here = await sha256(Uint8Array.of(1), here, sibling);
    }
    at >>= 1n;
    last >>= 1n;
  }
  if (last !== 0n) throw new Error("the proof is too short");
  return here;
}

async function bytesOf(url) {
  const answer = await fetch(url, { credentials: "same-origin", redirect: "error" });
  if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
  return new Uint8Array(await answer.arrayBuffer());
}

async function check(shown, tell) {
  if (!window.crypto || !crypto.subtle) {
    tell("none", "This browser offers no SHA-256 on this page: it does so over https and on localhost only. Nothing was checked.");
    return;
  }
  const [text, file] = await Promise.all([bytesOf(shown.textUrl), bytesOf(shown.proofUrl)]);
  const leaf = await sha256(Uint8Array.of(0), text);
  const same = hex(leaf) === shown.hash;
  tell(same ? "good" : "bad", same ? "The text of the entry, hashed here, gives the hash that is shown." : `The text of the entry gives ${hex(leaf)}, not the hash that is shown.`);
  const entry = JSON.parse(new TextDecoder().decode(text));
  const placed = String(entry.seq) === shown.seq;
  tell(placed ? "good" : "bad", placed ? `The text itself says that its place is ${shown.seq}.` : `The text itself says another place: ${entry.seq}.`);
  const proof = readProof(new TextDecoder().decode(file));
  const indexed = String(proof.index) === shown.seq && proof.origin === entry.log;
  tell(indexed ? "good" : "bad", indexed ? "The proof is for this place and this log." : "The proof is for another place or another log.");
  const root = hex(await rootOf(leaf, proof));
  const leads = root === hex(proof.root);
  tell(leads ? "good" : "bad", leads ? `${proof.hashes.length} hashes lead from the entry to the root of the checkpoint of size ${proof.size}.` : "The hashes do not lead to the checkpoint's root.");
  if (String(proof.size) === shown.size) {
    const agrees = root === shown.root;
    tell(agrees ? "good" : "bad", agrees ? "That root is the one that this page shows." : "That root is not the one that this page shows.");
  } else {
    tell("none", `A newer checkpoint (size ${proof.size}) came since this page was drawn (size ${shown.size}); the two roots were not compared.`);
  }
  tell("none", "The signatures on the checkpoint, the entries around this one, and whether others are shown the same root. For these, take a bundle to muniment verify with a root key that you keep.");
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-verify]");
  if (!button) return;
  const block = button.closest("[data-proof]");
  const list = block.querySelector("[data-results]");
  const words = { good: "Holds", bad: "FAILS", none: "Not checked" };
  const tell = (state, text) => {
    const item = document.createElement("li");
    item.dataset.state = state;
    item.dataset.word = words[state];
    item.setAttribute("aria-label", `${words[state]}: ${text}`);
    const said = document.createElement("span");
    said.textContent = text;
    item.append(said);
    list.append(item);
  };
  list.hidden = false;
  list.replaceChildren();
  button.disabled = true;
  try {
    await check(block.dataset, tell);
  } catch (error) {
    tell("bad", `The check could not be finished: ${error.message}.`);
  } finally {
    button.disabled = false;
  }
});
