/** Small help with the document. Text is set as text, never as markup. */

/**
 * The element with this id, which index.html is known to have. Throws when it does not, or is of another type.
 *
 * @template {Element} T
 * @param {string} id
 * @param {new () => T} type
 * @returns {T}
 */
export function byId(id, type) {
  const found = document.getElementById(id);
  if (!(found instanceof type)) throw new TypeError(`index.html has no ${type.name} #${id}`);
  return found;
}

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, string>} [attributes]
 * @param {...(Node | string)} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

const SVG = "http://www.w3.org/2000/svg";

/** One of the icons at the top of index.html. @param {string} name */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `#icon-${name}`);
  svg.append(use);
  return svg;
}

/** @type {ReturnType<typeof setTimeout> | undefined} */
let toastTimer;

/** Say something short that goes away by itself. @param {string} text */
export function toast(text) {
  const paragraph = byId("toast", HTMLParagraphElement);
  paragraph.textContent = text;
  paragraph.hidden = false;
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => {
    paragraph.hidden = true;
  }, 5000);
}
