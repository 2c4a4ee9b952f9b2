/* The timer in the head of every page. bell.js asks the desk and tells; here it is shown, goes on counting, and is paused or stopped.

   [data-timing]      where it stands (at the side, and at the top on a phone)
   [data-elapsed]     seconds when the page was drawn: counts on from there
   desk:told          what the desk answered to the bell; desk:timer tells the ticket's page that something changed */
(() => {
  "use strict";
  const words = document.getElementById("timing")?.dataset;
  const places = document.querySelectorAll("[data-timing]");
  if (!words) return;
  let timer = null;
  let since = 0;

  const said = (seconds) => {
    const minutes = Math.floor(seconds / 60);
    const hours = Math.floor(minutes / 60);
    return [hours ? `${hours} h` : "", minutes % 60 || !hours ? `${minutes % 60} min` : ""].filter(Boolean).join(" ");
  };
  const passed = (from) => Math.floor((performance.now() - from) / 1000);
  const icon = (name) => {
    const drawn = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    drawn.setAttribute("class", "i");
    drawn.setAttribute("aria-hidden", "true");
    const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
    use.setAttribute("href", `${words.sprite}#${name}`);
    drawn.append(use);
    return drawn;
  };
  const button = (sign, label, deed) => {
    const made = Object.assign(document.createElement("button"), { type: "button", className: "btn btn-ghost btn-sm btn-icon", title: label });
    made.setAttribute("aria-label", label);
    made.append(icon(sign));
    made.addEventListener("click", () => change(deed));
    return made;
  };

  const draw = () => {
    for (const place of places) {
      place.hidden = !timer;
      if (!timer) {
        place.replaceChildren();
        continue;
      }
      const state = timer.forgotten ? words.tForgotten : timer.running ? words.tRunning : words.tPaused;
      const link = document.createElement(timer.url ? "a" : "span");
      if (timer.url) link.href = timer.url;
      link.title = timer.number ? `${state}: ${timer.number}` : words.tLost;
      link.className = timer.forgotten ? "forgotten" : "";
      const time = Object.assign(document.createElement("span"), { className: "num", textContent: timer.said });
      time.dataset.clock = "";
      const state_said = Object.assign(document.createElement("span"), { className: "sr", textContent: `${state} ` });
      link.append(icon(timer.running ? "hourglass" : "circle-pause"), state_said, timer.number || "–", time);
      place.replaceChildren(link, timer.running ? button("pause", words.tPause, "pause") : button("play", words.tGo, "go_on"), button("check", words.tStop, "stop"));
    }
  };

  const change = async (deed) => {
    const body = new URLSearchParams({ do: deed, csrf_token: document.querySelector("meta[name=csrf-token]")?.content || "" });
    const answer = await fetch(`/admin/time/timers/${timer.id}`, { method: "POST", body, headers: { Accept: "application/json" } }).catch(() => null);
    const told = await answer?.json().catch(() => null);
    if (told?.error) {
      const sentence = Object.assign(document.createElement("p"), { className: "error", role: "alert", textContent: told.error });
      places.forEach((place) => place.append(sentence.cloneNode(true)));
      timer = null; // the desk's answer draws it anew
    }
    document.dispatchEvent(new Event("desk:ask"));
    document.dispatchEvent(new Event("desk:timer"));
  };

  document.addEventListener("desk:told", (event) => {
    const next = event.detail.timer || null;
    const same = JSON.stringify([timer?.id, timer?.running, timer?.number]) === JSON.stringify([next?.id, next?.running, next?.number]);
    timer = next;
    since = performance.now();
    if (!same || !timer) draw();
  });
  // A button of the ticket's own part, or an answer with it, started, paused or stopped it.
  const here = () => document.getElementById("d-time")?.dataset.timer;
  let last = here();
  document.addEventListener("htmx:after:swap", () => {
    if (here() === last) return;
    last = here();
    document.dispatchEvent(new Event("desk:ask"));
  });

  const drawn = new WeakMap();
  setInterval(() => {
    for (const clock of document.querySelectorAll("[data-clock]")) if (timer?.running) clock.textContent = said(timer.seconds + passed(since));
    for (const clock of document.querySelectorAll("[data-elapsed]")) {
      if (!drawn.has(clock)) drawn.set(clock, performance.now());
      clock.textContent = said(Number(clock.dataset.elapsed) + passed(drawn.get(clock)));
    }
  }, 5000);
})();
