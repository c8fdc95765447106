// The pointer: tells the atlas of the same page which head is selected.

export default function ({ data }) {
  // Kept as well as told, for an atlas that is not there yet.
  window.clsightSelected ??= new Map();
  window.clsightSelected.set(data.picture, data);
  window.dispatchEvent(new CustomEvent("clsight:select", { detail: data }));
}
