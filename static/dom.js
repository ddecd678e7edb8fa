// The few things every part of the app does to the document.

/**
 * @param {string} id
 * @returns {HTMLElement}
 */
export const $ = (id) => document.getElementById(id);

/** Sets a text, and leaves the document alone when it is there already. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** @param {HTMLElement} element @param {boolean} visible */
export function show(element, visible) {
  element.hidden = !visible;
}

/**
 * @param {string} tag
 * @param {object} [properties] of the new element
 * @param {...(Node|string)} children
 * @returns {HTMLElement}
 */
export function create(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

/** Says something to a screen reader, politely. */
export function announce(text) {
  setText($("announcer"), text);
}
