/* The ticket list: what its plain forms cannot do. Without it the list is read, searched, filtered and changed all the same.

   form[data-fields="URL"]   the search box offers fields and values: GET URL → {"fields": [{name, means, example, values, asked}]},
                             GET URL?field=F&q=… → {"values": [...]}; arrows choose, Enter or Tab takes, Escape closes
   [data-bulk-elsewhere]     stands for what is ticked on other pages of this list
   [data-bulk-all="N"]       shown when every row is ticked: takes all N tickets of the list
   [data-news] [data-since]  asks GET URL&since=… every 20 seconds: 204, or {"new": N}, which .news tells
   [data-numbers]            GET → {view's id: its number}, for the tabs of saved views
   Keys: e opens the status dialog of the marked row. */
(() => {
  "use strict";
  const $ = (selector, root = document) => root.querySelector(selector);
  const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];

  /* ---------- the search box ---------- */
  const form = $("form[data-fields]");
  const box = form && $("[data-search]", form);
  const list = form && $("[role=listbox]", form);
  let fields = null;
  let offers = [];
  let at = -1;
  let asked = 0;

  /* The word under the cursor: where it begins, its minus and field, and what is typed of its value. */
  const word = () => {
    const before = box.value.slice(0, box.selectionStart);
    const open = (before.match(/"/g) || []).length % 2;
    const start = open ? before.lastIndexOf(" ", before.lastIndexOf('"')) + 1 : before.lastIndexOf(" ") + 1;
    const typed = before.slice(start);
    const colon = typed.indexOf(":");
    return { start, end: box.selectionStart, field: colon < 0 ? "" : typed.slice(0, colon).toLowerCase(), value: (colon < 0 ? typed : typed.slice(colon + 1)).replace(/"/g, "") };
  };
  const quoted = (value) => (/\s/.test(value) ? `"${value}"` : value);
  const close = () => {
    offers = [];
    at = -1;
    list.hidden = true;
    list.replaceChildren();
    box.setAttribute("aria-expanded", "false");
    box.removeAttribute("aria-activedescendant");
  };
  const mark = (index) => {
    at = index;
    $$("[role=option]", list).forEach((entry, number) => entry.setAttribute("aria-selected", number === at));
    const entry = $(`#ask-${at}`);
    if (entry) {
      box.setAttribute("aria-activedescendant", entry.id);
      entry.scrollIntoView({ block: "nearest" });
    } else box.removeAttribute("aria-activedescendant");
  };
  const draw = (found) => {
    close();
    offers = found.slice(0, 10);
    if (!offers.length) return;
    list.replaceChildren(
      ...offers.map((one, number) => {
        const entry = Object.assign(document.createElement("div"), { id: `ask-${number}` });
        entry.setAttribute("role", "option");
        entry.append(Object.assign(document.createElement("b"), { textContent: one.shown }), Object.assign(document.createElement("span"), { textContent: one.means || "" }));
        return entry;
      }),
    );
    list.hidden = false;
    box.setAttribute("aria-expanded", "true");
  };
  const offer = async () => {
    const mine = ++asked;
    fields ??= await fetch(form.dataset.fields, { headers: { Accept: "application/json" } }).then((answer) => (answer.ok ? answer.json() : { fields: [] })).then((answer) => answer.fields).catch(() => []);
    if (mine !== asked || document.activeElement !== box) return;
    const { field, value } = word();
    if (!field) {
      const begun = value.replace(/^-/, "").toLowerCase();
      draw(fields.filter((one) => one.name.startsWith(begun)).map((one) => ({ shown: `${one.name}:`, means: `${one.means} (${one.example})`, put: `${one.name}:`, more: true })));
      return;
    }
    const known = fields.find((one) => one.name === field);
    if (!known) return close();
    let values = known.values;
    if (known.asked) {
      if (!value) return close();
      const answer = await fetch(`${form.dataset.fields}?field=${field}&q=${encodeURIComponent(value)}`, { headers: { Accept: "application/json" } }).catch(() => null);
      if (mine !== asked || !answer?.ok) return;
      ({ values } = await answer.json());
    }
    const begun = value.toLowerCase();
    draw(values.filter((one) => one.toLowerCase().includes(begun)).map((one) => ({ shown: one, put: `${field}:${quoted(one)} ` })));
  };
  const take = (index) => {
    const one = offers[index];
    if (!one) return;
    const { start, end } = word();
    const rest = box.value.slice(end).replace(/^"?\S*"?\s?/, (tail) => (one.more ? tail : ""));
    box.value = box.value.slice(0, start) + one.put + rest;
    box.setSelectionRange(start + one.put.length, start + one.put.length);
    box.focus();
    if (one.more) offer();
    else close();
  };
  if (box) {
    box.setAttribute("role", "combobox");
    box.setAttribute("aria-expanded", "false");
    box.setAttribute("aria-controls", list.id);
    box.setAttribute("aria-autocomplete", "list");
    box.addEventListener("input", offer);
    box.addEventListener("click", offer);
    box.addEventListener("keydown", (event) => {
      if (event.isComposing) return;
      if (event.key === "ArrowDown" && list.hidden) {
        event.preventDefault();
        offer();
      } else if (!list.hidden && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
        event.preventDefault();
        const step = event.key === "ArrowDown" ? 1 : -1;
        mark((at + step + offers.length + (at < 0 && step < 0 ? 1 : 0)) % offers.length);
      } else if (!list.hidden && at >= 0 && (event.key === "Enter" || event.key === "Tab")) {
        event.preventDefault();
        take(at);
      } else if (!list.hidden && event.key === "Escape") {
        event.preventDefault();
        close();
      }
    });
    box.addEventListener("blur", () => setTimeout(close, 150));
    list.addEventListener("mousedown", (event) => event.preventDefault());
    list.addEventListener("click", (event) => {
      const entry = event.target.closest("[role=option]");
      if (entry) take(Number(entry.id.split("-")[1]));
    });
  }

  /* ---------- all tickets of the list, not only those of this page ---------- */
  const bar = $("[data-bulk]");
  const whole = bar && $("[data-bulk-all]", bar);
  if (bar) for (const button of $$("[data-confirm]", bar)) button.dataset.words = button.dataset.confirm;
  const showWhole = () => {
    if (!whole) return sayElsewhere(false);
    const boxes = $$(".action_check");
    const box = $("input", whole);
    const every = boxes.length > 0 && boxes.every((one) => one.checked);
    whole.hidden = !every;
    if (!every) box.checked = false;
    $("[data-bulk-count]", bar).textContent = box.checked ? whole.dataset.bulkAll : boxes.filter((one) => one.checked).length;
    sayElsewhere(box.checked);
    for (const button of $$("[data-words]", bar)) {
      button.dataset.confirm = box.checked ? button.dataset.words.replace("{n}", whole.dataset.bulkAll) : button.dataset.words;
    }
  };
  document.addEventListener("change", showWhole);

  /* ---------- what is ticked on this list's other pages goes along, until the deed is done or the list is another ---------- */
  const TICKED = "ticked";
  const others = $("[data-bulk-elsewhere]");
  const which = () => {
    const asked = new URLSearchParams(location.search);
    for (const name of ["page", "sort"]) asked.delete(name);
    return asked.toString();
  };
  const sayElsewhere = (all) => {
    if (!others) return;
    const number = $$("input:checked", others).length;
    const said = $("span", others);
    others.hidden = !number || all;
    said.textContent = number ? said.dataset.t.replace("{n}", number) : "";
  };
  const forget = () => { try { sessionStorage.removeItem(TICKED); } catch { /* nothing is kept in this browser */ } };
  const keepTicks = () => {
    const ids = $$(".action_check:checked").map((box) => box.value);
    try { sessionStorage.setItem(TICKED, JSON.stringify({ list: which(), ids })); } catch { /* the same */ }
  };
  const bringTicks = () => {
    if (!others) return;
    let kept = null;
    try { kept = JSON.parse(sessionStorage.getItem(TICKED) ?? "null"); } catch { /* the same */ }
    if (kept && kept.list !== which()) {
      forget();
      kept = null;
    }
    $$("input", others).forEach((box) => box.remove());
    const here = new Map($$("tbody .action_check").map((box) => [box.value, box]));
    for (const id of kept?.ids ?? []) {
      if (here.has(id)) here.get(id).checked = true;
      else others.append(Object.assign(document.createElement("input"), { type: "checkbox", className: "action_check", name: "rowid", value: id, checked: true, hidden: true }));
    }
    document.dispatchEvent(new Event("htmx:after:swap")); // the bar counts anew
    showWhole();
  };
  document.addEventListener("change", (event) => event.target.matches(".action_check, .action_check_all") && keepTicks());
  document.addEventListener("click", (event) => {
    if (!event.target.closest('[data-do="clear"]')) return;
    forget();
    bringTicks();
  });
  document.addEventListener("submit", (event) => event.target.id === "bulkform" && !event.defaultPrevented && forget());
  addEventListener("pageshow", bringTicks);

  /* ---------- keys ---------- */
  const typing = (target) => target.matches("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]");
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing || event.ctrlKey || event.metaKey || event.altKey || typing(event.target) || $("dialog[open]")) return;
    if (event.key === "e") {
      const button = $(".tickets tr.cursor [data-row-status]");
      if (!button) return;
      event.preventDefault();
      button.click();
    }
  });

  /* ---------- the tab one is on is seen, however many stand before it ---------- */
  const toTab = () => {
    const tabs = $(".toolbar .tabs");
    const tab = tabs && $("[aria-current]", tabs);
    if (!tab) return;
    const [row, one] = [tabs.getBoundingClientRect(), tab.getBoundingClientRect()];
    if (one.left < row.left || one.right > row.right) tabs.scrollLeft += one.left + one.width / 2 - row.left - row.width / 2;
  };
  document.addEventListener("DOMContentLoaded", toTab);

  /* ---------- news: told, never put under the pointer ---------- */
  const EVERY = 20_000;
  const listing = $("[data-news]");
  const told = $(".news");
  let since = listing?.dataset.since;
  const look = async () => {
    if (document.hidden) return;
    const address = listing.dataset.news;
    const answer = await fetch(`${address}${address.includes("?") ? "&" : "?"}since=${encodeURIComponent(since)}`, { headers: { Accept: "application/json" } }).catch(() => null);
    if (answer?.status !== 200 || answer.redirected) return;
    const { new: number } = await answer.json();
    told.hidden = false;
    $("span", told).textContent = number === 1 ? told.dataset.tOne : told.dataset.tMany.replace("{n}", number);
  };
  const show = async () => {
    const answer = await fetch(location.href).catch(() => null);
    if (!answer?.ok) return location.reload();
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const ticked = new Set($$(".action_check:checked").map((box) => box.value));
    const fresh = $(".tickets", page);
    const old = $(".tickets");
    if (!fresh || !$("tbody", fresh) || !$("tbody", old)) return location.reload();
    for (const box of $$(".action_check", fresh)) if (ticked.has(box.value)) box.setAttribute("checked", "");
    $("tbody", old).replaceWith($("tbody", fresh));
    $(".toolbar .tabs").replaceWith($(".toolbar .tabs", page));
    since = $("[data-news]", page).dataset.since;
    told.hidden = true;
    bringTicks();
    numbers();
    toTab();
    $(".tickets .subject")?.focus();
  };
  const numbers = async () => {
    if (!$(".tabs [data-view]")) return;
    const answer = await fetch(listing.dataset.numbers, { headers: { Accept: "application/json" } }).catch(() => null);
    if (!answer?.ok) return;
    for (const [id, number] of Object.entries(await answer.json())) {
      const tab = $(`.tabs [data-view="${id}"]`);
      if (tab && !$(".n", tab)) tab.append(" ", Object.assign(document.createElement("span"), { className: "n", textContent: number }));
    }
  };
  if (listing && told) {
    $("button", told).addEventListener("click", show);
    setInterval(look, EVERY);
    document.addEventListener("visibilitychange", look);
    numbers();
  }
})();
