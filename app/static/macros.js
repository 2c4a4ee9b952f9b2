/* The form in which a macro is made. Without it each button sends the form and the page comes back with what was typed.

   form[data-macro]            its part #macro-actions is drawn anew by the desk
   button[name=deed], [data-deed]   what asks for that: a button at once, a field when it changes
   data-focus                  takes the focus afterwards */
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
    const part = page && page.getElementById("macro-actions");
    if (!part) return;
    document.getElementById("macro-actions").replaceWith(document.adoptNode(part));
    const verb = deed.split(":")[0];
    const near = verb === "look" ? null : part.querySelector("[data-focus]");
    const again = back?.id && document.getElementById(back.id);
    (again || near || part.querySelector("[value=add]"))?.focus();
  };
  form.addEventListener("submit", (event) => {
    const button = event.submitter;
    if (button?.name !== "deed") return;
    event.preventDefault();
    draw(button.value);
  });
  form.addEventListener("change", (event) => {
    const field = event.target.closest("[data-deed]");
    if (field) draw(field.dataset.deed, field);
  });
})();
