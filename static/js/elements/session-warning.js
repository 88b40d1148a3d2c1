// <session-warning>: asks whether somebody is still there before the session ends, and clears the page when it has.
// Other tabs and lists that are loaded in place keep the session alive too, so the server is asked before anything is said.

import { ApiError, sessionSecondsLeft } from "../shared/api.js";

const AGAIN_MS = 15_000;

class SessionWarning extends HTMLElement {
  #listener = new AbortController();
  #timer = 0;

  connectedCallback() {
    this.#listener = new AbortController();
    const options = { signal: this.#listener.signal };
    this.addEventListener("submit", (event) => this.#extend(event), options);
    this.addEventListener("cancel", (event) => event.preventDefault(), { ...options, capture: true });
    document.addEventListener("visibilitychange", () => document.hidden || this.#look(), options);
    this.#timer = setTimeout(() => this.#look(), Number(this.dataset.warnAfter) * 1000);
  }

  disconnectedCallback() {
    this.#listener.abort();
    clearTimeout(this.#timer);
  }

  get #box() {
    return /** @type {HTMLDialogElement} */ (this.querySelector("dialog"));
  }

  /** Ask the server how long the session lives, and warn, wait or leave accordingly. */
  async #look() {
    const left = await this.#secondsLeft(this.dataset.status ?? "");
    if (left !== null) this.#follow(left);
  }

  /** @param {SubmitEvent} event */
  async #extend(event) {
    event.preventDefault();
    const form = /** @type {HTMLFormElement} */ (event.target);
    const left = await this.#secondsLeft(form.action, form);
    if (left === null) return;
    this.#box.close();
    this.#follow(left);
  }

  /**
   * @param {string} url
   * @param {HTMLFormElement} [extension]
   * @returns {Promise<number | null>} nothing if the server cannot say, 0 if the session is over
   */
  async #secondsLeft(url, extension) {
    try {
      return await sessionSecondsLeft(url, extension);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.#wait(AGAIN_MS);
      return null;
    }
  }

  /** @param {number} left seconds */
  #follow(left) {
    if (left <= 0) {
      this.#leave();
      return;
    }
    const warnAfter = Number(this.dataset.warnAfter);
    const warning = Number(this.dataset.warning);
    if (left > warning) {
      if (this.#box.open) this.#box.close();
      this.#wait(Math.min(warnAfter, left - warning) * 1000);
      return;
    }
    if (!this.#box.open) this.#box.showModal();
    this.#wait(Math.min(left * 1000 + 500, AGAIN_MS));
  }

  /** @param {number} ms */
  #wait(ms) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#look(), ms);
  }

  /** What stands on the page must not be read by whoever comes next. */
  #leave() {
    document.body.replaceChildren();
    const next = encodeURIComponent(location.pathname + location.search);
    location.replace(`${this.dataset.login}?next=${next}`);
  }
}

customElements.define("session-warning", SessionWarning);
