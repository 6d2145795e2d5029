// Requests that htmx makes carry the CSRF token, and a refused one is said aloud.
const sayings = {
  0: "The server could not be reached. Nothing was changed. Check the connection and try again.",
  403: "You may not do this. Nothing was changed.",
  404: "This is not there any more. Reload the page.",
  413: "That was too large. Nothing was changed.",
  429: "Too many requests. Wait a minute and try again.",
};

document.addEventListener("htmx:configRequest", (event) => {
  const token = document.querySelector('meta[name="csrf-token"]');
  if (token) event.detail.headers["X-CSRFToken"] = token.content;
});

function refused(event) {
  const status = event.detail.xhr ? event.detail.xhr.status : 0;
  const message = sayings[status] || "Something went wrong on the server. It was logged. Try again, then tell an administrator.";
  document.dispatchEvent(new CustomEvent("toast", { detail: { message, kind: "bad" } }));
}

document.addEventListener("htmx:responseError", refused);
document.addEventListener("htmx:sendError", refused);
document.addEventListener("htmx:timeout", refused);

// After a refused form the summary of what is wrong takes the focus, on a full page and on a part of one.
function focusSummary(root) {
  const summary = root.querySelector("[data-focus]");
  if (summary) summary.focus();
}
focusSummary(document);
document.addEventListener("htmx:afterSwap", (event) => focusSummary(event.detail.target));
