/* Wake-up signals: the stream says only that something changed; the page then asks by its ordinary route. */
(() => {
  "use strict";

  const wake = () => document.body.dispatchEvent(new CustomEvent("news"));

  const listen = () => {
    const source = new EventSource("/events");
    source.addEventListener("changed", wake);
    window.addEventListener("pagehide", () => source.close(), { once: true });
  };

  /* After an answer replaced the button that was pressed, the keyboard goes on where the form says. */
  let next = "";
  document.addEventListener("htmx:before:request", (event) => {
    next = event.target.dataset?.then ?? "";
  });
  document.addEventListener("htmx:after:swap", () => {
    const target = next && document.getElementById(next);
    if (target && document.activeElement === document.body) target.focus();
  });

  document.addEventListener("DOMContentLoaded", () => {
    if (document.querySelector("[hx-trigger^='news']")) listen();
  });
})();
