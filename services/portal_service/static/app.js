// What the pages do better with JavaScript; all of them work without it.
(() => {
  "use strict";

  const skew = Date.parse(document.body.dataset.now) - Date.now();

  // The same words as `words.remaining` on the server.
  const remaining = (seconds) => {
    if (seconds <= 0) return "ended";
    const days = Math.floor(seconds / 86400);
    const hours = Math.floor(seconds / 3600) % 24;
    const minutes = Math.floor(seconds / 60) % 60;
    const two = (number) => String(number).padStart(2, "0");
    if (days) return `${days} d ${hours} h`;
    if (hours) return `${hours} h ${two(minutes)} min`;
    return minutes ? `${minutes} min ${two(seconds % 60)} s` : `${seconds} s`;
  };

  const tick = () => {
    for (const element of document.querySelectorAll("[data-countdown]")) {
      const seconds = Math.floor((Date.parse(element.dateTime) - Date.now() - skew) / 1000);
      element.textContent = remaining(seconds);
      element.classList.toggle("countdown-soon", seconds < 900);
    }
    for (const element of document.querySelectorAll("progress[data-from]")) {
      element.value = (Date.now() + skew - Date.parse(element.dataset.from)) / 1000;
    }
  };

  const lockAfterSending = (form) => {
    form.addEventListener("submit", () => setTimeout(() => {
      for (const button of form.querySelectorAll("button")) button.disabled = true;
    }));
  };

  // Coming back by the browser's Back button shows the page as it was left.
  const unlock = () => {
    for (const button of document.querySelectorAll("form[method=post] button")) button.disabled = false;
  };

  tick();
  setInterval(tick, 1000);
  document.querySelectorAll("form[method=post]").forEach(lockAfterSending);
  window.addEventListener("pageshow", unlock);
  document.querySelector("[data-focus]")?.focus();
})();
