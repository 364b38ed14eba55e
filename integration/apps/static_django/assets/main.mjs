import { answer } from "./part.mjs";

const style = (id, name) => getComputedStyle(document.getElementById(id))[name];
const size = (id) => { const i = document.getElementById(id); return i.naturalWidth + "x" + i.naturalHeight; };
window.addEventListener("load", async () => {
  let wasm = "no";
  try {
    await WebAssembly.instantiateStreaming(fetch(window.wasmURL));
    wasm = "yes";
  } catch (e) {
    console.error(e);
  }
  document.getElementById("seen").textContent = [
    "color=" + style("text", "color"), "width=" + style("text", "width"), "spacing=" + style("text", "letterSpacing"), "admin=" + style("admin", "color"),
    "png=" + size("png"), "svg=" + size("svg"), "module=" + answer, "wasm=" + wasm,
  ].join("; ");
});
