// Elements of the page, whose text is never read as markup.

/**
 * A new element with a class and a text.
 * @param {string} tag - Its tag, e.g. "span".
 * @param {string} className - Its classes.
 * @param {string} [text] - Its text.
 * @returns {HTMLElement} The element, which is not yet on the page.
 */
export function createElement(tag, className, text = "") {
  const element = document.createElement(tag);
  element.className = className;
  element.textContent = text;
  return element;
}

/**
 * The element that has the focus, inside whichever shadow root.
 * @returns {Element | null} The element; null where none has it.
 */
export function focusedElement() {
  let element = document.activeElement;
  while (element?.shadowRoot?.activeElement) element = element.shadowRoot.activeElement;
  return element;
}
