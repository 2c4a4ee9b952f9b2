/* FAB's generated pages: what its own ab.js does (select2, dependent selects, a form that asks again), in the page's words. */
$(function () {
  "use strict";
  /* a relation's empty choice has no words, only the value "__None" */
  const words = (option) => (option.id === "__None" || !option.text ? "–" : option.text);
  const look = (field) => ({ placeholder: "", allowClear: !field.prop("multiple"), theme: "bootstrap", width: "100%", templateSelection: words, templateResult: words });
  const fill = (field, address) => $.get(address, (entries) => field.select2({ ...look(field), data: entries }));

  /* select2 puts its own box in front of the field; the label must name that box, too */
  const named = (field) => {
    const label = document.querySelector(`label[for="${field.id}"]`)?.firstChild?.textContent?.trim();
    const box = field.nextElementSibling;
    if (!label || !box?.classList.contains("select2")) return;
    box.querySelector('[role="combobox"]')?.setAttribute("aria-label", label);
    box.querySelector(".select2-search__field")?.setAttribute("aria-label", label);
  };

  $(".my_select2").each((_, field) => {
    $(field).select2(look($(field)));
    named(field);
  });
  $(".my_select2_ajax").each((_, field) => fill($(field), $(field).attr("endpoint")));
  $(".my_select2_ajax_slave").each((_, field) => {
    const slave = $(field);
    const master = $(`#${slave.attr("master_id")}`);
    const refill = () => {
      if (master.val()) fill(slave, slave.attr("endpoint").replace("{{ID}}", master.val()));
      else slave.select2({ ...look(slave), data: [] });
    };
    refill();
    master.on("change", refill);
  });
  $(document).on("select2:open", () => document.querySelector(".select2-container--open .select2-search__field")?.setAttribute("aria-label", document.getElementById("words")?.dataset.tSearch ?? "Search"));
  $(".my_change").on("change", () => {
    const form = document.getElementById("model_form");
    form.action = "";
    form.method = "get";
    form.submit();
  });
});
