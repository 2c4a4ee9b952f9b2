/* What is done beside the conversation is drawn there, without a new page: what is being written, the places one has scrolled to and the focus stay.
   Without this file each form leads to the ticket's page again.

   data-stay      on a form, or around forms: its answer is the ticket's page, of which what changed beside the conversation is taken over;
                  the focus goes to the same field or button again, else to the section's last. In a dialog it closes the dialog;
                  what was refused stands in its field again.
   data-kept      on a part that is drawn by itself: stays as it is
   On a phone each part has a button in its heading that folds it; all but the first few are folded until somebody asks, or is led there.
   Tells: "desk:saved" on document, for the thread. */
(() => {
  "use strict";
  const $ = (selector, root = document) => root.querySelector(selector);
  const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
  const aside = () => $("aside.details");
  /* Each drawing has a token of its own and says how long ago things were: neither is a change. */
  const print = (part) => {
    const plain = part.cloneNode(true);
    $(".fold", plain)?.remove();
    delete plain.dataset.folded;
    return bare(plain);
  };
  const bare = (part) => part.outerHTML.replace(/name="csrf_token"[^>]*>/g, "").replace(/<time [^>]*>[^<]*<\/time>/g, "");
  const name = (part) => part.id || part.getAttribute("aria-labelledby") || part.tagName;

  const draw = (page) => {
    const old = aside();
    const fresh = [...$("aside.details", page).children];
    const names = new Set(fresh.map(name));
    for (const part of [...old.children]) if (!names.has(name(part))) part.remove();
    let before = null;
    for (const part of fresh) {
      const there = [...old.children].find((one) => name(one) === name(part));
      if (there && ("kept" in there.dataset || print(there) === print(part))) {
        before = there;
        continue;
      }
      const drawn = document.adoptNode(part);
      if (there) there.replaceWith(drawn);
      else if (before) before.after(drawn);
      else old.prepend(drawn);
      window.htmx?.process(drawn);
      before = drawn;
    }
    for (const selector of [".notices", "#ws-signs"]) {
      const now = $(selector, page);
      if (now) $(selector)?.replaceWith(document.adoptNode(now));
    }
    for (const link of page.querySelectorAll("link[rel=stylesheet], script[src]")) bring(link);
    folds();
    document.dispatchEvent(new CustomEvent("desk:saved", { detail: { name: "beside" } }));
  };
  /* The first task brings the script of tasks along. */
  const bring = (link) => {
    const kind = link.tagName === "LINK" ? "href" : "src";
    const address = link.getAttribute(kind);
    if ([...document.querySelectorAll(link.tagName)].some((one) => one.getAttribute(kind) === address)) return;
    document.head.append(Object.assign(document.createElement(link.tagName), kind === "href" ? { rel: "stylesheet", href: address } : { src: address }));
  };

  const focusable = "a[href], button:not([disabled]), input:not([type=hidden]), select, textarea";
  const mark = (form, button) => {
    const section = (button ?? form).closest("aside.details > *");
    const field = section && [...form.elements].find((one) => one.id);
    return { section: section && name(section), id: field?.id, typed: field?.value, label: button?.getAttribute("aria-label"), menu: form.closest("[popover]")?.id };
  };
  const back = ({ section, id, typed, label, menu, command, refused }) => {
    const part = section && [...aside().children].find((one) => name(one) === section);
    const same = [id && `#${CSS.escape(id)}`, menu && `[popovertarget="${menu}"]`, label && `[aria-label="${CSS.escape(label)}"]`, command && `[data-command="${CSS.escape(command)}"]`];
    const again = same.filter(Boolean).map((one) => $(one, aside())).find((one) => one?.checkVisibility());
    const goal = again || $$(focusable, part ?? aside()).findLast((one) => part && one.checkVisibility()) || $("h2", part ?? aside());
    if (refused && again?.id === id && id) again.value = typed;
    if (goal?.matches("h2")) goal.tabIndex = -1;
    goal?.focus({ preventScroll: Boolean(again) });
  };

  /* ---------- folded on a phone ---------- */
  const narrow = matchMedia("(width <= 860px)");
  const OPEN = new Set(["d-sla", "d-props", "d-time", "d-tasks"]);
  const folded = new Map();
  const sign = (id, of) => {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    svg.setAttribute("class", `i ${of}`);
    svg.setAttribute("aria-hidden", "true");
    svg.append(document.createElementNS("http://www.w3.org/2000/svg", "use"));
    svg.firstChild.setAttribute("href", `${aside().dataset.signs}#${id}`);
    return svg;
  };
  const fold = (part, shut) => {
    folded.set(name(part), shut);
    part.toggleAttribute("data-folded", shut);
    $(".fold", part).setAttribute("aria-expanded", String(!shut));
  };
  const folds = () => {
    if (!narrow.matches || !aside()) return;
    for (const part of $$("aside.details > section")) {
      const heading = $("h2", part);
      if (!heading || $(".fold", heading)) continue;
      const button = Object.assign(document.createElement("button"), { type: "button", className: "fold" });
      button.setAttribute("aria-labelledby", heading.id);
      button.append(sign("chevron-down", "shut"), sign("chevron-up", "open"));
      heading.append(button);
      fold(part, folded.get(name(part)) ?? !OPEN.has(name(part)));
    }
  };
  const lead = (id) => {
    const part = document.getElementById(id)?.closest("aside.details > section");
    if (part && $(".fold", part)) fold(part, false);
  };
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("aside.details .fold");
    if (button) fold(button.closest("section"), button.getAttribute("aria-expanded") === "true");
    const link = event.target.closest?.("a[href^='#']");
    if (link) lead(link.hash.slice(1));
  });
  document.addEventListener("htmx:after:swap", folds);
  narrow.addEventListener("change", folds);
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", folds);
  else folds();

  const here = (address) => new URL(address, location.href).pathname === location.pathname;
  const send = async (form, button) => {
    const dialog = form.closest("dialog[open]");
    const opener = dialog?.opener?.dataset.command;
    const where = mark(form, button);
    const fields = new FormData(form);
    if (button?.name) fields.append(button.name, button.value);
    const answer = await fetch(form.action, { method: "POST", body: fields, headers: { Accept: "text/html" } }).catch(() => null);
    if (answer?.ok && !here(answer.url)) return void (location.href = answer.url);
    const page = answer && new DOMParser().parseFromString(await answer.text(), "text/html");
    const refused = page && dialog && page.getElementById("sheet-part");
    if (refused) {
      dialog.replaceChildren(document.adoptNode(refused));
      $("[aria-invalid], input:not([type=hidden])", dialog)?.focus();
    } else if (answer?.ok && page && $("aside.details", page)) {
      const said = Boolean($(".notices .alert-danger", page));
      draw(page);
      dialog?.close();
      back({ ...where, command: opener, refused: said });
    } else {
      form.submit();
    }
  };
  document.addEventListener("submit", async (event) => {
    const form = event.target;
    const button = event.submitter;
    if (event.defaultPrevented || !aside() || form.method !== "post" || !form.closest("[data-stay]")) return;
    event.preventDefault();
    if (form.ariaBusy === "true") return;
    form.ariaBusy = "true";
    try {
      await send(form, button);
    } finally {
      form.ariaBusy = null;
    }
  });
})();
