// One view for each element of a component, however often the page draws it.

const views = new WeakMap();

/** Hands `component` to the view of its element, made on the first call.
 *  Streamlit calls a component again with new data, and may drop a call that came too late;
 *  only the last call's cleanup ends the view. */
export function mount(component, create) {
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
