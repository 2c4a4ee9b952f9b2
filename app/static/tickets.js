/* The ticket list, a ticket's page and the new ticket: what plain forms cannot do. Every page works without it.

   data-row-status="ID" data-row-now="STATUS" data-row-name="#1001"   opens the dialog #row-status for that row; of its options
                                                those with data-from="STATUS …" are for rows in one of these
   data-chosen                                  a file input: the chosen files' names stand in the form's [data-chosen-list]
   data-pick="URL" data-pick-name="FIELD"       an address field that suggests customers from GET URL?q=, JSON {"items": [{"name", "email", "organization"}]};
                                                choosing one fills FIELD
   "desk:saved" with the name department        reloads the page: another team may have it now; with the name category where
                                                the desk has fields of its own (data-own-fields): others belong to it now */
(() => {
  "use strict";
  const $ = (selector, root = document) => root.querySelector(selector);

  /* The statuses that this person may choose from the row's present one. */
  const narrow = (select, now) => {
    for (const option of select.querySelectorAll("option[data-from]")) option.hidden = option.disabled = !option.dataset.from.split(" ").includes(now);
    if (select.selectedOptions[0]?.disabled ?? true) select.value = [...select.options].find((option) => !option.disabled)?.value ?? "";
  };

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-row-status]");
    const dialog = button && $("#row-status");
    if (!dialog) return;
    $("[data-row-id]", dialog).value = button.dataset.rowStatus;
    $("[data-row-said]", dialog).textContent = button.dataset.rowName;
    narrow($("select", dialog), button.dataset.rowNow);
    dialog.showModal();
  });

  document.addEventListener("change", (event) => {
    const input = event.target;
    if (!input.matches?.("[data-chosen]")) return;
    const list = $("[data-chosen-list]", input.form);
    list.hidden = !input.files.length;
    list.replaceChildren(
      ...[...input.files].map((file) => {
        const line = document.createElement("li");
        const name = Object.assign(document.createElement("span"), { className: "file", textContent: file.name });
        line.append(name);
        return line;
      }),
    );
  });

  const known = new Map();
  let asked = 0;
  document.addEventListener("input", async (event) => {
    const field = event.target;
    if (!field.dataset?.pick) return;
    const chosen = known.get(field.value);
    const name = field.form.elements[field.dataset.pickName];
    if (chosen !== undefined) {
      name.value = chosen;
      return;
    }
    if (field.value.trim().length < 2) return;
    const mine = ++asked;
    const answer = await fetch(`${field.dataset.pick}?q=${encodeURIComponent(field.value)}`, { headers: { Accept: "application/json" } }).catch(() => null);
    if (mine !== asked || !answer?.ok) return;
    const { items } = await answer.json();
    for (const one of items) known.set(one.email, one.name);
    field.list.replaceChildren(
      ...items.map((one) => Object.assign(document.createElement("option"), { value: one.email, label: [one.name, one.organization].filter(Boolean).join(", ") })),
    );
  });

  document.addEventListener("desk:saved", (event) => {
    const name = event.detail?.name ?? "";
    if (name === "department" || (name === "category" && $("[data-own-fields]"))) location.reload();
  });
})();
