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
    let ask;
    let delay = 0;
    const restart = () => {
      clearTimeout(timer);
      timer = setTimeout(ask, delay);
    };
    // The reader goes first: of two fragments that ask at once, Streamlit runs the first alone.
    const events = ["pointerdown", "click", "keydown"];
    for (const event of events) document.addEventListener(event, restart, true);
    return {
      show({ data, setTriggerValue }) {
        delay = 1000 * data.seconds;
        ask = () => setTriggerValue("elapsed", data.token);
        restart();
      },
      stop() {
        clearTimeout(timer);
        for (const event of events) document.removeEventListener(event, restart, true);
      },
    };
  });
}
