// <theme-menu>: wraps the form that stores how the pages look, and changes the look at once.

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
  #choose(event) {
    if (!(event.submitter instanceof HTMLButtonElement)) return;
    event.preventDefault();
    const choice = event.submitter.value;
    const secure = location.protocol === "https:" ? "; Secure" : "";
    const age = choice ? 31_536_000 : 0;
    document.cookie = `theme=${choice}; Path=/; Max-Age=${age}; SameSite=Lax${secure}`;
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
