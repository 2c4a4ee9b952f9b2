/* The staff's frame, lists and keys. Delegated listeners only: nothing inline, and htmx swaps need no second set-up.
   Every page can be read and every form sent without this file.

   data-do="theme | nav | dismiss | clear"  switch light and dark · open the menu on a phone · close a notice · untick all rows
   data-open="ID", data-close               open the dialog with that id · close the dialog around the button
   data-confirm="sentence"                  on a form or a submit button: ask first; data-confirm-ok="Delete" names the deed
   data-needs-rows="sentence"               on a bulk button: say this when no row is ticked
   data-bulk, data-bulk-count               the bar shown while rows are ticked · where their number stands
   .action_check, .action_check_all         boxes of the rows of one table, and the box for all of them
   .tickets tbody tr                        rows for the keys; a row's link is .subject or .open
   data-new data-back data-next data-prev   where the keys c u j k lead; #q or data-search is the field for /
   data-toggle="ID"                         show or hide that part (aria-expanded follows)
   data-command="words"                     a button or link that the palette (Ctrl+K) offers too
   data-toast="seconds"                     a notice that leaves by itself
   details.filterbox                        f opens it, Escape closes it · #page-keys, the keys of the page, opens by ?
   Keys: list j k x a b Enter / c · ticket r n j k u (r and n in compose.js) · Ctrl+Enter sends · Ctrl+K palette; never while typing.
   Tells: "themechange" on document when light and dark change. */
(() => {
  "use strict";
  const $ = (selector, root = document) => root.querySelector(selector);
  const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
  const root = document.documentElement;

  /* ---------- clicks ---------- */
  const darkNow = () => (root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches);

  const deeds = {
    theme() {
      root.dataset.theme = darkNow() ? "light" : "dark";
      document.cookie = `theme=${root.dataset.theme}; path=/; max-age=31536000; SameSite=Lax`;
      document.dispatchEvent(new Event("themechange"));
    },
    nav() {
      const open = document.body.classList.toggle("nav-open");
      $('.topbar [data-do="nav"]')?.setAttribute("aria-expanded", open);
      if (open) $(".side a")?.focus();
    },
    dismiss: (button) => button.closest(".alert, .toast")?.remove(),
    clear() {
      $$(".action_check:checked").forEach((box) => (box.checked = false));
      showBulk();
    },
  };

  document.addEventListener("click", (event) => {
    const by = (attribute) => event.target.closest(`[${attribute}]`);
    const button = by("data-do");
    if (button && deeds[button.dataset.do]) {
      event.preventDefault();
      deeds[button.dataset.do](button);
    }
    const opener = by("data-open");
    if (opener) document.getElementById(opener.dataset.open)?.showModal();
    const toggle = by("data-toggle");
    if (toggle) {
      const part = document.getElementById(toggle.dataset.toggle);
      if (part) {
        part.hidden = !part.hidden;
        toggle.setAttribute("aria-expanded", !part.hidden);
      }
    }
    if (by("data-close")) event.target.closest("dialog")?.close();
    if (event.target.matches("dialog")) event.target.close();
  });

  /* ---------- asking first ---------- */
  const ask = $("#ask");
  const say = (sentence, { ok = "", danger = true } = {}) => {
    const yes = $("#ask-yes");
    const no = $("#ask-no");
    $("#ask-text").textContent = sentence;
    yes.hidden = !ok;
    yes.textContent = ok;
    yes.classList.toggle("btn-danger", danger);
    yes.classList.toggle("btn-primary", !danger);
    no.textContent = ok ? no.dataset.cancel : no.dataset.close;
    ask.returnValue = "";
    ask.showModal();
    no.focus();
  };

  let held = null;
  document.addEventListener(
    "submit",
    (event) => {
      const form = event.target;
      const button = event.submitter;
      if (form === ask?.firstElementChild || !ask) return;
      const needs = button?.dataset.needsRows;
      if (needs && !$$(".action_check:checked").some((box) => box.form === form)) {
        event.preventDefault();
        event.stopImmediatePropagation();
        say(needs);
        return;
      }
      const sentence = button?.dataset.confirm || form.dataset.confirm;
      if (!sentence || held?.sure) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      held = { form, button };
      const ticked = $$(".action_check:checked").filter((box) => box.form === form).length;
      say(sentence.replace("{n}", ticked), {
        ok: button?.dataset.confirmOk || form.dataset.confirmOk || $("#ask-yes").dataset.words,
        danger: button?.dataset.confirmKind !== "quiet",
      });
    },
    true,
  );
  ask?.addEventListener("close", () => {
    if (ask.open) return; // of the one before: the event comes late
    if (ask.returnValue === "yes" && held) {
      held.sure = true;
      held.form.requestSubmit(held.button);
    }
    held = null;
  });

  /* ---------- lists ---------- */
  const showBulk = () => {
    for (const all of $$(".action_check_all")) {
      const boxes = $$(".action_check", all.closest("table"));
      const ticked = boxes.filter((box) => box.checked).length;
      all.checked = ticked > 0 && ticked === boxes.length;
      all.indeterminate = ticked > 0 && !all.checked;
    }
    const bar = $("[data-bulk]");
    if (!bar) return;
    const ticked = $$(".action_check:checked").length;
    bar.hidden = !ticked;
    $("[data-bulk-count]", bar).textContent = ticked;
  };
  let lastBox = null;
  document.addEventListener("change", (event) => {
    const box = event.target;
    if (box.matches(".action_check_all")) {
      $$(".action_check", box.closest("table")).forEach((one) => (one.checked = box.checked));
    }
    if (box.matches(".action_check, .action_check_all")) showBulk();
  });
  document.addEventListener("click", (event) => {
    const box = event.target;
    if (!box.matches(".action_check")) return;
    if (event.shiftKey && lastBox && lastBox !== box && lastBox.closest("table") === box.closest("table")) {
      const boxes = $$(".action_check", box.closest("table"));
      const [from, to] = [boxes.indexOf(lastBox), boxes.indexOf(box)].sort((a, b) => a - b);
      boxes.slice(from, to + 1).forEach((one) => (one.checked = box.checked));
      showBulk();
    }
    lastBox = box;
  });

  const rows = () => $$(".tickets tbody tr");
  const marked = () => $(".tickets tbody tr.cursor");
  const move = (by) => {
    const all = rows();
    const next = all[Math.max(0, Math.min(all.length - 1, all.indexOf(marked()) + by))];
    if (!next) return;
    marked()?.classList.remove("cursor");
    next.classList.add("cursor");
    next.querySelector(".subject, .open")?.focus({ preventScroll: true });
    next.scrollIntoView({ block: "nearest" });
  };
  const tick = () => {
    const box = marked()?.querySelector(".action_check");
    if (!box) return;
    box.checked = !box.checked;
    box.dispatchEvent(new Event("change", { bubbles: true }));
  };
  const tickAll = () => {
    const all = $(".tickets .action_check_all");
    if (!all) return;
    all.checked = !all.checked;
    all.dispatchEvent(new Event("change", { bubbles: true }));
  };
  const toDeeds = () => $$("[data-bulk]:not([hidden]) :is(button, input)").find((one) => one.offsetParent)?.focus();
  const filter = () => {
    const box = $("details.filterbox");
    if (!box) return;
    box.open = true;
    $(".filterform select, .filterform input:not([type=hidden])", box)?.focus();
  };

  /* ---------- keys ---------- */
  const typing = (target) => target.matches("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]");
  const follow = (selector) => {
    const link = $(selector);
    if (link) link.matches("a, button") ? link.click() : link.focus();
    return Boolean(link);
  };
  const search = () => {
    const field = $("[data-search]") || $("#q");
    if (!field) return;
    if (field.closest(".side") && getComputedStyle(field.closest(".side")).visibility === "hidden") deeds.nav();
    field.focus();
    field.select?.();
  };
  const keys = {
    j: () => (rows().length ? move(1) : follow("[data-next]")),
    k: () => (rows().length ? move(-1) : follow("[data-prev]")),
    x: tick,
    a: tickAll,
    b: toDeeds,
    f: filter,
    "?": () => $("#page-keys")?.showModal(),
    "/": search,
    c: () => follow("[data-new]"),
    u: () => follow("[data-back]"),
  };
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing) return;
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
      event.preventDefault();
      openPalette();
      return;
    }
    if ((event.ctrlKey || event.metaKey) && event.key === "Enter" && event.target.form) {
      event.preventDefault();
      const form = event.target.form;
      const button = $$("[data-primary]", form).find((one) => one.offsetParent);
      form.requestSubmit(button);
      return;
    }
    if (event.key === "Escape" && document.body.classList.contains("nav-open")) {
      deeds.nav();
      $('.topbar [data-do="nav"]')?.focus();
      return;
    }
    const opened = event.key === "Escape" && event.target.closest("details.filterbox[open]");
    if (opened) {
      opened.open = false;
      $("summary", opened).focus();
      return;
    }
    if (typing(event.target) || event.ctrlKey || event.metaKey || event.altKey || $("dialog[open]")) return;
    if (keys[event.key]) {
      event.preventDefault();
      keys[event.key]();
    }
  });

  /* ---------- menus that ask for something: what is typed next goes there, and is no key of the list ---------- */
  document.addEventListener(
    "toggle",
    (event) => {
      if (event.newState !== "open" || !event.target.matches?.(".bulk [popover], [popover].later")) return;
      event.target.querySelector("input:not([type=hidden]), select, textarea, button")?.focus();
    },
    true,
  );

  /* Enter there is the button behind the field, and elsewhere in a form with data-no-enter nothing: the browser would press the first one of the form. */
  document.addEventListener("keydown", (event) => {
    const field = event.target;
    if (event.key !== "Enter" || event.defaultPrevented || event.isComposing || event.ctrlKey || event.metaKey) return;
    if (!field.matches?.("input")) return;
    const menu = !field.matches("[type=checkbox], [type=radio]") && field.closest("[popover]");
    const behind = menu && $$("button:not([type=button])", menu).find((one) => field.compareDocumentPosition(one) & Node.DOCUMENT_POSITION_FOLLOWING);
    if (!behind && !field.form?.matches("[data-no-enter]")) return;
    event.preventDefault();
    if (behind) behind.click();
  });

  /* ---------- menus, where the browser cannot place them by itself ---------- */
  if (!CSS.supports("position-area", "block-start")) {
    document.addEventListener(
      "toggle",
      (event) => {
        const menu = event.target;
        if (!menu.matches?.("[popover].menu") || event.newState !== "open") return;
        const button = $(`[popovertarget="${menu.id}"]`);
        if (!button) return;
        const at = button.getBoundingClientRect();
        const below = menu.classList.contains("down") || at.top < menu.offsetHeight + 12;
        menu.style.insetBlockStart = `${below ? at.bottom + 6 : at.top - menu.offsetHeight - 6}px`;
        menu.style.insetInlineStart = `${Math.max(8, Math.min(at.right - menu.offsetWidth, innerWidth - menu.offsetWidth - 8))}px`;
      },
      true,
    );
  }

  /* ---------- palette: its script comes when it is first opened ---------- */
  const palette = $("#palette");
  const openPalette = async () => {
    if (!palette || palette.open || $("dialog[open]")) return;
    $("#palette-q").value = "";
    palette.showModal();
    $("#palette-q").focus();
    const { draw } = await import(palette.dataset.script).catch(() => ({}));
    draw?.();
  };

  /* ---------- start ---------- */
  const leave = () => $$("[data-toast]:not([data-going])").forEach((toast) => {
    toast.dataset.going = "";
    setTimeout(() => toast.remove(), Number(toast.dataset.toast) * 1000);
  });
  document.addEventListener("DOMContentLoaded", () => {
    if (innerWidth > 1024) $(".nav-list [aria-current]")?.scrollIntoView({ block: "nearest" }); // the menu may be longer than the window
    showBulk();
    leave();
    $('[aria-invalid="true"]')?.focus();
  });
  document.addEventListener("htmx:after:swap", () => {
    showBulk();
    leave();
  });
})();
