// The theme: says which one the page shows, when that is not what the server thinks.

export default function (component) {
  return mount(component, (parent) => {
    const root = parent.querySelector(".root");
    root.dataset.theme = component.data.theme;
    const tell = () => component.setStateValue("theme", root.dataset.theme);
    return { show() {}, stop: followTheme(root, tell) };
  });
}
