// The event stream. EventSource cannot send a token, so that this reads Server-Sent Events from a fetch.
import { send } from './api.js';

const SILENCE = 40_000; // ms: the server says something every 15 s
const FIRST_PAUSE = 500, LONGEST_PAUSE = 15_000; // ms between attempts

/**
 * @typedef {object} Event An event as docs/applications.md describes it.
 * @property {string} id @property {string} type @property {string} time @property {string} conference @property {number} sequence @property {any} object
 */

/** Follows the events of all conferences for ever, and goes on after the last event known when the connection is lost. */
export class EventStream {
  #last = '';
  #pause = FIRST_PAUSE;
  /** @type {() => void} */
  #again = () => {};
  /** @type {AbortController | null} */
  #open = null;

  /**
   * @param {(event: Event) => void} onEvent
   * @param {() => void} onOpen The stream begins: what comes from now on will be told.
   * @param {(why: string, pause: number) => void} onLost It is lost; the next attempt is in pause ms.
   */
  constructor(onEvent, onOpen, onLost) {
    Object.assign(this, { onEvent, onOpen, onLost });
    addEventListener('online', () => this.#again());
    addEventListener('offline', () => this.#open?.abort(new Error('this computer is offline')));
    document.addEventListener('visibilitychange', () => { if (!document.hidden) this.#again(); });
  }

  /** Ends the connection, so that another one is made. @param {string} why */
  restart(why) { this.#open?.abort(new Error(why)); }

  async run() {
    for (;;) {
      let why = 'the server has ended the stream';
      try {
        await this.#once();
      } catch (e) {
        why = e.message || String(e);
      }
      const pause = this.#pause * (0.8 + 0.4 * Math.random()); // not all pages at once after a restart
      this.#pause = Math.min(this.#pause * 2, LONGEST_PAUSE);
      this.onLost(why, pause);
      await new Promise((resolve) => {
        const timer = setTimeout(resolve, pause);
        this.#again = () => { clearTimeout(timer); resolve(); };
      });
      this.#again = () => {};
    }
  }

  async #once() {
    const open = this.#open = new AbortController();
    let watchdog;
    const heard = () => {
      clearTimeout(watchdog);
      watchdog = setTimeout(() => open.abort(new Error('the server has been silent for too long')), SILENCE);
    };
    heard();
    try {
      const headers = this.#last ? { 'Last-Event-ID': this.#last } : {};
      const response = await send('/events', { headers, signal: open.signal });
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      const parser = new Parser((data) => this.#take(data));
      for (let first = true; ; first = false) {
        const { done, value } = await reader.read();
        if (done) return;
        heard();
        if (first) { this.#pause = FIRST_PAUSE; this.onOpen(); }
        parser.push(value);
      }
    } catch (e) {
      throw open.signal.aborted ? open.signal.reason : e;
    } finally {
      clearTimeout(watchdog);
      open.abort(); // whatever has ended it: nobody reads any more
    }
  }

  /** @param {string} data */
  #take(data) {
    const event = JSON.parse(data);
    this.#last = event.id;
    this.onEvent(event);
  }
}

/** Takes a text stream apart (HTML standard, section 9.2.6), as far as the server uses it: the type is in the data, too. */
export class Parser {
  #rest = '';
  /** @type {string[]} */
  #data = [];

  /** @param {(data: string) => void} emit */
  constructor(emit) { this.emit = emit; }

  /** @param {string} text */
  push(text) {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop();
    for (const line of lines) {
      if (line.startsWith('data:')) {
        this.#data.push(line.slice(5).trimStart());
      } else if (line === '' && this.#data.length) {
        const data = this.#data.join('\n');
        this.#data = [];
        this.emit(data);
      }
    }
  }
}
