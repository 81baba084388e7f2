// The HTTP API as functions. Addresses are relative to the page, so that it works behind a proxy that adds a prefix.

const BASE = 'api/v1';
const KEY = 'parley.token';

/** What the API refused: the problem document (RFC 9457), or that there was no answer. */
export class ApiError extends Error {
  /** @param {number} status 0: no answer. @param {string} title @param {string} detail */
  constructor(status, title, detail) {
    super(detail || title);
    Object.assign(this, { status, title, detail });
  }
}

/** @type {(refused: boolean) => Promise<string>} Asks the operator for a token. */
let askToken = () => Promise.reject(new ApiError(401, 'Unauthorized', 'a token is needed'));
/** @type {Promise<void> | null} */
let asking = null;

/** @param {(refused: boolean) => Promise<string>} ask Called when the API wants a token; refused: it did not take the last one. */
export function onTokenNeeded(ask) { askToken = ask; }

/** @returns {string} The token of this tab, '' for none. It is nowhere else than in the tab's session storage. */
export const token = () => sessionStorage.getItem(KEY) ?? '';

/** Forgets the token. */
export const forgetToken = () => sessionStorage.removeItem(KEY);

/** Gets another token than the one that was refused; several requests ask once. @param {string} refused */
async function newToken(refused) {
  if (token() !== refused) return; // somebody else has asked meanwhile
  asking ??= askToken(refused !== '').then((given) => sessionStorage.setItem(KEY, given)).finally(() => { asking = null; });
  await asking;
}

/** @param {string} path @returns {string} */
export const address = (path) => BASE + path;

/** @param {Response} response @returns {Promise<ApiError>} */
async function problemOf(response) {
  const problem = await response.json().catch(() => ({}));
  const parts = (problem.errors ?? []).map((e) => [e.location, e.message].filter(Boolean).join(': '));
  return new ApiError(response.status, problem.title || `Status ${response.status}`, [problem.detail, ...parts].filter(Boolean).join('; '));
}

/**
 * Sends a request, with a token if there is one, and asks for one if the API wants it.
 * @param {string} path Below api/v1. @param {RequestInit} [options] @returns {Promise<Response>} A response that is no error.
 */
export async function send(path, options = {}) {
  for (;;) {
    const used = token();
    const headers = new Headers(options.headers);
    if (used) headers.set('Authorization', `Bearer ${used}`);
    let response;
    try {
      response = await fetch(address(path), { credentials: 'omit', ...options, headers, cache: 'no-store', redirect: 'error' });
    } catch (e) {
      if (e.name === 'AbortError' || e.name === 'TimeoutError') throw e;
      throw new ApiError(0, 'No answer', 'the server cannot be reached');
    }
    if (response.ok) return response;
    if (response.status !== 401) throw await problemOf(response);
    await newToken(used);
  }
}

/**
 * @param {string} method @param {string} path @param {object} [body] @param {RequestInit} [more] Options.
 * @returns {Promise<any>} The object of the answer, null if it has none.
 */
export async function call(method, path, body, more = {}) {
  const options = { ...more, method, signal: AbortSignal.timeout(30_000) };
  if (body !== undefined) Object.assign(options, { body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } });
  const text = await (await send(path, options)).text();
  return text ? JSON.parse(text) : null;
}

/** @param {string} path @returns {Promise<any>} */
export const get = (path) => call('GET', path);

/** The path of a conference, or of something below it. @param {...string} parts @returns {string} */
export const at = (...parts) => '/conferences/' + parts.map((p, i) => (i % 2 ? p : encodeURIComponent(p))).join('/');
