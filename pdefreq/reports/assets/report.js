"use strict";
for (const box of document.querySelectorAll("input[data-curve]")) {
  const curve = document.getElementById(box.dataset.curve);
  box.addEventListener("change", () => { curve.style.display = box.checked ? "" : "none"; });
}
for (const radio of document.querySelectorAll("input[data-panel]")) {
  radio.addEventListener("change", () => {
    for (const other of document.getElementsByName(radio.name)) {
      document.getElementById(other.dataset.panel).hidden = !other.checked;
    }
  });
}
const MAP = [[68, 1, 84], [59, 82, 139], [33, 145, 140], [94, 201, 98], [253, 231, 37]];
function color(level) {
  const at = (level - 1) / 254 * (MAP.length - 1), k = Math.min(Math.floor(at), MAP.length - 2), part = at - k;
  return MAP[k].map((low, i) => low + part * (MAP[k + 1][i] - low));
}
function paint(canvas, pixels) {
  const image = new ImageData(canvas.width, canvas.height), bytes = atob(pixels);
  for (let i = 0; i < bytes.length; i++) {
    const level = bytes.charCodeAt(i);
    if (level) image.data.set([...color(level), 255], 4 * i);
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
}
for (const slider of document.querySelectorAll("input[data-slider]")) {
  const name = slider.dataset.slider, data = JSON.parse(document.getElementById(name + "-data").textContent);
  const curve = document.getElementById(name + "-u"), canvas = document.getElementById(name + "-canvas");
  const show = () => {
    const at = Number(slider.value);
    curve.setAttribute("d", data.paths[at]);
    document.getElementById(name + "-step").textContent = data.labels[at];
    slider.setAttribute("aria-valuetext", data.labels[at]);
    if (canvas) paint(canvas, data.pixels[at]);
  };
  slider.addEventListener("input", show);
  show();
}
let closed = []; // on paper all curves and tables are shown
window.addEventListener("beforeprint", () => {
  closed = [...document.querySelectorAll("details:not([open])")];
  for (const each of closed) each.open = true;
});
window.addEventListener("afterprint", () => { for (const each of closed) each.open = false; });
