/* The palette (Ctrl+K): everything that the menu, the page and the desk offer, by name. app.js loads it when it is first opened;
   what the desk offers is asked for then, once a page, and customers as one types.

   data-command="words"     a button or link of the page that is offered too
   #ws-here[data-here]      tells the open ticket; .action_check:checked and [data-bulk] the selection and its deeds
   What was chosen lately stands first (kept in this browser). */
const $ = (selector, root = document) => root.querySelector(selector);
const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
const MOST = 14;
const RECENT = 8;
const QUIET_MS = 150;
const palette = $("#palette");
const wanted = $("#palette-q");
const list = $("#palette-list");
const said = $("#palette-said");
const told = palette.dataset;
const token = () => $('meta[name="csrf-token"]')?.content ?? "";
let asked = null;
let people = { words: "", items: [] };
let shown = [];
let at = 0;

const lately = () => { try { return JSON.parse(localStorage.getItem("palette") ?? "[]"); } catch { return []; } };
const remember = (words) => { try { localStorage.setItem("palette", JSON.stringify([words, ...lately().filter((one) => one !== words)].slice(0, RECENT))); } catch { /* private window */ } };
const plain = (text) => text.toLowerCase().normalize("NFD").replace(/\p{M}/gu, "");

/* ---------- what can be chosen ---------- */
const read = async (query) => {
  const answer = await fetch(`${told.offers}?${new URLSearchParams(query)}`, { headers: { Accept: "application/json" } }).catch(() => null);
  return answer?.ok && !answer.redirected ? (await answer.json()).items : [];
};
const number = () => $("#ws-here")?.dataset.here.match(/(\d+)\/here$/)?.[1] ?? "";
const post = async (one) => {
  const body = new URLSearchParams({ ...one.fields, csrf_token: token() });
  const answer = await fetch(one.post, { method: "POST", body, headers: { Accept: "application/json", "X-CSRFToken": token(), "X-Requested-With": "fetch" } }).catch(() => null);
  if (answer?.ok) return location.reload();
  const refusal = await answer?.json().catch(() => ({}));
  palette.showModal();
  said.textContent = refusal?.error ?? told.tFailed;
  wanted.focus();
};
const insert = (text) => {
  const field = $("#reply-body");
  if (!field) return;
  field.focus();
  field.setRangeText(text, field.selectionStart, field.selectionEnd, "end");
  field.dispatchEvent(new Event("input", { bubbles: true }));
};
const ofDesk = (one) => ({
  words: one.words,
  group: one.group,
  go() {
    if (one.go) location.href = one.go;
    else if (one.sheet) document.dispatchEvent(new CustomEvent("desk:sheet", { detail: one.sheet }));
    else if (one.insert) insert(one.insert);
    else post(one);
  },
});
const ofSelection = () => {
  const bar = $("[data-bulk]");
  if (!bar || bar.hidden) return [];
  return $$("button[name=action]", bar).filter((one) => !one.closest(".inmenu, .bulkreply")).map((button) => {
    const menu = button.closest("[popover]");
    const name = menu && $(`[popovertarget="${menu.id}"]`, bar)?.title;
    return { words: `${name ? `${name}${document.getElementById("words")?.dataset.tColon ?? ":"} ` : ""}${button.textContent.trim() || button.title}`, group: told.tChosen, go: () => button.click() };
  });
};
const ofPage = () => [
  ...ofSelection(),
  ...$$("[data-command]").map((one) => ({ words: one.dataset.command, group: told.tHere, go: () => one.click() })),
];
const places = () => $$(".nav-list a").map((link) => ({ words: link.textContent.trim().replace(/\s+/g, " "), group: told.tGo, go: () => (location.href = link.href) }));

/* ---------- which of them fit ---------- */
/* How well `part` fits: a word begins with it, it stands somewhere, its letters come in that order; 0 where it does not. */
const fits = (text, part) => {
  if (text.split(/[\s:(/]+/).some((word) => word.startsWith(part))) return 3;
  if (text.includes(part)) return 2;
  let from = 0;
  for (const letter of part) {
    from = text.indexOf(letter, from) + 1;
    if (!from) return 0;
  }
  return part.length > 2 ? 1 : 0;
};
const score = (one, parts) => {
  const text = plain(one.words);
  let sum = 0;
  for (const part of parts) {
    const found = fits(text, part);
    if (!found) return 0;
    sum += found;
  }
  return sum + 1 / (text.length + 1);
};
const offers = (more) => {
  const text = wanted.value.trim();
  const recent = lately();
  const parts = plain(text).split(/\s+/).filter(Boolean);
  const all = [...ofPage(), ...more, ...places()];
  const rank = (one) => (recent.includes(one.words) ? RECENT - recent.indexOf(one.words) : 0);
  if (!text) {
    const used = all.filter((one) => recent.includes(one.words)).sort((one, other) => rank(other) - rank(one)).map((one) => ({ ...one, group: told.tRecent }));
    return [...used, ...all.filter((one) => !recent.includes(one.words))].slice(0, MOST);
  }
  const fitting = all.map((one) => [score(one, parts), one]).filter(([found]) => found).sort(([one, first], [other, second]) => other - one + (rank(second) - rank(first)) / 10).map(([, one]) => one);
  const strong = fitting.filter((one) => score(one, parts) >= 2);
  const found = (strong.length ? strong : fitting).slice(0, MOST);
  const persons = people.words === text ? people.items.map(ofDesk) : [];
  const open = text.match(/(\d+)$/);
  const search = { words: told.tSearch.replace("{q}", text), group: told.tTickets, go: () => (location.href = `${told.tickets}?q=${encodeURIComponent(text)}`) };
  const ticket = open && { words: told.tOpen.replace("{n}", open[1]), group: told.tTickets, go: () => (location.href = told.tickets + open[1]) };
  return ticket && /^#?\D{0,8}\d+$/.test(text) ? [ticket, ...found, ...persons, search] : [...found, ...persons, ...(ticket ? [ticket] : []), search];
};

/* ---------- the list ---------- */
const mark = (index) => {
  at = Math.max(0, Math.min(shown.length - 1, index));
  $$(".palette-item", list).forEach((entry, place) => entry.setAttribute("aria-selected", place === at));
  if (shown[at]) wanted.setAttribute("aria-activedescendant", `palette-${at}`);
  else wanted.removeAttribute("aria-activedescendant");
  $(`#palette-${at}`)?.scrollIntoView({ block: "nearest" });
};
const show = (more) => {
  shown = offers(more.map(ofDesk));
  let group = null;
  list.replaceChildren();
  shown.forEach((one, place) => {
    if (one.group !== group) {
      group = one.group;
      list.append(Object.assign(document.createElement("div"), { className: "palette-head", textContent: group, role: "presentation" }));
    }
    const entry = Object.assign(document.createElement("div"), { className: "palette-item", id: `palette-${place}`, textContent: one.words });
    entry.setAttribute("role", "option");
    list.append(entry);
  });
  said.textContent = shown.length ? "" : told.tNone;
  mark(0);
};
let known = [];
let timer = 0;
/* What came meanwhile takes nobody's mark away; who has moved none means the first. */
const redraw = () => {
  const moved = at > 0 && shown[at]?.words;
  show(known);
  if (moved) mark(shown.findIndex((one) => one.words === moved));
};
const look = () => {
  show(known);
  clearTimeout(timer);
  const words = wanted.value.trim();
  if (words.length < 2) return;
  timer = setTimeout(async () => {
    const items = await read({ q: words });
    if (words !== wanted.value.trim()) return;
    people = { words, items };
    if (!items.length) return;
    redraw();
  }, QUIET_MS);
};

/* Called each time it opens; the desk is asked the first time. */
export const draw = async () => {
  look();
  asked ??= read(number() ? { number: number() } : {});
  known = await asked;
  if (!palette.open) return;
  redraw();
};
const run = () => {
  const one = shown[at];
  if (!one) return;
  remember(one.words);
  palette.close();
  one.go();
};
wanted.addEventListener("input", look);
palette.addEventListener("keydown", (event) => {
  if (event.isComposing) return;
  const key = { ArrowDown: () => mark(at + 1), ArrowUp: () => mark(at - 1), Enter: run }[event.key];
  if (!key) return;
  event.preventDefault();
  key();
});
list.addEventListener("click", (event) => {
  const entry = event.target.closest(".palette-item");
  if (!entry) return;
  at = Number(entry.id.split("-")[1]);
  run();
});
