// Gives every address of a feed a button that copies it; without this script the addresses are there all the same.
"use strict";

for (const source of document.querySelectorAll("[data-copy]")) {
  const button = document.createElement("button");
  const url = source.value || source.href;
  const name = source.getAttribute("aria-label");
  button.type = "button";
  button.className = "copy";
  button.textContent = "Copy";
  button.setAttribute("aria-label", name ? `Copy the address of ${name}` : "Copy the address");
  button.addEventListener("click", async () => {
    button.textContent = (await copied(url)) ? "Copied" : "Press Ctrl+C";
    status.textContent = button.textContent;
    setTimeout(() => {
      button.textContent = "Copy";
    }, 2000);
  });
  source.after(button);
}

const status = document.createElement("p");
status.className = "unseen";
status.setAttribute("role", "status");
document.querySelector("main").append(status);

// Browsers give the clipboard to pages that came over TLS only; elsewhere a selection is copied.
async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const field = document.createElement("input");
    field.value = text;
    document.body.append(field);
    field.select();
    const done = document.execCommand("copy");
    field.remove();
    return done;
  }
}
