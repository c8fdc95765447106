// Elements of the page, whose text is never read as markup.

/** A new element with a class and a text. */
export function make(tag, className, text = "") {
  const element = document.createElement(tag);
  element.className = className;
  element.textContent = text;
  return element;
}
