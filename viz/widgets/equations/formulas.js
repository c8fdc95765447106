// Formulas, set by the KaTeX that comes with Streamlit.
//
// Streamlit renders them in an element of its own that is not shown; they are copied from there by
// their source, which KaTeX leaves in what it sets.

const RETRY = 50; // milliseconds
const MAX_RETRIES = 100;
const MAX_CACHED = 5_000;

const rendered = new Map();

/**
 * Fills every element that names a formula, as soon as it is set.
 * @param {ParentNode} root - Where the elements are; each has its LaTeX in `data-tex`.
 * @param {string} place - The key of the element in which Streamlit sets them.
 * @returns {() => void} Stops waiting for those that are not there yet.
 */
export function setFormulas(root, place) {
  let timer;
  let retries = 0;
  adoptStyles(root);
  const update = () => {
    const waiting = [...root.querySelectorAll("[data-tex]:not([data-set])")];
    if (waiting.some(({ dataset }) => !rendered.has(dataset.tex))) collect(place);
    const missing = waiting.filter((element) => !fill(element));
    if (missing.length && retries++ < MAX_RETRIES) timer = setTimeout(update, RETRY);
  };
  update();
  return () => clearTimeout(timer);
}

/** Puts a formula where it belongs; what was there, its source, is for those that fail. */
function fill(element) {
  const formula = rendered.get(element.dataset.tex);
  if (!formula) return false;
  element.replaceChildren(formula.cloneNode(true));
  element.dataset.set = "";
  return true;
}

function collect(place) {
  if (rendered.size > MAX_CACHED) rendered.clear();
  for (const source of document.querySelectorAll(`.st-key-${CSS.escape(place)} annotation`)) {
    rendered.set(source.textContent, source.closest(".katex"));
  }
}

/** KaTeX's style holds for the page; what stands in a shadow needs it, too. Fonts are there. */
function adoptStyles(root) {
  const shadow = root.getRootNode();
  if (!("adoptedStyleSheets" in shadow) || shadow.adoptedStyleSheets.some((sheet) => sheet.katex)) return;
  const rules = [...document.styleSheets].flatMap(rulesOf).filter((rule) => rule.selectorText?.includes("katex"));
  if (!rules.length) return;
  const sheet = Object.assign(new CSSStyleSheet(), { katex: true });
  sheet.replaceSync(rules.map((rule) => rule.cssText).join("\n"));
  shadow.adoptedStyleSheets.push(sheet);
}

/** The rules of a sheet; none where it came from elsewhere and can't be read. */
function rulesOf(sheet) {
  try {
    return [...sheet.cssRules];
  } catch {
    return [];
  }
}
