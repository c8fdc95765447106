// Which theme the page shows.

/** "light" or "dark", by the luminance of the background of `element`. */
function themeOf(element) {
  const color = getComputedStyle(element).backgroundColor;
  const [red, green, blue, opacity = 1] = color.match(/[\d.]+/g).map(Number);
  const luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  return opacity === 0 || luminance > 127 ? "light" : "dark";
}

/**
 * Keeps `root.dataset.theme` equal to the theme of the page.
 *
 * Streamlit doesn't run a component again when its theme changes; the classes above it do change.
 * @param {HTMLElement} root - An element on the page's background.
 * @param {() => void} [onChange] - Called after each change, also the first.
 * @returns {() => void} Stops following.
 */
export function followTheme(root, onChange = () => {}) {
  const update = () => {
    if (!root.isConnected) return; // it has no style any more
    const theme = themeOf(root);
    if (theme === root.dataset.theme) return;
    root.dataset.theme = theme;
    onChange();
  };
  const observer = new MutationObserver(update);
  // A picture may stand in another one, in a shadow root within a shadow root.
  for (let node = root.getRootNode().host ?? root; node; node = node.parentElement ?? node.getRootNode().host) {
    observer.observe(node, { attributes: true, attributeFilter: ["class", "style"] });
  }
  update();
  return () => observer.disconnect();
}
