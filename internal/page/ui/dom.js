// Making and changing elements. Texts become text nodes and attributes only: nothing that a caller chose is ever read as HTML, and the page's
// Content-Security-Policy (require-trusted-types-for) refuses to do it.

/**
 * Makes an element.
 * @param {string} tag Such as 'td.name'. @param {Record<string, any>} [props] on*: listeners; others: attributes, true and false as such.
 * @param {...(Node | string | null | undefined | false)} children
 * @returns {any}
 */
export function h(tag, props = {}, ...children) {
  const [name, ...classes] = tag.split('.');
  const element = document.createElement(name);
  if (classes.length) element.className = classes.join(' ');
  for (const [key, value] of Object.entries(props)) {
    if (key.startsWith('on')) element.addEventListener(key.slice(2), value);
    else setAttr(element, key, value);
  }
  element.append(...children.filter((c) => c !== null && c !== undefined && c !== false));
  return element;
}

/** Sets a text if it is another one. @param {HTMLElement} element @param {string | number | undefined} text */
export function setText(element, text) {
  const value = text === undefined || text === null ? '' : String(text);
  if (element.shownText === value) return;
  element.shownText = value;
  element.textContent = value;
}

/** Sets an attribute if it is another one; false and undefined take it away. @param {Element} element @param {string} name @param {any} value */
export function setAttr(element, name, value) {
  if (value === false || value === undefined || value === null) {
    if (element.hasAttribute(name)) element.removeAttribute(name);
  } else {
    const text = value === true ? '' : String(value);
    if (element.getAttribute(name) !== text) element.setAttribute(name, text);
  }
}

/** Shows a time in local form, with UTC in its title. @param {HTMLElement} element a <time> @param {string | undefined} at @param {(at: string) => string} form */
export function setTime(element, at, form) {
  setText(element, at ? form(at) : '');
  setAttr(element, 'datetime', at);
  setAttr(element, 'title', at ? new Date(at).toISOString().replace('T', ' ').replace('Z', ' UTC') : undefined);
}

/**
 * A list of elements for a list of objects. Only what has changed is touched: an object that is the same as before has the same element as it was.
 * @template T
 */
export class List {
  /** @type {Map<string, {element: HTMLElement, item: T | null}>} */
  #known = new Map();

  /**
   * @param {HTMLElement} parent Holds these elements and nothing else.
   * @param {(item: T) => string} key
   * @param {(item: T) => HTMLElement} make
   * @param {(element: any, item: T) => void} update
   */
  constructor(parent, key, make, update) { Object.assign(this, { parent, key, make, update }); }

  /** @param {Iterable<T>} items @param {boolean} [all] Update also those that are the same. */
  show(items, all = false) {
    const list = [...items];
    const wanted = new Set(list.map(this.key));
    for (const [key, known] of this.#known) { // first, so that those that stay need not be moved, and keep the focus
      if (wanted.has(key)) continue;
      known.element.remove();
      this.#known.delete(key);
    }
    let next = this.parent.firstElementChild;
    for (const item of list) {
      const key = this.key(item);
      let known = this.#known.get(key);
      if (!known) this.#known.set(key, known = { element: this.make(item), item: null });
      if (known.element === next) next = next.nextElementSibling;
      else this.parent.insertBefore(known.element, next);
      if (all || known.item !== item) this.update(known.element, item);
      known.item = item;
    }
  }
}

/** Replaces a list of small labels if it is another one. @param {HTMLElement} element @param {[string, string, string?][]} labels Text, class, title. */
export function setLabels(element, labels) {
  const now = JSON.stringify(labels);
  if (element.shownLabels === now) return;
  element.shownLabels = now;
  element.replaceChildren(...labels.map(([text, kind, title]) => h(`span.label.${kind}`, { title }, text)));
}
