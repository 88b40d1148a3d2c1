// <theme-menu>: wraps the form that stores how the pages look, and changes the look at once.
import { ApiError, post } from "../shared/api.js";
import { announce } from "../shared/dom.js";

class ThemeMenu extends HTMLElement {
  #listener = new AbortController();

  connectedCallback() {
    this.#listener = new AbortController();
    this.addEventListener("submit", (event) => this.#choose(event), { signal: this.#listener.signal });
  }

  disconnectedCallback() {
    this.#listener.abort();
  }

  /** @param {SubmitEvent} event */
  async #choose(event) {
    if (!(event.submitter instanceof HTMLButtonElement) || !(event.target instanceof HTMLFormElement)) return;
    event.preventDefault();
    const choice = event.submitter.value;
    try {
      await post(event.target, event.submitter); // the cookie is the server's alone
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      announce(error.detail);
      return;
    }
    if (choice) document.documentElement.dataset.theme = choice;
    else delete document.documentElement.dataset.theme;
    for (const button of this.querySelectorAll("button")) {
      button.setAttribute("aria-pressed", String(button === event.submitter));
    }
    this.hidePopover();
    document.dispatchEvent(new Event("themechange"));
  }
}

customElements.define("theme-menu", ThemeMenu);
