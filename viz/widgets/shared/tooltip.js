// A tooltip beside what the reader points at.

/** Shows a text, or a list of texts and elements, above `box` (client coordinates), or below it
 *  where there is no room above. */
export function showTip(tip, content, box) {
  tip.replaceChildren(...[content].flat());
  tip.hidden = false;
  const frame = tip.parentElement.getBoundingClientRect();
  const middle = box.left - frame.left + (box.width - tip.offsetWidth) / 2;
  const above = box.top - frame.top - tip.offsetHeight - 6;
  tip.style.left = `${Math.max(0, Math.min(middle, frame.width - tip.offsetWidth))}px`;
  tip.style.top = `${above >= 0 ? above : box.bottom - frame.top + 6}px`;
}
