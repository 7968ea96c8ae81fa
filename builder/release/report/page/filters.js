// Which rows are shown, and in which order. A filter is a test of a row's position on the page.

const filters = new Map(); // name -> {words, chosen, test}
const order = {by: "row", down: false};
const changed = []; // called after each change

let shown = []; // positions of the rows that pass all filters, in order
let texts = null; // what a search looks through, one a row, made when it is first needed

function setFilter(name, filter) {
  if (filter === null) {
    filters.delete(name);
  } else {
    filters.set(name, filter);
  }
  refresh();
}

function setOrder(by, down) {
  order.by = by;
  order.down = down;
  refresh();
}

function refresh() {
  const tests = Array.from(filters.values(), (filter) => filter.test);
  shown = [];
  for (let row = 0; row < data.rows; row += 1) {
    if (tests.every((test) => test(row))) {
      shown.push(row);
    }
  }
  sortShown();
  changed.forEach((listener) => listener());
}

// Rows without a value stand last, in either direction; equal ones stay in the run's order.
function sortShown() {
  const values = data.values[order.by];
  const sign = order.down ? -1 : 1;
  shown.sort((one, other) => {
    const [mine, its] = [values[one] ?? null, values[other] ?? null];
    if (mine === its) {
      return one - other;
    }
    if (mine === null || its === null) {
      return mine === null ? 1 : -1;
    }
    return mine < its ? -sign : sign;
  });
}

function searchFilter(words) {
  const wanted = words.trim().toLowerCase();
  if (!wanted) {
    return null;
  }
  texts ??= Array.from({length: data.rows}, (_, row) =>
    `${value("instruction", row) ?? ""}\n${value("response", row) ?? ""}`.toLowerCase(),
  );
  const named = (row) =>
    String(value("row", row)) === wanted || (wanted.length >= 8 && value("uuid", row).startsWith(wanted));
  return {
    words: `“${short(words, 30)}”`,
    chosen: words,
    test: (row) => texts[row].includes(wanted) || named(row),
  };
}

// `chosen` is "", "kept", "dropped" or "reason:NAME".
function stateFilter(chosen) {
  if (!chosen) {
    return null;
  }
  if (chosen === "kept" || chosen === "dropped") {
    return {words: chosen, chosen, test: (row) => isKept(row) === (chosen === "kept")};
  }
  const reason = chosen.slice("reason:".length);
  return {words: `dropped: ${reason}`, chosen, test: (row) => value("drop_reason", row) === reason};
}

// `chosen` is the position of a label as text, "none" for rows without one, or "".
function labelFilter(name, chosen) {
  if (chosen === "") {
    return null;
  }
  const place = chosen === "none" ? null : Number(chosen);
  const words = place === null ? `no ${plain(name)}` : `${plain(name)}: ${columns.get(name).labels[place]}`;
  return {words, chosen, test: (row) => value(name, row) === place};
}

function rangeFilter(name, from, to) {
  const test = (row) => {
    const told = value(name, row);
    return told !== null && told >= from && told < to;
  };
  return {words: `${plain(name)}: ${range(name, from, to)}`, chosen: `${from}:${to}`, test};
}

// A bin as a reader says it: whole numbers have a last one, others an edge.
function range(name, from, to) {
  const whole = Number.isInteger(from) && Number.isInteger(to) && isWhole(name);
  if (!whole) {
    return `${number(from)} to below ${number(to)}`;
  }
  return to - from === 1 ? number(from) : `${number(from)} to ${number(to - 1)}`;
}

function isWhole(name) {
  return (data.values[name] ?? []).every((told) => told === null || Number.isInteger(told));
}

// A column's name as words: "task_category" -> "task category".
function plain(name) {
  return name.replaceAll("_", " ");
}
