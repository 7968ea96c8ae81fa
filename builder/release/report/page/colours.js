// Which colour a dot of the map has: by a column of labels, or by whether its row was kept.

const HUES = 7; // colours for labels without an order; what is rarer shares the last one, grey

function coloured() {
  const names = ["task_category", "input_quality", "difficulty", "language", "refusal"];
  return names.filter((name) => columns.get(name)?.kind === "label" && isVaried(name));
}

function isVaried(name) {
  return data.map.rows.some((row) => value(name, row) !== null);
}

// {of: row -> number of its colour, entries: [{words, colour, test, name, chosen}]}, in the order of
// the legend. `name` and `chosen` are those of the filter that a click on an entry means, if any.
function colouringBy(name) {
  if (name === "state") {
    const entries = [
      {words: "kept", colour: "hue-0", test: isKept, name, chosen: "kept"},
      {words: "dropped", colour: "hue-1", test: (row) => !isKept(row), name, chosen: "dropped"},
    ];
    return {of: (row) => (isKept(row) ? 0 : 1), entries};
  }
  const {labels} = columns.get(name);
  const scale = ["very easy", "very poor"].includes(labels[0]);
  const ranked = scale ? labels.map((_, place) => place) : byFrequency(name, labels);
  const own = scale ? ranked : ranked.slice(0, HUES);
  const entries = own.map((place, at) => ({
    words: labels[place],
    colour: scale ? `step-${at}` : `hue-${at}`,
    test: (row) => value(name, row) === place,
    name,
    chosen: String(place),
  }));
  const rest = (row) => !own.includes(value(name, row));
  entries.push({words: ranked.length > own.length ? "others, or none" : "none", colour: "hue-rest", test: rest});
  const numbers = new Map(own.map((place, at) => [place, at]));
  return {of: (row) => numbers.get(value(name, row)) ?? own.length, entries};
}

function byFrequency(name, labels) {
  const counts = new Array(labels.length).fill(0);
  for (const row of data.map.rows) {
    const place = value(name, row);
    if (place !== null) {
      counts[place] += 1;
    }
  }
  const there = labels.map((_, place) => place).filter((place) => counts[place]);
  return there.sort((one, other) => counts[other] - counts[one] || one - other);
}

// The colours of a legend as the page's style has them now, light or dark.
function paletteOf(entries) {
  const style = getComputedStyle(document.documentElement);
  return entries.map((entry) => style.getPropertyValue(`--${entry.colour}`).trim());
}
