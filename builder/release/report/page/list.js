// The list of rows: search, filters, order and pages.

const PAGE = 50; // rows at once
const BADGES = ["task_category", "difficulty", "input_quality", "language"];

let first = 0; // of the rows on the current page of the list

function drawList() {
  drawStates();
  drawLabelFilters();
  drawOrder();
  byId("search").addEventListener("input", () => setFilter("search", searchFilter(byId("search").value)));
  byId("filters").addEventListener("submit", (event) => event.preventDefault());
  byId("page-back").addEventListener("click", () => turn(-PAGE));
  byId("page-on").addEventListener("click", () => turn(PAGE));
  changed.push(() => {
    first = 0;
    showPage();
    showChips();
    showChosen();
  });
}

function counted(name) {
  const counts = new Map();
  for (let row = 0; row < data.rows; row += 1) {
    const told = value(name, row);
    counts.set(told, (counts.get(told) ?? 0) + 1);
  }
  return counts;
}

function drawStates() {
  const counts = counted("drop_reason");
  const kept = counts.get(null) ?? 0;
  const reasons = Array.from(counts.keys()).filter((reason) => reason !== null);
  const rank = new Map(data.reasons.map((reason, place) => [reason, place]));
  reasons.sort((one, other) => rank.get(one) - rank.get(other));
  const options = [
    ["", `all (${number(data.rows)})`],
    ["kept", `kept (${number(kept)})`],
    ["dropped", `dropped (${number(data.rows - kept)})`],
    ...reasons.map((reason) => [`reason:${reason}`, `dropped: ${reason} (${number(counts.get(reason))})`]),
  ];
  fill(byId("state"), ...optionsOf(options));
  byId("state").addEventListener("change", () => setFilter("state", stateFilter(byId("state").value)));
}

function optionsOf(pairs) {
  return pairs.map(([told, words]) => element("option", {value: told}, visible(words)));
}

// A choice for each column of labels of which the page has more than one.
function drawLabelFilters() {
  const made = data.columns.filter((column) => column.kind === "label").flatMap((column) => {
    const counts = counted(column.name);
    if (counts.size < 2) {
      return [];
    }
    const told = column.labels.map((words, place) => [String(place), words, counts.get(place)]);
    const options = [
      ["", "all"],
      ...[...told, ["none", "none", counts.get(null)]]
        .filter(([, , rows]) => rows)
        .map(([place, words, rows]) => [place, `${words} (${number(rows)})`]),
    ];
    const select = element("select", {"data-column": column.name, title: column.meaning}, ...optionsOf(options));
    select.addEventListener("change", () => setFilter(column.name, labelFilter(column.name, select.value)));
    return [element("label", {}, element("span", {}, plain(column.name)), select)];
  });
  fill(byId("label-filters"), ...made);
}

function drawOrder() {
  const sortable = data.columns.filter(
    (column) => column.name !== "row" && ["number", "label"].includes(column.kind) && counted(column.name).size > 1,
  );
  const options = [["row", "row number"], ...sortable.map((column) => [column.name, plain(column.name)])];
  fill(byId("sort"), ...optionsOf(options));
  const set = () => setOrder(byId("sort").value, byId("order").value === "down");
  byId("sort").addEventListener("change", set);
  byId("order").addEventListener("change", set);
}

function turn(step) {
  first = Math.max(0, Math.min(first + step, shown.length - 1));
  showPage();
  byId("rows").focus({preventScroll: true});
  byId("found").scrollIntoView({block: "start"});
}

function showPage() {
  const last = Math.min(first + PAGE, shown.length);
  byId("found").textContent = filters.size
    ? `${plural(shown.length)} of ${number(data.rows)} on this page`
    : `${plural(data.rows)}`;
  fill(byId("list"), ...shown.slice(first, last).map(cardOf));
  byId("pages").hidden = shown.length <= PAGE;
  byId("page-place").textContent = `${number(first + 1)} to ${number(last)} of ${number(shown.length)}`;
  byId("page-back").disabled = first === 0;
  byId("page-on").disabled = last >= shown.length;
}

// The columns whose labels are shown beside a row.
function badgesOf(row) {
  return BADGES.filter((name) => columns.get(name)?.kind === "label" && label(name, row) !== null);
}

function cardOf(row) {
  return element(
    "li",
    {class: isKept(row) ? "card" : "card card-dropped"},
    element(
      "p",
      {class: "card-head"},
      element("a", {href: `#row-${value("row", row)}`, class: "card-link"}, `row ${number(value("row", row))}`),
      element("span", {class: isKept(row) ? "state" : "state state-dropped", dir: "auto"}, stateOf(row)),
      ...badgesOf(row).map((name) => element("span", {class: "badge", dir: "auto"}, visible(label(name, row)))),
    ),
    element("p", {class: "card-instruction", dir: "auto"}, ...found(instructionOf(row), 400)),
    element("p", {class: "card-response", dir: "auto"}, ...found(responseOf(row), 300)),
  );
}

// The beginning of a text, or what stands around the words that are searched for, marked.
function found(text, most) {
  const wanted = (filters.get("search")?.chosen ?? "").trim().toLowerCase();
  const place = wanted ? text.toLowerCase().indexOf(wanted) : -1;
  if (place < 0) {
    return [short(text, most)];
  }
  const from = place > 80 ? place - 60 : 0;
  const end = place + wanted.length;
  const before = visible(text.slice(from, place)).replace(/\s+/g, " ");
  const after = visible(text.slice(end, end + most)).replace(/\s+/g, " ");
  const cutAfter = text.length > end + most ? "…" : "";
  return [`${from ? "…" : ""}${before}`, element("mark", {}, visible(text.slice(place, end))), after + cutAfter];
}

// What filters there are, each with a button that takes it away, and how many rows they leave.
function showChips() {
  const chips = Array.from(filters, ([name, filter]) => {
    const chip = element("button", {type: "button", "aria-label": `Take away the filter ${filter.words}`}, filter.words, " ×");
    chip.addEventListener("click", () => setFilter(name, null));
    return element("li", {dir: "auto"}, chip);
  });
  if (chips.length > 1) {
    const all = element("button", {type: "button"}, "take all away ×");
    all.addEventListener("click", () => {
      filters.clear();
      refresh();
    });
    chips.push(element("li", {}, all));
  }
  fill(byId("chips"), ...chips);
  byId("active").hidden = !chips.length;
  byId("see").textContent = `${plural(shown.length)} ↓`;
}

// Search box and choices say what the filters are, whoever set them.
function showChosen() {
  const search = byId("search");
  if (document.activeElement !== search) {
    search.value = filters.get("search")?.chosen ?? "";
  }
  byId("state").value = filters.get("state")?.chosen ?? "";
  for (const select of byId("label-filters").querySelectorAll("select")) {
    select.value = filters.get(select.dataset.column)?.chosen ?? "";
  }
}
