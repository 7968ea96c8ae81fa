// The data of the page: a list a column, all of the same length. `cells.py` says what they hold.

let data = null;

const columns = new Map(); // name -> {name, meaning, kind, labels}

// Unpack the data: base64 of gzipped JSON, in an element that a browser does not run.
async function unpack() {
  const packed = document.getElementById("data").textContent;
  const letters = atob(packed);
  const bytes = new Uint8Array(letters.length);
  for (let place = 0; place < letters.length; place += 1) {
    bytes[place] = letters.charCodeAt(place);
  }
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  data = await new Response(stream).json();
  for (const column of data.columns) {
    columns.set(column.name, column);
  }
}

// The value of a column in a row, by the row's position on the page; null where there is none.
function value(name, row) {
  return data.values[name]?.[row] ?? null;
}

// The same, of a column of labels: the label itself.
function label(name, row) {
  const place = value(name, row);
  return place === null ? null : columns.get(name).labels[place];
}

// What stands for a row when it has no instruction: why.
function instructionOf(row) {
  return value("instruction", row) ?? `(no instruction: ${value("instruction_error", row) ?? "unknown"})`;
}

function responseOf(row) {
  return value("response", row) ?? `(no response: ${value("response_error", row) ?? "not asked for"})`;
}

// "kept", or why not.
function stateOf(row) {
  const reason = value("drop_reason", row);
  return reason === null ? "kept" : `dropped: ${reason}`;
}

function isKept(row) {
  return value("drop_reason", row) === null;
}

// Position of the row with this number or uuid; -1 where it is not on the page.
function placeOf(name, wanted) {
  return data.values[name]?.indexOf(wanted) ?? -1;
}
