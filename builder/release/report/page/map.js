// The map: a dot a row, drawn on a canvas, with the instruction under the pointer.

const REACH = 14; // pixels from the pointer within which a dot is meant
const view = {x: 0.5, y: 0.5, zoom: 1}; // what of the unit square is in the middle, and how large
const at = {point: -1, drag: null};

let colouring = null;
let passing = null; // of each row: 1 where it passes all filters

function drawMap() {
  if (!data.map) {
    return;
  }
  byId("map-part").hidden = false;
  byId("to-map").hidden = false;
  const by = byId("map-by");
  fill(by, ...colourings().map((name) => element("option", {value: name}, plain(name))));
  by.addEventListener("change", () => colourBy(by.value));
  changed.push(() => {
    passing = new Uint8Array(data.rows);
    shown.forEach((row) => (passing[row] = 1));
    markLegend();
    paint();
  });
  listenToPointer(byId("map"));
  listenToKeys(byId("map"));
  byId("zoom-in").addEventListener("click", () => zoom(1.6));
  byId("zoom-out").addEventListener("click", () => zoom(1 / 1.6));
  byId("zoom-all").addEventListener("click", () => zoom(0));
  new ResizeObserver(paint).observe(byId("map"));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", paint);
  colourBy(by.value);
}

function colourBy(name) {
  colouring = colouringBy(name);
  fill(byId("legend"), ...colouring.entries.flatMap(entryInLegend));
  markLegend();
  paint();
}

// A colour, what it means and how many dots have it; a click shows their rows.
function entryInLegend(entry, place) {
  const dots = data.map.rows.filter((_, point) => colouring.of(point) === place).length;
  if (!dots) {
    return [];
  }
  const {name, chosen} = entry;
  const made = element(
    name ? "button" : "span",
    {class: "entry", type: name ? "button" : null, "data-filter": name, "data-chosen": chosen},
    element("span", {class: "dot"}),
    element("span", {dir: "auto"}, visible(entry.words)),
    number(dots),
  );
  made.firstChild.style.background = `var(--${entry.colour})`;
  if (name) {
    const filter = () => (name === "state" ? stateFilter(chosen) : labelFilter(name, chosen));
    made.addEventListener("click", () => choose(name, chosen, filter()));
  }
  return [element("li", {}, made)];
}

function markLegend() {
  markChosen(byId("legend"));
}

function sizeOf(canvas) {
  return [canvas.clientWidth, canvas.clientHeight];
}

// Where on the canvas a point lies. The square keeps its shape; the longer side has room to spare.
function placed(point, [width, height]) {
  const side = (Math.min(width, height) - 16) * view.zoom;
  return [(data.map.x[point] - view.x) * side + width / 2, (data.map.y[point] - view.y) * side + height / 2];
}

function paint() {
  const canvas = byId("map");
  const size = sizeOf(canvas);
  if (!colouring || !size[0]) {
    return;
  }
  const ratio = window.devicePixelRatio || 1;
  canvas.width = Math.round(size[0] * ratio);
  canvas.height = Math.round(size[1] * ratio);
  const pen = canvas.getContext("2d");
  pen.scale(ratio, ratio);
  const palette = paletteOf(colouring.entries);
  const radius = Math.min(4.5, Math.max(1.6, 60 / Math.sqrt(data.map.rows.length))) * Math.sqrt(view.zoom);
  for (const pass of [0, 1]) {
    pen.globalAlpha = pass ? 0.85 : 0.12;
    data.map.rows.forEach((_, point) => {
      if (passes(point) === pass) {
        dot(pen, placed(point, size), radius, palette[colouring.of(point)]);
      }
    });
  }
  if (at.point >= 0) {
    ring(pen, placed(at.point, size), radius + 3);
  }
}

// Points of other data sets pass where nothing is filtered.
function passes(point) {
  const row = data.map.rows[point];
  return row < 0 ? Number(filters.size === 0) : (passing?.[row] ?? 1);
}

function dot(pen, [x, y], radius, colour) {
  pen.fillStyle = colour;
  pen.beginPath();
  pen.arc(x, y, radius, 0, 2 * Math.PI);
  pen.fill();
}

function ring(pen, [x, y], radius) {
  pen.globalAlpha = 1;
  pen.lineWidth = 2;
  pen.strokeStyle = getComputedStyle(document.documentElement).getPropertyValue("--text");
  pen.beginPath();
  pen.arc(x, y, radius, 0, 2 * Math.PI);
  pen.stroke();
}

// The point nearest to a place on the canvas by `cost`, among those that pass the filters.
function nearest(cost) {
  const size = sizeOf(byId("map"));
  let [best, least] = [-1, Infinity];
  data.map.rows.forEach((_, point) => {
    if (passes(point)) {
      const told = cost(placed(point, size), point);
      if (told < least) {
        [best, least] = [point, told];
      }
    }
  });
  return best;
}

function under(x, y) {
  return nearest(([px, py]) => {
    const far = Math.hypot(px - x, py - y);
    return far <= REACH ? far : Infinity;
  });
}

function wordsAt(point) {
  const row = data.map.rows[point];
  if (row < 0) {
    return `${short(data.map.texts[point], 280)}\n${visible(data.map.sets[data.map.set[point]])}`;
  }
  const labels = badgesOf(row).map((name) => label(name, row));
  return `${short(instructionOf(row), 280)}\n${[`row ${number(value("row", row))}`, stateOf(row), ...labels].join(" · ")}`;
}

function goTo(point) {
  at.point = point;
  byId("map").classList.toggle("pointing", point >= 0);
  paint();
  if (point < 0) {
    hideTip();
    return;
  }
  const box = byId("map").getBoundingClientRect();
  const [x, y] = placed(point, sizeOf(byId("map")));
  showTip(wordsAt(point), box.left + x, box.top + y);
}

// Open the row of the dot that is pointed at; those of other data sets have none.
function openPoint() {
  if (data.map.rows[at.point] >= 0) {
    openRow(data.map.rows[at.point]);
  }
}

function listenToPointer(canvas) {
  canvas.addEventListener("pointermove", (event) => {
    if (at.drag) {
      drag(event);
    } else {
      goTo(under(event.offsetX, event.offsetY));
    }
  });
  canvas.addEventListener("pointerleave", () => goTo(-1));
  canvas.addEventListener("pointerdown", (event) => {
    const was = at.point;
    goTo(under(event.offsetX, event.offsetY));
    const firstTouch = event.pointerType !== "mouse" && was !== at.point;
    at.drag = {x: event.clientX, y: event.clientY, moved: false, firstTouch};
  });
  canvas.addEventListener("click", () => {
    const {moved, firstTouch} = at.drag ?? {};
    at.drag = null;
    if (!moved && !firstTouch && at.point >= 0) {
      openPoint();
    }
  });
  window.addEventListener("pointerup", (event) => {
    if (event.target !== canvas) {
      at.drag = null;
    }
  });
  canvas.addEventListener("wheel", (event) => {
    if (event.ctrlKey) {
      event.preventDefault();
      zoom(Math.exp(-event.deltaY / 200));
    }
  }, {passive: false});
}

function drag(event) {
  const far = [event.clientX - at.drag.x, event.clientY - at.drag.y];
  if (view.zoom > 1 && (at.drag.moved || Math.hypot(...far) > 4)) {
    const side = (Math.min(...sizeOf(byId("map"))) - 16) * view.zoom;
    view.x -= far[0] / side;
    view.y -= far[1] / side;
    Object.assign(at.drag, {x: event.clientX, y: event.clientY, moved: true});
    goTo(-1);
  }
}

// Zoom by a factor, towards the dot that is pointed at; 0 shows all.
function zoom(factor) {
  view.zoom = factor ? Math.min(40, Math.max(1, view.zoom * factor)) : 1;
  if (view.zoom === 1) {
    Object.assign(view, {x: 0.5, y: 0.5});
  } else if (at.point >= 0) {
    Object.assign(view, {x: data.map.x[at.point], y: data.map.y[at.point]});
  }
  paint();
}

function listenToKeys(canvas) {
  const ways = {ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1]};
  canvas.addEventListener("keydown", (event) => {
    if (ways[event.key]) {
      event.preventDefault();
      walk(ways[event.key]);
    } else if (event.key === "Enter" && at.point >= 0) {
      event.preventDefault(); // else it would press the button of the row that has the focus next
      openPoint();
    } else if (event.key === "Escape") {
      goTo(-1);
    }
  });
  canvas.addEventListener("blur", () => goTo(-1));
}

// Go to the next dot in a direction: the nearest inside of a right angle around it.
function walk([right, down]) {
  const size = sizeOf(byId("map"));
  const [x, y] = at.point < 0 ? [size[0] / 2, size[1] / 2] : placed(at.point, size);
  const next = nearest(([px, py], point) => {
    const along = (px - x) * right + (py - y) * down;
    const aside = Math.abs((px - x) * down) + Math.abs((py - y) * right);
    return point === at.point || along <= 0 || aside > along ? Infinity : along + aside;
  });
  if (next >= 0) {
    goTo(next);
    byId("map-said").textContent = wordsAt(next);
  }
}
