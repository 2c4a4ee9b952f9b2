/* Settings and other forms of an admin: a bar that says what would be saved, rows that move, a box for a dropped file.

   form[data-track]          watched: [data-savebar] inside it says how many of its [data-label] fields changed, and the first three
   data-label, data-unit, data-on, data-off   a field's name and the words of its value; [data-field] around it is marked
   data-act="up | down | remove | add"        on a button: moves or removes its [data-row], copies the last .cond of its group
   select[data-column="TABLE"]                on a phone, shows only the chosen column of that table (its data-col)
   form[data-send-now]                        is sent as soon as the page is there: a preview into a frame
   [data-drop]                                a file input inside takes what is dropped; [data-drop-name] says its name */
(() => {
  "use strict";
  const $ = (selector, root = document) => root.querySelector(selector);
  const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
  const first = new WeakMap();

  const said = (field) => {
    if (field.type === "checkbox") return field.checked ? field.dataset.on || "✓" : field.dataset.off || "–";
    if (field.type === "password") return field.value ? "•••" : "–";
    const value = field.selectedOptions ? [...field.selectedOptions].map((option) => option.textContent.trim()).join(", ") : field.value;
    return (value || "–") + (field.dataset.unit ? ` ${field.dataset.unit}` : "");
  };

  const change = (field) => {
    const value = document.createElement("b");
    value.textContent = `${first.get(field)} → ${said(field)}`;
    const entry = document.createElement("li");
    entry.append(`${field.dataset.label}${document.getElementById("words")?.dataset.tColon ?? ":"} `, value);
    return entry;
  };

  const show = (form) => {
    const bar = $("[data-savebar]", form);
    if (!bar) return;
    const fields = $$("[data-label]", form);
    const changed = fields.filter((field) => first.has(field) && first.get(field) !== said(field));
    for (const field of fields) field.closest("[data-field]")?.classList.toggle("dirty", changed.includes(field));
    const count = changed.length + (form.dataset.moved ? 1 : 0);
    const text = $("[data-save-text]", bar);
    text.textContent = count === 0 ? text.dataset.none : count === 1 ? text.dataset.one : text.dataset.many.replace("{n}", count);
    $("[data-save-list]", bar).replaceChildren(...changed.slice(0, 3).map(change));
    bar.classList.toggle("on", count > 0);
    $("[data-discard]", bar).hidden = !count;
    $("[data-primary]", bar).disabled = !count;
  };

  for (const form of $$("form[data-track]")) {
    for (const field of $$("[data-label]", form)) first.set(field, said(field));
    show(form);
    form.addEventListener("reset", () => setTimeout(() => show(form)));
    form.addEventListener("submit", () => $("[data-savebar]", form)?.classList.remove("on"));
  }
  document.addEventListener("input", (event) => {
    const form = event.target.closest("form[data-track]");
    if (form) show(form);
  });
  for (const form of $$("form[data-send-now]")) form.requestSubmit();
  addEventListener("beforeunload", (event) => {
    if ($("[data-savebar].on")) event.preventDefault();
  });

  const moved = (form) => {
    if (!form) return;
    form.dataset.moved = 1;
    show(form);
  };
  const deeds = {
    up: (row) => row.previousElementSibling?.before(row),
    down: (row) => row.nextElementSibling?.after(row),
    remove(row) {
      const near = row.nextElementSibling || row.previousElementSibling;
      row.remove();
      near?.querySelector("select, input, button")?.focus();
    },
    add(row, button) {
      const last = $$(".cond", button.closest("fieldset, section, .group")).at(-1);
      if (!last) return;
      const copy = last.cloneNode(true);
      for (const input of $$("input", copy)) input.value = "";
      last.after(copy);
      $("select, input", copy)?.focus();
    },
  };
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-act]");
    const deed = button && deeds[button.dataset.act];
    if (!deed) return;
    const form = button.closest("form[data-track]");
    deed(button.closest("[data-row]") ?? button.closest(".cond"), button);
    if (button.isConnected && button.dataset.act !== "add") button.focus();
    moved(form);
  });

  document.addEventListener("change", (event) => {
    const table = event.target.dataset?.column;
    if (table) document.getElementById(table).dataset.col = event.target.value;
    const box = event.target.closest?.("[data-drop]");
    if (box && event.target.files?.[0]) $("[data-drop-name]", box).textContent = event.target.files[0].name;
  });
  for (const kind of ["dragover", "dragleave", "drop"]) {
    document.addEventListener(kind, (event) => {
      const box = event.target.closest?.("[data-drop]");
      if (!box) return;
      event.preventDefault();
      box.classList.toggle("over", kind === "dragover");
      if (kind !== "drop" || !event.dataTransfer.files.length) return;
      const input = $("[type=file]", box);
      input.files = event.dataTransfer.files;
      input.dispatchEvent(new Event("change", { bubbles: true }));
    });
  }
})();
