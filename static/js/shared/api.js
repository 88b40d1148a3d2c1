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
