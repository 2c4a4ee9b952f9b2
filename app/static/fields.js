/* The desk's own fields in the form of a new ticket: those of the chosen category show at once. Without this file they come with the
   form's next answer.

   data-field-of="3 7"   on a fieldset: shows for these categories; empty: for all
   data-fields-for       a hidden field that says which category's fields were shown */
(() => {
  "use strict";
  const show = (form) => {
    const chosen = form.elements.category?.value ?? "";
    for (const set of form.querySelectorAll("[data-field-of]")) {
      const of = set.dataset.fieldOf;
      set.hidden = set.disabled = of !== "" && !of.split(" ").includes(chosen);
    }
    form.querySelector("[data-fields-for]").value = chosen;
  };
  for (const mark of document.querySelectorAll("[data-fields-for]")) show(mark.form);
  document.addEventListener("change", (event) => {
    const form = event.target.form;
    if (event.target.name === "category" && form?.querySelector("[data-fields-for]")) show(form);
  });
})();
