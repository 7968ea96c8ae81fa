// Elements, numbers and the hint under the pointer. Text goes in as text, never as HTML.

const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f]/g;

function byId(id) {
  return document.getElementById(id);
}

// element("p", {class: "hint", dir: "auto"}, "words", other) with attributes and children.
function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, told] of Object.entries(attributes)) {
    if (told !== null && told !== false) {
      made.setAttribute(name, told === true ? "" : told);
    }
  }
  made.append(...children);
  return made;
}

function fill(parent, ...children) {
  parent.replaceChildren(...children);
}

// Control characters as their pictures: U+0000 as ␀; line ends and tabs stay.
function visible(text) {
  return String(text).replace(CONTROLS, (one) =>
    String.fromCharCode(one === "\u007f" ? 0x2421 : 0x2400 + one.charCodeAt(0)),
  );
}

// One line of at most so many characters.
function short(text, most) {
  const line = visible(text).replace(/\s+/g, " ").trim();
  const letters = Array.from(line.slice(0, 2 * most + 2));
  return letters.length > most ? `${letters.slice(0, most).join("")}…` : line;
}

function number(told) {
  if (Number.isInteger(told)) {
    return told.toLocaleString("en");
  }
  return told.toLocaleString("en", {maximumSignificantDigits: 4});
}

function rounded(told) {
  return told.toLocaleString("en", {maximumSignificantDigits: Math.abs(told) < 1000 ? 3 : 6});
}

function percent(share) {
  return `${(100 * share).toFixed(1)} %`;
}

function plural(rows) {
  return `${number(rows)} ${rows === 1 ? "row" : "rows"}`;
}

// Show a hint beside a point of the window, inside of its edges.
function showTip(text, x, y) {
  const tip = byId("tip");
  tip.textContent = text;
  tip.hidden = false;
  const {width, height} = tip.getBoundingClientRect();
  const left = Math.min(Math.max(8, x - width / 2), document.documentElement.clientWidth - width - 8);
  const above = y - height - 12;
  tip.style.left = `${Math.max(8, left)}px`;
  tip.style.top = `${above < 8 ? y + 18 : above}px`;
}

function hideTip() {
  byId("tip").hidden = true;
}

// Give an element a hint, for the pointer and for the keyboard.
function tipped(made, words) {
  const show = () => {
    const {left, top, width} = made.getBoundingClientRect();
    showTip(words(), left + width / 2, top);
  };
  made.addEventListener("pointerenter", show);
  made.addEventListener("focus", show);
  made.addEventListener("pointerleave", hideTip);
  made.addEventListener("blur", hideTip);
}
