// A list that is narrowed, turned and searched in place. Without this module the same links and the same form load
// whole pages. A search is posted, so that no name and no number stands in an address or in the history.
import { ApiError, requestPage } from "./api.js";
import { announce, delegate } from "./dom.js";

/** @type {AbortController | null} */
let waiting = null;
const address = () => location.pathname + location.search;
let shown = address();

/**
 * Load the list from `url` and put it in the place of the one that is shown.
 * @param {string} url
 * @param {RequestInit} [options]
 */
async function load(url, options = {}) {
  const list = document.querySelector("[data-list]");
  if (!list) return;
  waiting?.abort();
  waiting = new AbortController();
  list.setAttribute("aria-busy", "true");
  try {
    const answer = await requestPage(url, { ...options, signal: waiting.signal });
    const fresh = answer.page.querySelector("[data-list]");
    if (!fresh) {
      location.assign(answer.url); // not the list: most likely the login page
      return;
    }
    const focused = document.activeElement?.id;
    const caret = document.activeElement instanceof HTMLInputElement ? document.activeElement.selectionStart : null;
    list.replaceWith(document.adoptNode(fresh));
    if (answer.url !== location.href) history.pushState(null, "", answer.url);
    shown = address();
    restoreFocus(focused, caret);
    announce(fresh.querySelector("[data-shown]")?.textContent?.trim() ?? "Nothing matches.");
  } catch (error) {
    if (error instanceof DOMException) return; // a newer request took its place
    list.removeAttribute("aria-busy");
    if (!(error instanceof ApiError)) throw error;
    announce(error.detail);
  }
}

/**
 * @param {string | undefined} id
 * @param {number | null} caret
 */
function restoreFocus(id, caret) {
  const element = id ? document.getElementById(id) : null;
  element?.focus();
  if (element instanceof HTMLInputElement && caret !== null) element.setSelectionRange(caret, caret);
}

/** Start listening; called once by the module of a page that has a list. */
export function followList() {
  delegate("click", "[data-list] a[data-turn]", (link, /** @type {MouseEvent} */ event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    load(/** @type {HTMLAnchorElement} */ (link).href);
  });
  delegate("change", "[data-list] form.filters select", (select) => select.closest("form")?.requestSubmit());
  delegate("submit", "[data-list] form.filters", (form, /** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    const body = new FormData(/** @type {HTMLFormElement} */ (form), event.submitter);
    load(/** @type {HTMLFormElement} */ (form).action, { method: "POST", body });
  });
  addEventListener("popstate", () => {
    if (address() !== shown) location.reload(); // a mere fragment, such as the skip link's, changes nothing
  });
}
