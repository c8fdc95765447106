// The atlas: thumbnails of all heads painted into one canvas; a click or an arrow key selects.

const KEY_PAUSE = 150; // milliseconds of rest before a selection by arrow keys is sent

export default function (component) {
  return mount(component, (parent) => {
    const root = parent.querySelector(".root");
    const canvas = root.querySelector("canvas");
    const tip = root.querySelector(".tip");
    const view = { root, canvas, tip, turn: 0, hovered: null };
    const redraw = () => view.dots && draw(view);
    const repaint = () => {
      view.painted = null;
      redraw();
    };
    const observer = new ResizeObserver(repaint);
    observer.observe(root);
    const life = new AbortController();
    const on = (type, react) => canvas.addEventListener(type, react, { signal: life.signal });
    on("pointermove", (event) => hover(view, cellAt(view, event)));
    on("pointerleave", () => hover(view, null));
    on("click", (event) => select(view, cellAt(view, event), 0));
    on("keydown", (event) => press(view, event));
    const stopTheme = followTheme(root, repaint);
    view.show = async ({ data, setStateValue }) => {
      view.send = (value) => setStateValue("selected", value);
      if (data.dots !== view.data?.dots) {
        const dots = await unpack(data.dots);
        if (view.last.data !== data) return;
        view.dots = dots;
        view.painted = view.hovered = null;
        tip.hidden = true;
      }
      view.data = data;
      // Python's selection holds, unless it has not yet seen the latest one made here.
      if (data.turn >= view.turn || !view.selected) {
        view.selected = [data.selected.layer ?? data.layers, data.selected.head ?? data.heads];
        view.turn = data.turn;
      }
      describe(view);
      redraw();
    };
    view.stop = () => {
      clearTimeout(view.timer);
      observer.disconnect();
      life.abort();
      stopTheme();
    };
    return view;
  });
}

/** The text around the picture, which does not depend on its size. */
function describe({ root, canvas, data }) {
  canvas.setAttribute("aria-label", data.label);
  root.querySelector(".caption").textContent = data.caption;
  root.querySelector(".largest").textContent = data.largest;
  const ramp = root.querySelector(".ramp");
  for (const [theme, { ramp: colors }] of Object.entries(data.themes)) {
    ramp.style.setProperty(`--${theme}`, colors);
  }
}

function nameOf({ data }, [row, column]) {
  if (row < data.layers) return column < data.heads ? `L${row} · H${column}` : `L${row} · mean of heads`;
  return column < data.heads ? `H${column} · mean of layers` : "mean of all heads";
}

function draw(view) {
  const { canvas, data, root } = view;
  if (!root.clientWidth) return;
  const place = (view.place = view.painted ? view.place : layout(view));
  view.painted ??= paint(view);
  canvas.width = place.width;
  canvas.height = place.height;
  canvas.style.width = `${place.width / place.ratio}px`;
  canvas.style.height = `${place.height / place.ratio}px`;
  // A canvas has no elements to point at: this tells a script where its cells lie (CSS pixels).
  const css = ({ left, top, cell, gap, apart, ratio }) =>
    [left, top, cell, gap, apart].map((length) => length / ratio).join(" ");
  canvas.dataset.grid = css(place);
  root.querySelector(".foot").style.maxWidth = `${(place.width - place.edge) / place.ratio}px`;
  const pen = canvas.getContext("2d");
  pen.drawImage(view.painted, 0, 0);
  const colors = data.themes[root.dataset.theme];
  label(view, pen, colors);
  if (view.hovered) outline(place, pen, view.hovered, colors.ink, 1);
  outline(place, pen, view.selected, colors.accent, 2);
  root.querySelector(".chosen").textContent = nameOf(view, view.selected);
}

function outline({ px, x, y, cell }, pen, [row, column], color, width) {
  const thick = px(width);
  pen.strokeStyle = color;
  pen.lineWidth = thick;
  pen.strokeRect(x(column) - thick / 2, y(row) - thick / 2, cell + thick, cell + thick);
}

/** Names of rows and columns; where they are narrow, only every second or third. */
function label({ data, selected, place, root }, pen, colors) {
  const { px, cell, gap, x, y, width } = place;
  const font = (weight) => `${weight} ${px(11)}px ${getComputedStyle(root).fontFamily}`;
  const write = (text, at, row, chosen, align) => {
    pen.font = font(chosen ? 600 : 400);
    pen.fillStyle = chosen ? colors.accent : colors.muted;
    pen.textAlign = align;
    pen.fillText(text, at, row);
  };
  pen.textBaseline = "middle";
  pen.font = font(400);
  const wide = pen.measureText(`H${data.heads - 1}`).width + px(5);
  const [across, down] = [wide, px(13)].map((size) => Math.ceil(size / (cell + gap)));
  for (let row = 0; row <= data.layers; row++) {
    const last = row === data.layers;
    if (row % down && !last) continue;
    write(last ? "mean" : `L${row}`, px(LABEL_WIDTH - 6), y(row) + cell / 2, row === selected[0], "right");
  }
  const mean = pen.measureText("mean").width;
  const limit = width - Math.max(mean, cell) - px(4);
  for (let column = 0; column < data.heads; column += across) {
    const middle = x(column) + cell / 2;
    if (column && middle + wide / 2 > limit) break;
    write(`H${column}`, middle, px(LABEL_HEIGHT / 2), column === selected[1], "center");
  }
  const [at, align] = mean > cell ? [width, "right"] : [x(data.heads) + cell / 2, "center"];
  write("mean", at, px(LABEL_HEIGHT / 2), selected[1] === data.heads, align);
}

function cellAt({ canvas, data, place }, event) {
  if (!place) return null;
  const box = canvas.getBoundingClientRect();
  const find = (at, count, start) => {
    const index = Math.floor((at * place.ratio - start + place.gap / 2) / (place.cell + place.gap));
    return Math.min(index, count);
  };
  const row = find(event.clientY - box.top, data.layers, place.top);
  const column = find(event.clientX - box.left, data.heads, place.left);
  return row >= 0 && column >= 0 ? [row, column] : null;
}

function hover(view, cell) {
  const { canvas, data, place, tip } = view;
  if (String(cell) === String(view.hovered)) return;
  view.hovered = cell;
  canvas.style.cursor = cell ? "pointer" : "default";
  tip.hidden = true;
  if (cell) {
    const [box, peak] = [canvas.getBoundingClientRect(), data.peaks[cell[0] * (data.heads + 1) + cell[1]]];
    const [x, y, size] = [place.x(cell[1]), place.y(cell[0]), place.cell].map((at) => at / place.ratio);
    showTip(tip, `${nameOf(view, cell)}, largest weight ${peak}`, new DOMRect(box.x + x, box.y + y, size, size));
  }
  draw(view);
}

function press(view, event) {
  const [row, column] = view.selected;
  const { layers, heads } = view.data;
  const targets = {
    ArrowUp: [Math.max(0, row - 1), column],
    ArrowDown: [Math.min(layers, row + 1), column],
    ArrowLeft: [row, Math.max(0, column - 1)],
    ArrowRight: [row, Math.min(heads, column + 1)],
    Home: [row, 0],
    End: [row, heads],
    Enter: [row, column],
    " ": [row, column],
  };
  if (event.key === "Escape") hover(view, null);
  const target = targets[event.key];
  if (!target || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  hover(view, null);
  select(view, target, KEY_PAUSE);
}

/** Outlines a cell at once and sends it after `pause`; each turn is a change, even to the same. */
function select(view, cell, pause) {
  if (!cell || !view.dots) return;
  const [row, column] = (view.selected = cell);
  const { layers, heads } = view.data;
  view.turn += 1;
  draw(view);
  clearTimeout(view.timer);
  const value = { layer: row < layers ? row : null, head: column < heads ? column : null, turn: view.turn };
  view.timer = setTimeout(() => view.send(value), pause);
}
