// One row with all its columns, in a dialog. Its address is #row-NUMBER.

const HEADED = ["instruction", "response"]; // shown in front, whole
const KNOWN = ["row", "drop_reason"]; // said by the title
const ORIGIN = /^(uuid|model|gen_input_configs)$|_(generator|model)$/; // of less interest: shown last
const LINKS = ["duplicate_of", "min_similar_uuid"]; // hold the uuid of another row

let open = -1; // position of the row in the dialog

function listenToRows() {
  byId("row-close").addEventListener("click", () => byId("row").close());
  byId("row-back").addEventListener("click", () => step(-1));
  byId("row-on").addEventListener("click", () => step(1));
  byId("row").addEventListener("close", () => {
    open = -1;
    history.replaceState(null, "", location.pathname + location.search);
  });
  byId("row").addEventListener("click", (event) => {
    if (event.target === byId("row")) {
      byId("row").close(); // the backdrop was meant
    }
  });
  byId("row").addEventListener("keydown", (event) => {
    const far = {ArrowLeft: -1, ArrowRight: 1}[event.key];
    if (far) {
      step(far);
    }
  });
  window.addEventListener("hashchange", followAddress);
  followAddress();
}

function followAddress() {
  const told = /^#row-(\d+)$/.exec(location.hash);
  const row = told ? placeOf("row", Number(told[1])) : -1;
  if (row >= 0 && row !== open) {
    openRow(row);
  }
}

function step(far) {
  const next = shown[shown.indexOf(open) + far];
  if (next !== undefined && shown.includes(open)) {
    openRow(next);
  }
}

function openRow(row) {
  open = row;
  hideTip();
  const place = shown.indexOf(row);
  byId("row-title").textContent = visible(`Row ${number(value("row", row))} · ${stateOf(row)}`);
  byId("row-back").disabled = place < 1;
  byId("row-on").disabled = place < 0 || place === shown.length - 1;
  fill(byId("row-body"), ...bodyOf(row));
  history.replaceState(null, "", `#row-${value("row", row)}`);
  if (!byId("row").open) {
    byId("row").showModal();
  }
  byId("row").scrollTop = 0;
}

function bodyOf(row) {
  const others = Array.from(columns.keys()).filter((name) => ![...HEADED, ...KNOWN].includes(name));
  const names = [...others.filter((name) => !ORIGIN.test(name)), ...others.filter((name) => ORIGIN.test(name))];
  const told = names.filter((name) => value(name, row) !== null);
  const empty = names.filter((name) => value(name, row) === null);
  return [
    ...HEADED.flatMap((name) => [
      element("h3", {}, plain(name)),
      element("div", {class: `turn turn-${name}`, dir: "auto"}, visible(name === "response" ? responseOf(row) : instructionOf(row))),
      ...cutNote(name, row),
    ]),
    element("h3", {}, "columns"),
    element("dl", {class: "columns"}, ...told.map((name) => entryOf(name, row))),
    ...(empty.length ? [element("p", {class: "hint"}, `Without a value: ${empty.map(plain).join(", ")}.`)] : []),
  ];
}

function entryOf(name, row) {
  const {meaning} = columns.get(name);
  return element(
    "div",
    {},
    element("dt", {}, plain(name), element("small", {}, meaning)),
    element("dd", {dir: "auto"}, shownValue(name, row), ...cutNote(name, row)),
  );
}

function shownValue(name, row) {
  const told = value(name, row);
  const other = LINKS.includes(name) ? placeOf("uuid", told) : -1;
  if (other >= 0) {
    const link = element("a", {href: `#row-${value("row", other)}`}, `row ${number(value("row", other))}: ${short(instructionOf(other), 90)}`);
    return link;
  }
  const {kind} = columns.get(name);
  if (kind === "label") {
    return visible(label(name, row));
  }
  if (kind === "number") {
    return number(told);
  }
  return kind === "text" ? visible(told) : partsOf(told);
}

// A list or a struct: its parts, one a line.
function partsOf(told) {
  if (Array.isArray(told)) {
    return told.length ? visible(told.map((one) => (typeof one === "object" ? JSON.stringify(one) : one)).join(", ")) : "none";
  }
  if (typeof told !== "object") {
    return visible(told);
  }
  const lines = Object.entries(told).map(([name, one]) =>
    element("li", {}, `${plain(name)}: `, element("code", {dir: "auto"}, visible(typeof one === "string" ? one : JSON.stringify(one)))),
  );
  return element("ul", {class: "parts"}, ...lines);
}

function cutNote(name, row) {
  const whole = data.cut[name]?.[row];
  if (whole === undefined) {
    return [];
  }
  const words = `Cut: the first ${number(data.longest)} of ${number(whole)} characters. The rest: magpie show RUN --row ${value("row", row)}`;
  return [element("p", {class: "cut"}, words)];
}
