// Asks the server once, a while after it was last drawn; draws nothing.

import { mount } from "../shared/mount.js";

/**
 * Draws the component.
 * @param {import("../shared/mount.js").Component} component - `seconds` to wait, and a `token`
 *     that is new whenever the server wants to be asked.
 * @returns {() => void} The cleanup.
 */
export default function (component) {
  return mount(component, () => {
    let timer;
    return {
      show({ data, setTriggerValue }) {
        clearTimeout(timer);
        timer = setTimeout(() => setTriggerValue("elapsed", data.token), 1000 * data.seconds);
      },
      stop() {
        clearTimeout(timer);
      },
    };
  });
}
