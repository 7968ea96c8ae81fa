// Charts: bars that are buttons. One chosen shows its rows; the counts are those of the whole run.

function drawCharts() {
  fill(byId("chart-list"), ...data.charts.map(chartOf));
  changed.push(() => markChosen(byId("chart-list")));
}

function chartOf(chart) {
  const body = chart.labels ? (chart.steps ? stepsOf(chart) : barsOf(chart)) : binsOf(chart);
  return element(
    "figure",
    {class: `chart chart-${chart.name}`},
    element("figcaption", {}, element("h3", {}, chart.title), ...keyOf(chart)),
    ...body,
  );
}

function keyOf(chart) {
  if (chart.layers.length < 2) {
    return [];
  }
  const layers = chart.layers.map((layer, place) =>
    element("span", {class: `key key-${place}`}, `${layer.name}, ${number(layer.rows)}`),
  );
  return [element("p", {class: "keys"}, ...layers)];
}

// What stays of a funnel after each step, and what that step took.
function stepsOf(chart) {
  const counts = chart.layers[0].counts;
  const bars = chart.labels.map((name, place) => {
    const lost = place ? counts[place - 1] - counts[place] : 0;
    const words = place
      ? `${name} dropped ${plural(lost)}, ${percent(lost / counts[0])} of all; ${number(counts[place])} are left`
      : `${plural(lost || counts[0])} were sampled`;
    const fills = [fillOf(0, counts[place] / counts[0]), fillOf("lost", lost / counts[0])];
    const told = place ? `−${number(lost)}` : number(counts[0]);
    const chosen = place ? `reason:${name}` : "";
    return barOf(name, told, fills, words, () => choose("state", chosen, stateFilter(chosen)), ["state", chosen]);
  });
  const kept = counts.at(-1);
  const fills = [fillOf(0, kept / counts[0])];
  const words = `${plural(kept)} were kept, ${percent(kept / counts[0])} of all`;
  bars.push(barOf("kept", number(kept), fills, words, () => choose("state", "kept", stateFilter("kept")), ["state", "kept"]));
  return [group("bars", chart.title, bars)];
}

function barsOf(chart) {
  const most = Math.max(1, ...chart.layers.flatMap((layer) => layer.counts));
  const bars = chart.labels.map((name, place) => {
    const fills = chart.layers.map((layer, at) => fillOf(at, layer.counts[place] / most));
    const labels = columns.get(chart.column)?.labels ?? [];
    const chosen = String(labels.indexOf(name));
    const act = chosen === "-1" ? null : () => choose(chart.column, chosen, labelFilter(chart.column, chosen));
    const told = number(chart.layers[0].counts[place]);
    return barOf(name, told, fills.reverse(), wordsOf(chart, name, place), act, [chart.column, chosen]);
  });
  return [group("bars", chart.title, bars), element("p", {class: "unit"}, outsideOf(chart).join(" · "))];
}

function barOf(name, told, fills, words, act, mark) {
  const bar = element(
    "button",
    {type: "button", class: "bar", "aria-label": words, "aria-disabled": act ? null : "true"},
    element("span", {class: "bar-name", dir: "auto"}, name),
    element("span", {class: "track"}, ...fills),
    element("span", {class: "bar-count"}, told),
  );
  return acting(bar, words, act, mark);
}

function binsOf(chart) {
  const most = Math.max(1, ...chart.layers.flatMap((layer) => layer.counts));
  const known = columns.has(chart.column);
  const bars = chart.layers[0].counts.map((_, place) => {
    const [from, to] = [chart.edges[place], chart.edges[place + 1]];
    const words = wordsOf(chart, range(chart.column, from, to), place);
    const fills = chart.layers.map((layer, at) => fillOf(at, layer.counts[place] / most));
    const act = known ? () => choose(chart.column, `${from}:${to}`, rangeFilter(chart.column, from, to)) : null;
    const bar = element("button", {type: "button", class: "bin", "aria-label": words}, ...fills.reverse());
    return acting(bar, words, act, [chart.column, `${from}:${to}`]);
  });
  const {edges} = chart;
  const ticks = [edges[0], (edges[0] + edges.at(-1)) / 2, edges.at(-1)];
  return [
    group("bins", chart.title, bars),
    element("div", {class: "axis"}, ...ticks.map((edge) => element("span", {}, rounded(edge)))),
    element("p", {class: "unit"}, [chart.unit, ...medianOf(chart), ...outsideOf(chart)].join(" · ")),
  ];
}

function medianOf(chart) {
  const told = chart.layers.filter((layer) => layer.median !== null);
  const named = (layer) => `${rounded(layer.median)}${told.length > 1 ? ` (${layer.name})` : ""}`;
  return told.length ? [`median ${told.map(named).join(", ")}`] : [];
}

// Rows that no bar shows, in words.
function outsideOf(chart) {
  const [layer] = chart.layers;
  const edges = chart.edges ?? [0]; // labels have none, and nothing beyond them
  const parts = [
    [layer.below, `below ${rounded(edges[0])}`],
    [layer.above, `above ${rounded(edges.at(-1))}`],
    [layer.none, "not measured"],
  ].filter(([rows]) => rows);
  return parts.map(([rows, where]) => `${plural(rows)} ${where}`);
}

function wordsOf(chart, name, place) {
  const told = chart.layers.map((layer) => {
    const share = layer.rows ? layer.counts[place] / layer.rows : 0;
    return `${number(layer.counts[place])} ${layer.name} (${percent(share)})`;
  });
  return `${name}: ${told.join(", ")}`;
}

function fillOf(kind, share) {
  const made = element("span", {class: `fill fill-${kind}`});
  made.style.setProperty("--share", share);
  return made;
}

function acting(bar, words, act, [name, chosen]) {
  Object.assign(bar.dataset, {filter: name ?? "", chosen});
  tipped(bar, () => words);
  if (act) {
    bar.addEventListener("click", act);
  }
  return bar;
}

// Choose a bar; the chosen one once more takes its filter away.
function choose(name, chosen, filter) {
  setFilter(name, filters.get(name)?.chosen === chosen ? null : filter);
}

function markChosen(parent) {
  for (const bar of parent.querySelectorAll("button")) {
    const filter = filters.get(bar.dataset.filter);
    bar.setAttribute("aria-pressed", String(filter !== undefined && filter.chosen === bar.dataset.chosen));
  }
}

// Bars that are one stop of the Tab key; the arrow keys go from one to the next.
function group(kind, title, bars) {
  bars.forEach((bar, place) => {
    bar.tabIndex = place ? -1 : 0;
  });
  const made = element("div", {class: kind, role: "group", "aria-label": title}, ...bars);
  made.addEventListener("keydown", (event) => {
    const step = {ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1}[event.key];
    const ends = {Home: 0, End: bars.length - 1}[event.key];
    const next = ends ?? bars.indexOf(document.activeElement) + (step ?? NaN);
    if (bars[next]) {
      event.preventDefault();
      bars.forEach((bar) => {
        bar.tabIndex = bar === bars[next] ? 0 : -1;
      });
      bars[next].focus();
    }
  });
  return made;
}
