// The pulse: asks the server once, a while after it was last drawn; draws nothing.

import { mount } from "../shared/mount.js";

export default function (component) {
  return mount(component, () => {
    let timer;
    let ask;
    let patience = 0;
    const arm = () => {
      clearTimeout(timer);
      timer = setTimeout(ask, patience);
    };
    // The reader goes first: a question that overtakes a click on another page would undo it.
    const events = ["pointerdown", "click", "keydown"];
    for (const event of events) document.addEventListener(event, arm, true);
    return {
      show({ data, setTriggerValue }) {
        patience = 1000 * data.seconds;
        ask = () => setTriggerValue("beat", data.turn);
        arm();
      },
      stop() {
        clearTimeout(timer);
        for (const event of events) document.removeEventListener(event, arm, true);
      },
    };
  });
}
