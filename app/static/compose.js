/* Writing and changing a ticket: ways to send, properties that save themselves, drafts in this browser. Delegated listeners only.
   What only a ticket's page has (drafts on the desk, files, completion, who is here) is answer.js.

   form[data-composer]         one composer; radios name="kind" value reply | note; Ctrl+Enter presses its visible [data-primary]
   data-draft="KEY"            on a textarea: what is typed is kept in this browser under KEY and is there after a reload; not with data-draft-url
   data-draft-version="N"      changes when the server took a message: then a kept text that was sent is dropped, else it returns
   data-draft-sign             where "Draft saved" is said
   data-send, data-send-choice the button that sends · the buttons of its menu; the last choice is remembered and becomes the button
                               (words and value), for the person in data-owner of the form
   data-for-note, data-for-supplier   on #reply-body: what it says while it is empty and goes to them; its placeholder is for the customer
   data-autosave="URL"         on a select, input or checkbox: posts name=value when it changes; the answer is JSON, {"error": "…"}
                               with a 4xx puts the old value back and says the sentence; [data-saved] beside it shows the sign and Undo
   data-choose="ID"            a sign that leads to the choice it shows
   #thread                     the conversation: opens at its end
   #reply-body in the address  leads to the text and goes on where it ends
   Keys: r and n choose reply or note and go to the text. Tells: "desk:saved" on document after a property was saved. */
(() => {
  "use strict";
  const $ = (selector, root = document) => root.querySelector(selector);
  const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
  const words = $("#words")?.dataset ?? {};
  const token = () => $('meta[name="csrf-token"]')?.content ?? "";
  const make = (name, props, ...inside) => {
    const made = Object.assign(document.createElement(name), props);
    made.append(...inside);
    return made;
  };
  const keep = {
    get: (key) => { try { return localStorage.getItem(key); } catch { return null; } },
    set: (key, value) => { try { localStorage.setItem(key, value); } catch { /* private window: nothing is kept */ } },
    drop: (key) => { try { localStorage.removeItem(key); } catch { /* the same */ } },
  };

  /* ---------- drafts ---------- */
  const draftKey = (field) => `draft:${field.dataset.draft}`;
  const sentKey = (field) => `sent:${field.dataset.draft}`;
  const version = (field) => field.dataset.draftVersion ?? "";
  const sign = (field, text) => {
    const place = field.form && $("[data-draft-sign]", field.form);
    if (place) place.textContent = text;
  };
  const restore = (field) => {
    const sentAt = keep.get(sentKey(field));
    if (sentAt !== null) {
      keep.drop(sentKey(field));
      if (sentAt !== version(field) || !field.dataset.draftVersion) keep.drop(draftKey(field));
    }
    if (!field.value && keep.get(draftKey(field))) {
      field.value = keep.get(draftKey(field));
      sign(field, words.tRestored ?? "");
    }
  };
  document.addEventListener("input", (event) => {
    const field = event.target;
    if (!field.dataset?.draft || field.dataset.draftUrl) return;
    if (field.value) keep.set(draftKey(field), field.value);
    else keep.drop(draftKey(field));
    sign(field, field.value ? words.tDraft ?? "" : "");
  });
  document.addEventListener("submit", (event) => {
    for (const field of $$("[data-draft]:not([data-draft-url])", event.target)) keep.set(sentKey(field), version(field));
  });

  /* ---------- ways to send ---------- */
  const choiceKey = (form) => `send:${form.dataset.owner ?? ""}`;
  const recall = (form) => {
    const button = $("[data-send]", form);
    const choice = $$("[data-send-choice]", form).find((one) => one.value === keep.get(choiceKey(form)));
    if (!button || !choice || form.dataset.then) return; // a draft has its own
    press(button, choice);
  };
  /* To somebody else alone: said beside the field, and the button leaves the status as it is; back to the customer, it is as it was. */
  const elsewhere = (form) => {
    const to = $("[data-requester]", form);
    const said = $("[data-elsewhere]", form);
    if (!to || !said) return;
    const named = [to, $("#reply-cc", form)].flatMap((field) => field?.value.toLowerCase().split(/[,;\s<>]+/) ?? []);
    const away = Boolean(to.value.trim()) && !named.includes(to.dataset.requester.toLowerCase());
    if (away === Boolean(said.textContent)) return;
    said.textContent = away ? said.dataset.t : "";
    const button = $("[data-send]", form);
    const keep = $("[data-send-choice][data-away]", form);
    if (!button || !keep) return;
    keep.lastChild.textContent = away ? keep.dataset.away : keep.dataset.words;
    if (away) form.before = { value: button.value, nodes: [...button.childNodes] };
    if (away) press(button, keep);
    else if (form.before) {
      button.value = form.before.value;
      button.replaceChildren(...form.before.nodes);
    }
  };
  const press = (button, choice) => {
    button.value = choice.value;
    button.replaceChildren(...[...choice.childNodes].map((node) => node.cloneNode(true)));
  };
  document.addEventListener("input", (event) => event.target.matches?.("#reply-to, #reply-cc") && elsewhere(event.target.form));
  document.addEventListener("submit", (event) => {
    if (event.submitter?.matches("[data-send-choice]")) keep.set(choiceKey(event.target), event.submitter.value);
  });

  /* ---------- properties that save themselves ---------- */
  const before = new WeakMap();
  const turns = new WeakMap(); // what is chosen twice in a moment is saved in that order
  const valueOf = (field) => (field.type === "checkbox" ? (field.checked ? "1" : "") : field.value);
  const put = (field, value) => {
    if (field.type === "checkbox") field.checked = value === "1";
    else field.value = value;
  };
  const place = (field) => $("[data-saved]", field.parentElement) ?? $("[data-saved]", field.closest("form, section") ?? document);
  /* A refusal may be about other properties than the one that was changed: each sentence stands at its own. */
  const atFields = (sentences, besides) => {
    for (const [name, sentence] of Object.entries(sentences ?? {})) {
      const other = $$("[data-autosave]").find((one) => one !== besides && (one.name === name || one.name.startsWith(`${name}:`)));
      if (other) place(other)?.replaceChildren(make("span", { className: "bad", textContent: sentence }));
    }
  };
  const save = async (field, old, still) => {
    const value = valueOf(field);
    const said = place(field);
    said?.replaceChildren();
    field.setAttribute("aria-busy", "true");
    try {
      const body = new URLSearchParams({ [field.name]: value, csrf_token: token() });
      if (still !== undefined) body.set("still", still); // an undo: only of what we saved ourselves
      const answer = await fetch(field.dataset.autosave, { method: "POST", body, headers: { Accept: "application/json", "X-CSRFToken": token(), "X-Requested-With": "fetch" } });
      if (!answer.ok) {
        const refusal = await answer.json().catch(() => ({}));
        atFields(refusal.fields, field);
        throw new Error(refusal.error || words.tFailed);
      }
      before.set(field, value);
      const more = (await answer.json().catch(() => ({}))).said;
      if (said) {
        const undo = make("button", { type: "button", className: "linkish", textContent: words.tUndo ?? "Undo" });
        undo.addEventListener("click", () => {
          put(field, old);
          save(field, value, value);
          field.focus();
        });
        said.append(make("span", { textContent: `${words.tSaved ?? "Saved"}${more ? `. ${more}` : ""} ` }), undo);
        setTimeout(() => undo.parentElement === said && said.replaceChildren(), more ? 20000 : 8000);
      }
      document.dispatchEvent(new CustomEvent("desk:saved", { detail: { name: field.name, value } }));
    } catch (error) {
      put(field, old);
      said?.replaceChildren(make("span", { className: "bad", textContent: error.message }));
    } finally {
      field.removeAttribute("aria-busy");
    }
  };
  /* The signs in the ticket's head lead to their choices; on a phone those may be folded. */
  document.addEventListener("click", (event) => {
    const sign = event.target.closest?.("[data-choose]");
    const field = sign && $(`#${sign.dataset.choose}`);
    if (!field) return;
    if (!field.checkVisibility()) $('.jumps [href="#d-props"]')?.click();
    field.focus();
    try { field.showPicker(); } catch { /* an older browser: it has the focus */ }
  });

  const drawn = (field) => {
    if (field.type === "checkbox") return field.defaultChecked ? "1" : "";
    if (field.options) return ([...field.options].find((option) => option.defaultSelected) ?? field.options[0])?.value ?? "";
    return field.defaultValue;
  };
  document.addEventListener("change", (event) => {
    const field = event.target;
    if (!field.dataset?.autosave) return;
    const kept = () => before.get(field) ?? drawn(field);
    turns.set(field, (turns.get(field) ?? Promise.resolve()).then(() => valueOf(field) !== kept() && save(field, kept())));
  });

  /* ---------- keys r and n ---------- */
  document.addEventListener("keydown", (event) => {
    const form = $("form[data-composer]");
    if (!form || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || $("dialog[open]")) return;
    if (event.target.matches("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]")) return;
    const kind = { r: "reply", n: "note", s: "supplier" }[event.key];
    const radio = kind && $(`[name="kind"][value="${kind}"]`, form);
    if (!radio || radio.disabled) return;
    event.preventDefault();
    radio.checked = true;
    radio.dispatchEvent(new Event("change", { bubbles: true }));
    $("textarea", form)?.focus();
  });

  /* ---------- htmx: the token on every request; a sent composer is emptied ---------- */
  let sent = false;
  document.addEventListener("htmx:config:request", (event) => {
    event.detail.ctx.request.headers["X-CSRFToken"] = token();
  });
  document.addEventListener("htmx:after:request", (event) => {
    const form = event.target.closest?.("form[data-composer]");
    const status = event.detail?.ctx?.response?.status ?? 0;
    if (!form || status < 200 || status >= 300) return;
    sent = true;
  });

  /* ---------- whom the empty text speaks to ---------- */
  const address = (form) => {
    const field = $("#reply-body", form);
    if (!field) return;
    field.dataset.forReply ??= field.placeholder;
    const kind = $('[name="kind"]:checked', form)?.value;
    field.placeholder = { note: field.dataset.forNote, supplier: field.dataset.forSupplier }[kind] ?? field.dataset.forReply;
  };
  document.addEventListener("change", (event) => {
    if (event.target.name === "kind" && event.target.form?.matches("form[data-composer]")) address(event.target.form);
  });

  const start = () => {
    $$("[data-draft]:not([data-draft-url])").forEach(restore);
    $$("form[data-composer]").forEach(recall);
    $$("form[data-composer]").forEach(elsewhere);
    $$("form[data-composer]").forEach(address);
    toTheNewest();
    if (asked()) write($("#reply-body"));
  };
  /* The address leads to the text: what stands there is written on, and the thread opens as ever. */
  const asked = () => location.hash === "#reply-body";
  const write = (field) => {
    field?.focus();
    field?.setSelectionRange(field.value.length, field.value.length);
  };
  const toTheNewest = () => {
    const thread = $("#thread");
    if (thread && innerWidth > 860 && (!location.hash || asked())) thread.scrollTop = thread.scrollHeight;
  };
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
  document.addEventListener("htmx:after:swap", () => {
    $$("form[data-composer]").forEach(recall);
    $$("form[data-composer]").forEach(elsewhere);
    $$("form[data-composer]").forEach(address);
    if (sent) toTheNewest(); // what was just written stands at the end
    sent = false;
  });
})();
