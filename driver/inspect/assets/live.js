"use strict";
// The page asks for itself again, and takes over the parts that changed. Without this script everything is there, once.
(() => {
  const every = 2000; // milliseconds
  const root = document.documentElement;
  const said = document.getElementById("said");
  const pause = document.getElementById("pause");
  let paused = false;
  root.classList.add("js");

  // inUse tells whether replacing a part would take away what the reader is at.
  const inUse = (part) => {
    const selection = document.getSelection();
    return (part.contains(document.activeElement) && document.activeElement !== part) ||
      (selection && !selection.isCollapsed && part.contains(selection.anchorNode));
  };

  const update = async () => {
    if (paused || document.hidden) return;
    const answer = await fetch(location.href, { cache: "no-store", credentials: "same-origin" });
    if (!answer.ok) throw new Error("status " + answer.status);
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const part of document.querySelectorAll("[data-live]")) {
      const other = fresh.querySelector('[data-live="' + part.dataset.live + '"]');
      if (other && !inUse(part) && other.innerHTML !== part.innerHTML) {
        part.replaceChildren(...document.adoptNode(other).childNodes);
      }
    }
    root.classList.remove("lost");
  };

  const tick = () => {
    update().catch(() => root.classList.add("lost")).finally(() => setTimeout(tick, every));
  };
  if (document.querySelector("[data-live]")) setTimeout(tick, every);

  pause?.addEventListener("click", () => {
    paused = !paused;
    pause.setAttribute("aria-pressed", String(paused));
    root.classList.toggle("paused", paused);
  });

  document.addEventListener("click", async (event) => {
    const button = event.target.closest?.("[data-copy]");
    if (!button) return;
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
      said.textContent = "Copied.";
    } catch {
      said.textContent = "The browser does not let this page copy: select the text instead.";
    }
  });
})();
