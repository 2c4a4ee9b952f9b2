/* Tasks, beyond what plain forms do. Every page works without it.

   [data-board]           cards (.kard, data-task) can be dragged into another [data-column]; the buttons on them do the same
   #tasks-ask             on a ticket with open tasks: choosing a status named in data-ending asks its sentence first */
(() => {
  "use strict";
  const $ = (selector, root = document) => root.querySelector(selector);

  /* ---------- the board ---------- */
  let held = null;
  const column = (event) => held && event.target.closest?.("[data-column]");
  const unmark = () => document.querySelectorAll(".column.over").forEach((one) => one.classList.remove("over"));
  document.addEventListener("dragstart", (event) => {
    held = event.target.closest?.(".kard[draggable]");
    if (!held) return;
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", held.dataset.task);
    held.classList.add("held");
  });
  document.addEventListener("dragend", () => {
    held?.classList.remove("held");
    held = null;
    unmark();
  });
  document.addEventListener("dragover", (event) => {
    const over = column(event);
    if (!over) return;
    event.preventDefault();
    unmark();
    over.classList.add("over");
  });
  document.addEventListener("drop", (event) => {
    const over = column(event);
    if (!over) return;
    event.preventDefault();
    const form = $("form", held);
    if (over.contains(held) || !form) return;
    form.append(Object.assign(document.createElement("input"), { type: "hidden", name: "state", value: over.dataset.column }));
    form.submit();
  });

  /* ---------- a ticket that ends before its tasks ---------- */
  const ends = (status) => $("#tasks-ask")?.dataset.ending.split(" ").includes(status);
  let asked = null;
  let agreed = false;
  window.addEventListener(
    "change",
    (event) => {
      const field = event.target;
      if (agreed || field.name !== "status" || !field.dataset?.autosave || !ends(field.value)) return;
      event.stopImmediatePropagation();
      asked = field;
      $("#tasks-ask").requestSubmit();
    },
    true,
  );
  document.addEventListener("submit", (event) => {
    if (event.target.id !== "tasks-ask") return;
    event.preventDefault();
    const field = asked;
    asked = null;
    agreed = true;
    field?.dispatchEvent(new Event("change", { bubbles: true }));
    agreed = false;
  });
  const dialog = $("#ask");
  dialog?.addEventListener("close", () => {
    if (dialog.returnValue === "yes" || !asked) return;
    asked.value = [...asked.options].find((one) => one.defaultSelected)?.value ?? asked.value;
    asked.focus();
    asked = null;
  });
})();
