// Which colour a dot of the map has: by a column of labels, by whether its row was kept, or by the
// data set that it comes from.

const HUES = 7; // colours for labels without an order; what is rarer shares the last one, grey
const OTHER = {words: "other data sets", colour: "hue-other"};

// What dots can be coloured by.
function colourings() {
  const names = ["task_category", "input_quality", "difficulty", "language", "refusal"];
  const there = names.filter((name) => columns.get(name)?.kind === "label" && isVaried(name));
  return data.map.sets.length ? ["data set", ...there] : [...there, "state"];
}

function isVaried(name) {
  return data.map.rows.some((row) => value(name, row) !== null);
}

// {of: point -> number of its colour, entries: [{words, colour, name, chosen}]}, in the order of the
// legend. `name` and `chosen` are those of the filter that a click on an entry means, if any.
function colouringBy(name) {
  if (name === "data set") {
    const words = ["this run", ...data.map.sets];
    const entries = words.map((one, place) => ({words: one, colour: place < HUES ? `hue-${place}` : "hue-rest"}));
    return {of: (point) => data.map.set[point] + 1, entries};
  }
  const {of, entries} = name === "state" ? colouringByState() : colouringByLabel(name);
  const foreign = entries.push(OTHER) - 1;
  return {of: (point) => (data.map.rows[point] < 0 ? foreign : of(data.map.rows[point])), entries};
}

function colouringByState() {
  const entries = ["kept", "dropped"].map((words, place) => ({words, colour: `hue-${place}`, name: "state", chosen: words}));
  return {of: (row) => (isKept(row) ? 0 : 1), entries};
}

function colouringByLabel(name) {
  const {labels} = columns.get(name);
  const scale = ["very easy", "very poor"].includes(labels[0]);
  const ranked = scale ? labels.map((_, place) => place) : byFrequency(name, labels);
  const own = scale ? ranked : ranked.slice(0, HUES);
  const entries = own.map((place, at) => ({
    words: labels[place],
    colour: scale ? `step-${at}` : `hue-${at}`,
    name,
    chosen: String(place),
  }));
  const lack = data.map.rows.some((row) => row >= 0 && value(name, row) === null);
  const rest = [...(ranked.length > own.length ? ["others"] : []), ...(lack ? ["none"] : [])];
  entries.push({words: rest.join(" or "), colour: "hue-rest"});
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
