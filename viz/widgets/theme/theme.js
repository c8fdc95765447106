// Tells which theme the page shows, when that is not what the server thinks.

import { mount } from "../shared/mount.js";
import { followTheme } from "../shared/page_theme.js";

/**
 * Draws the component.
 * @param {import("../shared/mount.js").Component} component - The `theme` that the server assumes.
 * @returns {() => void} The cleanup.
 */
export default function (component) {
  return mount(component, (parent) => {
    const root = parent.querySelector(".root");
    root.dataset.theme = component.data[0].theme;
    const send = () => component.setStateValue("theme", root.dataset.theme);
    return { show() {}, stop: followTheme(root, send) };
  });
}
