"use strict";
// Goes on to the client when every frame has told its own client of the logout, or after five seconds.
(() => {
  const loaded = new Set();
  const goOn = () => window.location.replace(document.getElementById("continue").href);
  const check = () => {
    const frames = document.querySelectorAll("#clients iframe").length;
    if (document.readyState !== "loading" && loaded.size >= frames) goOn();
  };
  const note = (event) => {
    if (event.target instanceof HTMLIFrameElement) {
      loaded.add(event.target);
      check();
    }
  };
  document.addEventListener("load", note, true);
  document.addEventListener("DOMContentLoaded", check);
  window.setTimeout(goOn, 5000);
})();
