// One view for each element of a component, however often the page draws it.

/**
 * What the page hands to a component.
 * @typedef {object} Component
 * @property {[object]} data - The payload that Python made, in a list.
 * @property {Element} parentElement - Where the component's markup lies.
 * @property {(name: string, value: unknown) => void} setStateValue - Sends a state to the server.
 * @property {(name: string, value: unknown) => void} setTriggerValue - Sends an event to it.
 */

/**
 * What draws a component and remembers what its reader chose.
 * @typedef {object} View
 * @property {(component: object) => void} show - Draws a component whose `data` is the payload.
 * @property {() => void} stop - Ends what the view listens to.
 * @property {object} [last] - What was drawn last.
 */

const views = new WeakMap();
const GRACE = 250; // milliseconds in which a page that is still there may draw a view again

/**
 * Hands a component to the view of its element, which is created on the first call.
 *
 * Streamlit calls a component again with new data, and may drop a call that came too late: it cleans
 * that call up before it makes the next one. A view whose element is still on the page thus waits a
 * moment for that call, else it would forget where its reader was; the last call's cleanup ends it.
 * @param {Component} component - What the page hands over.
 * @param {(parent: Element) => View} create - Creates the view of an element.
 * @returns {() => void} The cleanup of this call.
 */
export function mount(component, create) {
  const { parentElement, data: [data] } = component;
  const opened = { ...component, data };
  if (!views.has(parentElement)) views.set(parentElement, create(parentElement));
  const view = views.get(parentElement);
  view.last = opened;
  view.show(opened);
  const stop = () => {
    if (view.last !== opened || views.get(parentElement) !== view) return;
    view.stop();
    views.delete(parentElement);
  };
  return () => {
    if (parentElement.isConnected) setTimeout(stop, GRACE);
    else stop();
  };
}
