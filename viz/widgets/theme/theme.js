// The theme: says which one the page shows, when that is not what the server thinks.

import { mount } from "../shared/mount.js";
import { followTheme } from "../shared/page_theme.js";

export default function (component) {
  return mount(component, (parent) => {
    const root = parent.querySelector(".root");
    root.dataset.theme = component.data.theme;
    const tell = () => component.setStateValue("theme", root.dataset.theme);
    return { show() {}, stop: followTheme(root, tell) };
  });
}
