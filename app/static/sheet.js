/* Pages that open as a dialog over the ticket: merging, splitting off, moving. Without this file their links lead to them.

   data-sheet                on a link: opens the part #sheet-part of its page in the dialog
   data-key="m"              on a link or button: that key presses it, never while typing
   data-look                 on a form inside: is asked again when a choice in it changes
   data-close-sheet          closes the dialog
   data-narrows="ID"         on a field: of that list only what has its words is shown, and Enter takes the first
   data-sheet-form           on a posting form: its answer opens in the dialog
   Hears: "desk:sheet" on document, whose detail is the address of such a form. */
(() => {
  "use strict";
  const typing = (target) => target.matches("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]");
  let sheet = null;
  let opener = null;

  const open = () => {
    if (!sheet) {
      sheet = document.createElement("dialog");
      sheet.className = "dlg sheet-dialog";
      sheet.setAttribute("aria-labelledby", "sheet-title");
      sheet.addEventListener("close", () => opener?.focus());
      document.body.append(sheet);
    }
    if (!sheet.open) sheet.showModal();
  };

  let asked = 0;
  const show = async (address, body) => {
    const mine = ++asked;
    const answer = await fetch(address, { method: body ? "POST" : "GET", body, headers: { Accept: "text/html" } }).catch(() => null);
    const page = answer?.ok && new DOMParser().parseFromString(await answer.text(), "text/html");
    if (mine !== asked) return true; // something else was asked for meanwhile
    const part = page && page.getElementById("sheet-part");
    if (!part) {
      if (body) return false;
      location.href = address;
      return true;
    }
    const kept = document.activeElement?.closest("dialog") === sheet && document.activeElement?.value;
    open();
    if (sheet.querySelector("details.more[open]")) part.querySelector("details.more")?.setAttribute("open", "");
    sheet.replaceChildren(document.adoptNode(part));
    sheet.opener = opener;
    sheet.scrollTop = 0;
    const again = kept && [...sheet.querySelectorAll("input")].find((field) => field.value === kept);
    (again || sheet.querySelector("[aria-invalid], input:not([type=hidden]), .btn-primary"))?.focus();
    return true;
  };

  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-sheet]");
    if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
      event.preventDefault();
      if (!sheet?.contains(link)) opener = link;
      show(link.href);
    }
    if (sheet?.open && event.target.closest("[data-close-sheet]")) {
      event.preventDefault();
      sheet.close();
    }
  });

  document.addEventListener("desk:sheet", (event) => {
    opener = document.activeElement;
    show(event.detail, new URLSearchParams({ csrf_token: document.querySelector('meta[name="csrf-token"]')?.content ?? "" }));
  });
  document.addEventListener("submit", async (event) => {
    const form = event.target.closest("form[data-sheet-form]");
    if (!form || event.defaultPrevented) return;
    event.preventDefault();
    if (!(await show(form.action, new URLSearchParams(new FormData(form))))) form.submit();
  });

  const left = (field) => [...document.getElementById(field.dataset.narrows)?.children ?? []].filter((one) => !one.hidden);
  document.addEventListener("input", (event) => {
    const field = event.target;
    if (!field.dataset?.narrows) return;
    const words = field.value.toLowerCase().split(/\s+/);
    for (const one of document.getElementById(field.dataset.narrows)?.children ?? []) one.hidden = !words.every((word) => one.textContent.toLowerCase().includes(word));
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.isComposing || !event.target.dataset?.narrows) return;
    const first = left(event.target)[0]?.querySelector("a, button");
    if (!first) return; // the form asks the desk
    event.preventDefault();
    first.click();
  });

  const look = (form) => show(`${form.action}?${new URLSearchParams(new FormData(form))}`);
  document.addEventListener("submit", (event) => {
    if (!sheet?.contains(event.target) || event.target.method !== "get") return;
    event.preventDefault();
    look(event.target);
  });
  document.addEventListener("change", (event) => {
    const form = event.target.closest("form[data-look]");
    if (!form || event.target.id === "more") return;
    if (sheet?.contains(form)) look(form);
    else form.requestSubmit();
  });

  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
    if (typing(event.target) || document.querySelector("dialog[open]")) return;
    const pressed = [...document.querySelectorAll("[data-key]")].find((one) => one.dataset.key === event.key);
    if (!pressed) return;
    event.preventDefault();
    pressed.click();
  });
})();
