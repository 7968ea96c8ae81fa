// Everything begins here.

async function start() {
  if (typeof DecompressionStream === "undefined") {
    complain("This browser is too old for the charts and rows of this page: it takes Chrome 80, Firefox 113, Safari 16.4 or a newer one.");
    return;
  }
  try {
    await unpack();
  } catch (error) {
    complain(`The data of this page cannot be read; the file may be cut off. (${error.message})`);
    return;
  }
  drawCharts();
  drawMap();
  drawList();
  refresh();
  listenToRows();
  document.documentElement.dataset.ready = "yes";
}

function complain(words) {
  byId("trouble").textContent = words;
  byId("trouble").hidden = false;
}

await start();
