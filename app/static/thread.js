/* The thread of a ticket: looking at files, telling the desk how far somebody read, opening at the right place. Without this file
   each link leads to the file, and the thread opens where its address says.

   #thread[data-seen][data-last][data-mark]   once the page is looked at: posts the newest message that it shows, if that is news
   data-entry                                 on #thread: the message to begin at
   #m123, #entry-123 in the address           a message that this page left out is asked for
   a[data-look="image | pdf"]                 shown in a dialog; data-name names it; the arrow keys go to the next one
   [data-hit-before], [data-hit-after]        Shift+Enter in the search of the ticket, and Enter while its words stay the same
   a[data-alike]                              asks for similar tickets, where the link stands
   .only-script                               means nothing without a script */
(() => {
  "use strict";
  const $ = (selector, root = document) => root.querySelector(selector);
  const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
  const words = $("#words")?.dataset ?? {};

  /* ---------- how far somebody read ---------- */
  let told = 0;
  const tell = () => {
    const thread = $("#thread[data-seen]");
    const last = Number(thread?.dataset.last ?? 0);
    if (!thread || document.visibilityState !== "visible" || last <= Math.max(told, Number(thread.dataset.mark))) return;
    told = last;
    const form = new FormData();
    form.set("message", last);
    form.set("csrf_token", $('meta[name="csrf-token"]')?.content ?? "");
    fetch(thread.dataset.seen, { method: "POST", body: form, keepalive: true }).catch(() => (told = 0));
  };
  document.addEventListener("visibilitychange", tell);

  /* ---------- where it opens ---------- */
  const begin = () => {
    const named = location.hash.match(/^#(?:m|entry-)(\d+)$/)?.[1];
    if (named && $("#thread[data-seen]") && !$(`#m${named}`)) {
      const there = new URL(location.href);
      if (there.searchParams.get("entry") === named) return;
      there.searchParams.set("entry", named);
      there.hash = `m${named}`;
      location.replace(there);
      return;
    }
    const free = !location.hash || location.hash === "#reply-body";
    const wanted = named || (free && $("#thread")?.dataset.entry);
    if (wanted) $(`#m${wanted}`)?.scrollIntoView({ block: "center" });
    else if (free && innerWidth > 860) $("#new")?.scrollIntoView({ block: "center" });
    tell();
  };

  document.addEventListener("keydown", (event) => {
    const field = event.target;
    if (event.key !== "Enter" || event.isComposing || !field.matches?.(".infind [name=find]") || !field.value || field.value !== field.defaultValue) return;
    const link = $(event.shiftKey ? "[data-hit-after]" : "[data-hit-before]");
    event.preventDefault();
    link?.click();
  });

  /* ---------- looking at files ---------- */
  let box = null;
  let opener = null;
  let asked = false;
  const make = (name, props, ...inside) => {
    const made = Object.assign(document.createElement(name), props);
    made.append(...inside);
    return made;
  };
  const around = (step) => {
    const all = $$("#thread a[data-look]");
    const next = all[all.indexOf(opener) + step];
    if (next) look(next);
  };
  const build = () => {
    box = make("dialog", { className: "dlg lookbox" });
    box.addEventListener("close", () => {
      box.replaceChildren();
      opener?.focus();
    });
    box.addEventListener("keydown", (event) => {
      asked ||= event.key === "Tab";
      const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (!step) return;
      event.preventDefault();
      around(step);
    });
    // A PDF takes the keys for itself once it is there; they stay with the dialog until one goes into it by Tab or by the mouse.
    addEventListener("blur", () => {
      const frame = $("iframe", box);
      if (frame && frame === document.activeElement && !asked && !frame.matches(":hover")) $("button", box).focus();
    });
    document.body.append(box);
  };
  const look = (link) => {
    if (!box) build();
    opener = link;
    const name = link.dataset.name;
    const close = make("button", { type: "button", className: "btn btn-sm", textContent: words.tClose || "×" });
    close.addEventListener("click", () => box.close());
    const shown =
      link.dataset.look === "image"
        ? make("img", { src: link.href, alt: name })
        : make("iframe", { src: link.href, title: name });
    box.setAttribute("aria-label", name);
    box.replaceChildren(make("div", { className: "lookhead" }, make("b", { textContent: name, dir: "auto" }), close), shown);
    asked = false;
    if (!box.open) box.showModal();
    close.focus();
  };
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[data-look]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    look(link);
  });

  /* ---------- similar tickets ---------- */
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[data-alike]");
    if (!link || !window.htmx || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    $("#alike").dispatchEvent(new Event("desk:alike"));
  });

  document.addEventListener("htmx:after:swap", tell);
  addEventListener("hashchange", begin);
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", begin);
  else begin();
})();
