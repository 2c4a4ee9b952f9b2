/* The form in which a macro or a rule is made. Without it each button sends the form and the page comes back with what was typed.

   form[data-macro]            its parts with an id and data-drawn are drawn anew by the desk
   button[name=deed], [data-deed]   what asks for that: a button at once, a field when it changes
   data-focus                  takes the focus afterwards
   button[data-whole]          is sent as it is: its answer is the whole page; what it shows has data-tried and takes the focus */
(() => {
  "use strict";
  const form = document.querySelector("form[data-macro]");
  if (!form) return;
  let asked = 0;
  const draw = async (deed, back) => {
    const mine = ++asked;
    const fields = new FormData(form);
    fields.set("deed", deed);
    const answer = await fetch(form.action, { method: "POST", body: new URLSearchParams(fields), headers: { Accept: "text/html" } }).catch(() => null);
    if (mine !== asked) return;
    const page = answer?.ok && new DOMParser().parseFromString(await answer.text(), "text/html");
    const parts = page ? [...form.querySelectorAll("[data-drawn]")].filter((part) => page.getElementById(part.id)) : [];
    if (!parts.length) return;
    const verb = deed.split(":")[0];
    const typed = verb === "look" ? [...form.querySelectorAll("[data-drawn] [id]:is(input, textarea, select)")].filter((field) => field.value !== fields.get(field.name)) : [];
    for (const part of parts) part.replaceWith(document.adoptNode(page.getElementById(part.id)));
    for (const { id, value } of typed) {
      const there = document.getElementById(id); // what was typed while the answer was on its way
      if (there) there.value = value;
    }
    const near = verb === "look" ? null : form.querySelector("[data-focus]");
    const again = back?.id && document.getElementById(back.id);
    (again || near || form.querySelector("[value=add]"))?.focus();
  };
  form.addEventListener("submit", (event) => {
    const button = event.submitter;
    if (button?.name !== "deed" || "whole" in button.dataset) return;
    event.preventDefault();
    draw(button.value);
  });
  form.querySelector("[data-tried]")?.focus();
  form.addEventListener("change", (event) => {
    const field = event.target.closest("[data-deed]");
    if (field) draw(field.dataset.deed, field);
  });
})();
