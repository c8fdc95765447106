// What every component needs of the page around it: its theme, a tooltip, one life per element, numbers.

const EXACT = 6; // decimals of a number that stands alone

/** "light" or "dark", by the luminance of the ground that `element` stands on. */
function themeOf(element) {
  const color = getComputedStyle(element).backgroundColor;
  const [red, green, blue, opacity = 1] = color.match(/[\d.]+/g).map(Number);
  const luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  return opacity === 0 || luminance > 127 ? "light" : "dark";
}

/** Keeps `root.dataset.theme` true to the page and returns a function that stops it.
 *  Streamlit doesn't run a component again when its theme changes; the classes above it do. */
function followTheme(root, onChange = () => {}) {
  const update = () => {
    const theme = themeOf(root);
    if (theme === root.dataset.theme) return;
    root.dataset.theme = theme;
    onChange();
  };
  const observer = new MutationObserver(update);
  for (let node = root.getRootNode().host ?? root; node; node = node.parentElement) {
    observer.observe(node, { attributes: true, attributeFilter: ["class", "style"] });
  }
  update();
  return () => observer.disconnect();
}

/** Shows a text, or a list of texts and elements, above `box` (client coordinates), or below it
 *  where there is no room above. */
function showTip(tip, content, box) {
  tip.replaceChildren(...[content].flat());
  tip.hidden = false;
  const frame = tip.parentElement.getBoundingClientRect();
  const middle = box.left - frame.left + (box.width - tip.offsetWidth) / 2;
  const above = box.top - frame.top - tip.offsetHeight - 6;
  tip.style.left = `${Math.max(0, Math.min(middle, frame.width - tip.offsetWidth))}px`;
  tip.style.top = `${above >= 0 ? above : box.bottom - frame.top + 6}px`;
}

const views = new WeakMap();

/** Hands `component` to the view of its element, made on the first call.
 *  Streamlit calls a component again with new data, and may drop a call that came too late;
 *  only the last call's cleanup ends the view. */
function mount(component, create) {
  const { parentElement } = component;
  if (!views.has(parentElement)) views.set(parentElement, create(parentElement));
  const view = views.get(parentElement);
  view.last = component;
  view.show(component);
  return () => {
    if (view.last !== component) return;
    view.stop();
    views.delete(parentElement);
  };
}

/** A new element with a class and a text. */
function make(tag, className, text = "") {
  const element = document.createElement(tag);
  element.className = className;
  element.textContent = text;
  return element;
}

/** A weight or a share with at least so many decimals, and at least three digits where it is tiny. */
function number(value, signed, decimals = 3) {
  if (Number.isNaN(value)) return "not a number";
  const size = Math.abs(value);
  const needed = size > 0 ? Math.min(12, 2 - Math.floor(Math.log10(size))) : 0;
  const digits = size.toFixed(Math.max(decimals, needed));
  const sign = Number(digits) === 0 ? "" : value < 0 ? "−" : signed ? "+" : "";
  return sign + digits;
}
