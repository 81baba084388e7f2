// Dialogs: questions before what cannot be taken back, forms, and the token.
import { h } from './dom.js';

let number = 0;

/**
 * Opens a dialog and gives what it was closed with.
 * @param {string} title @param {(close: (value?: any) => void) => Node[]} content @param {string} [kind] @returns {Promise<any>} undefined: it was cancelled.
 */
export function dialog(title, content, kind = '') {
  return new Promise((resolve) => {
    let value;
    const id = `dialog-${++number}`;
    const element = h('dialog' + (kind && `.${kind}`), {
      'aria-labelledby': id, onclose: () => { element.remove(); resolve(value); }, onclick: (e) => { if (e.target === element) element.close(); },
    });
    const close = (v) => { value = v; element.close(); };
    element.append(h('div.box', {}, h('header', {}, h('h2', { id }, title), h('button.quiet', { type: 'button', 'aria-label': 'Close', onclick: () => close() }, '✕')), ...content(close)));
    document.body.append(element);
    element.showModal();
    (element.querySelector('[data-first]') ?? element.querySelector('form :is(input, select)'))?.focus();
  });
}

/** Asks before something that cannot be taken back. @param {string} title @param {string} text @param {string} yes @returns {Promise<boolean>} */
export async function confirmed(title, text, yes) {
  return (await dialog(title, (close) => [h('p', {}, text), h('footer', {},
    h('button', { type: 'button', 'data-first': true, onclick: () => close(false) }, 'Cancel'), h('button.danger', { type: 'button', onclick: () => close(true) }, yes))])) === true;
}

/**
 * @typedef {object} Field
 * @property {string} name @property {string} label @property {'text' | 'checkbox' | 'select' | 'many' | 'password' | 'number'} [type]
 * @property {any} [value] @property {[string, string][]} [options] Value and text. @property {boolean} [required] @property {string} [hint] @property {Record<string, any>} [attributes]
 */

/**
 * Asks for something. @param {string} title @param {Field[]} fields @param {string} submit @param {string} [text]
 * @returns {Promise<Record<string, any> | undefined>} The values by name.
 */
export function form(title, fields, submit, text = '') {
  return dialog(title, (close) => {
    /** @type {Map<Field, any>} */
    const inputs = new Map(fields.map((f) => [f, input(f)]));
    inputs.forEach((element, f) => demand(f, element));
    const onsubmit = (e) => {
      e.preventDefault();
      close(Object.fromEntries(fields.map((f) => [f.name, valueOf(f, inputs.get(f))])));
    };
    return [h('form', { onsubmit, novalidate: false }, text && h('p', {}, text), ...fields.map((f) => field(f, inputs.get(f))),
      h('footer', {}, h('button', { type: 'button', onclick: () => close() }, 'Cancel'), h('button.primary', { type: 'submit' }, submit)))];
  });
}

/** @param {Field} f */
function input(f) {
  const attributes = { name: f.name, required: f.required, ...f.attributes };
  if (f.type === 'select') return h('select', attributes, ...(f.options ?? []).map(([value, label]) => h('option', { value, selected: f.value === value }, label)));
  if (f.type === 'many') { // each by one click, as a select wants another key for the second
    const boxes = (f.options ?? []).map(([value, label]) => h('label', {}, h('input', { type: 'checkbox', name: f.name, value, checked: (f.value ?? []).includes(value) }), h('span', {}, label)));
    return h('div.many', {}, ...boxes);
  }
  return h('input', { type: f.type ?? 'text', value: f.type === 'checkbox' ? undefined : f.value, checked: f.type === 'checkbox' && f.value, autocomplete: 'off', spellcheck: 'false', ...attributes });
}

/** @param {Field} f @param {any} element */
const field = (f, element) => (f.type === 'many' ? h('fieldset.field', {}, h('legend', {}, f.label), element, f.hint && h('small', {}, f.hint))
  : h(`label.field.${f.type ?? 'text'}`, {}, h('span', {}, f.label), element, f.hint && h('small', {}, f.hint)));

/** Says that nothing is chosen of what something has to be. @param {Field} f @param {any} element */
function demand(f, element) {
  if (f.type !== 'many' || !f.required) return;
  const boxes = [...element.querySelectorAll('input')], check = () => boxes[0]?.setCustomValidity(boxes.some((b) => b.checked) ? '' : 'Choose at least one.');
  element.addEventListener('change', check);
  check();
}

/** @param {Field} f @param {any} element */
function valueOf(f, element) {
  if (f.type === 'checkbox') return element.checked;
  if (f.type === 'many') return [...element.querySelectorAll('input:checked')].map((o) => o.value);
  return element.value.trim();
}

/** Asks for a token until there is one. @param {boolean} refused @returns {Promise<string>} */
export async function askToken(refused) {
  for (;;) {
    const given = await form('A token is needed', [{
      name: 'token', label: 'Token', type: 'password', required: true, attributes: { 'data-first': true },
      hint: 'One of http.tokens of the configuration. It stays in this tab, until it is closed.',
    }], 'Go on', refused ? 'The server did not take the token.' : '');
    if (given?.token) return given.token;
  }
}
