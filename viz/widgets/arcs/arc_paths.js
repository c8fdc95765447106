// The arcs as a canvas draws them: as much of them as is scrolled into view.

export const ROW_HEIGHT = 22; // CSS pixels from one token to the next; `arcs.css` has it as --row

/**
 * Draws the arcs between the columns.
 * @param {object} view - Has the `arcs` and the `largest` size of one.
 */
export function drawArcs(view) {
  const { canvas, area, arcs, largest } = view;
  const pixelRatio = window.devicePixelRatio || 1;
  const [width, height] = [canvas.parentElement.clientWidth, area.clientHeight];
  if (!width || !height) return;
  canvas.width = Math.round(width * pixelRatio);
  canvas.height = Math.round(height * pixelRatio);
  canvas.style.height = `${height}px`;
  const context = canvas.getContext("2d");
  context.scale(pixelRatio, pixelRatio);
  context.translate(0, -area.scrollTop);
  const [top, bottom] = [area.scrollTop, area.scrollTop + height];
  for (const arc of arcs) {
    const [from, to] = [arc.query, arc.key].map((index) => (index + 0.5) * ROW_HEIGHT);
    if (Math.max(from, to) < top || Math.min(from, to) > bottom) continue;
    const size = Math.abs(arc.value) / largest;
    context.strokeStyle = arcColor(view, arc);
    context.globalAlpha = 0.15 + 0.8 * Math.sqrt(size);
    context.lineWidth = 0.6 + 3.4 * size;
    context.setLineDash(isDashed(view, arc) ? [5, 3] : []);
    context.beginPath();
    context.moveTo(0, from);
    context.bezierCurveTo(width * 0.45, from, width * 0.55, to, width, to);
    context.stroke();
  }
}

/**
 * The color of an arc: by sign where one head of signed shares is drawn, else by head.
 * @param {object} view - The arcs.
 * @param {import("./selection.js").Arc} arc - One of them.
 * @returns {string} `#rrggbb`.
 */
export function arcColor({ data, heads, root }, { head, value }) {
  const { theme } = root.dataset;
  if (data.signed && heads.size === 1) return data.sign_colors[theme][value < 0 ? 0 : 1];
  return data.head_colors[theme][head];
}

function isDashed({ data, heads }, { value }) {
  return data.signed && heads.size > 1 && value < 0;
}
