// Finding elements, listening to them, and saying what happened.

/**
 * Call `handler(element, event)` for events on elements that match `selector`, now or later.
 * @template {Event} E
 * @param {string} type
 * @param {string} selector
 * @param {(element: HTMLElement, event: E) => void} handler
 */
export function delegate(type, selector, handler) {
  document.addEventListener(type, (event) => {
    const element = event.target instanceof Element ? event.target.closest(selector) : null;
    if (element instanceof HTMLElement) handler(element, /** @type {E} */ (event));
  });
}

/**
 * Say what happened, in the one live region; the words go after six seconds.
 * @param {string} text
 */
export function announce(text) {
  const region = document.querySelector(".toasts");
  if (!region) return;
  const toast = document.createElement("div");
  const words = document.createElement("p");
  toast.className = "toast";
  words.className = "toast__text";
  words.textContent = text;
  toast.append(words);
  region.replaceChildren(toast);
  setTimeout(() => toast.remove(), 6_000);
}
