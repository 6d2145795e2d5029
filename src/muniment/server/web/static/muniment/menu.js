// Menus are <details>: one open at a time, closed by Escape, by a click elsewhere and by leaving with the keyboard.
const menus = () => document.querySelectorAll("details[data-menu][open]");

document.addEventListener("click", (event) => {
  for (const menu of menus()) if (!menu.contains(event.target)) menu.open = false;
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of menus()) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});
document.addEventListener("focusin", (event) => {
  for (const menu of menus()) if (!menu.contains(event.target)) menu.open = false;
});
