// The only place that calls fetch().

/** The server did not answer as it should; `detail` is fit for people. */
export class ApiError extends Error {
  /** @param {string} detail */
  constructor(detail) {
    super(detail);
    this.name = "ApiError";
    this.detail = detail;
  }
}

/**
 * Ask the server for a page and return it parsed, with the address that it came from.
 * @param {string} url
 * @param {RequestInit} [options]
 * @returns {Promise<{page: Document, url: string}>}
 */
export async function requestPage(url, options = {}) {
  let response;
  try {
    response = await fetch(url, { ...options, headers: { Accept: "text/html" } });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new ApiError("The list could not be loaded. The server did not answer. Phone calls are not affected.");
  }
  if (!response.ok) {
    throw new ApiError("The list could not be loaded. Reload the page and try again. Phone calls are not affected.");
  }
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  return { page, url: response.url };
}

/**
 * Send a form and stay on the page; its answer is not shown.
 * @param {HTMLFormElement} form
 * @param {HTMLElement} submitter
 * @returns {Promise<void>}
 */
export async function post(form, submitter) {
  const body = new FormData(form, submitter);
  let response;
  try {
    response = await fetch(form.action, { method: "POST", body, redirect: "manual" });
  } catch {
    throw new ApiError("That was not stored. The server did not answer. Phone calls are not affected.");
  }
  if (!response.ok && response.type !== "opaqueredirect") {
    throw new ApiError("That was not stored. Reload the page and try again. Phone calls are not affected.");
  }
}

/**
 * Ask how long the session lives, or send the form that asks for more.
 * @param {string} url
 * @param {HTMLFormElement} [extension] without it nobody is taken to be there
 * @returns {Promise<number | null>} seconds, 0 if the session is over, nothing if the server answers with an error
 */
export async function sessionSecondsLeft(url, extension) {
  const headers = { Accept: "application/json" };
  const options = extension
    ? { method: "POST", headers, body: new FormData(extension) }
    : { headers: { ...headers, "X-Background-Request": "1" } };
  try {
    const response = await fetch(url, options);
    if (response.redirected || response.status === 401 || response.status === 403) return 0;
    return response.ok ? (await response.json()).seconds_left : null;
  } catch {
    throw new ApiError("The server did not answer. Phone calls are not affected.");
  }
}
