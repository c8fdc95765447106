// The arcs as a canvas draws them: as much of them as is scrolled into sight.

export const ROW = 22; // CSS pixels from one token to the next; `arcs.css` has it as --row

/** Draws `view.arcs` between the columns. */
export function drawBows(view) {
  const { canvas, area, arcs, largest } = view;
  const ratio = window.devicePixelRatio || 1;
  const [width, height] = [canvas.parentElement.clientWidth, area.clientHeight];
  if (!width || !height) return;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  canvas.style.height = `${height}px`;
  const pen = canvas.getContext("2d");
  pen.scale(ratio, ratio);
  pen.translate(0, -area.scrollTop);
  const [low, high] = [area.scrollTop, area.scrollTop + height];
  for (const arc of arcs) {
    const [from, to] = [arc.query, arc.key].map((index) => (index + 0.5) * ROW);
    if (Math.max(from, to) < low || Math.min(from, to) > high) continue;
    const size = Math.abs(arc.value) / largest;
    pen.strokeStyle = colorOf(view, arc);
    pen.globalAlpha = 0.15 + 0.8 * Math.sqrt(size);
    pen.lineWidth = 0.6 + 3.4 * size;
    pen.setLineDash(dashed(view, arc) ? [5, 3] : []);
    pen.beginPath();
    pen.moveTo(0, from);
    pen.bezierCurveTo(width * 0.45, from, width * 0.55, to, width, to);
    pen.stroke();
  }
}

/** By sign where one head of signed shares is drawn, else by head. */
export function colorOf({ data, chosen, root }, { head, value }) {
  const { theme } = root.dataset;
  if (data.signed && chosen.size === 1) return data.signs[theme][value < 0 ? 0 : 1];
  return data.hues[theme][head];
}

function dashed({ data, chosen }, { value }) {
  return data.signed && chosen.size > 1 && value < 0;
}
