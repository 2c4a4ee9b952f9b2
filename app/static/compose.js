/* Writing and changing a ticket: drafts, ways to send, canned responses, properties that save themselves. Delegated listeners only.

   form[data-composer]         one composer; radios name="kind" value reply | note; Ctrl+Enter presses its visible [data-primary]
   data-draft="KEY"            on a textarea: what is typed is kept in this browser under KEY and is there after a reload
   data-draft-version="N"      changes when the server took a message: then a kept text that was sent is dropped, else it returns
   data-draft-sign             where "Draft saved" is said
   data-send, data-send-choice the button that sends · the buttons of its menu; the last choice is remembered and becomes the button
                               (words and value), for the person in data-owner of the form
   data-autosave="URL"         on a select, input or checkbox: posts name=value when it changes; the answer is JSON, {"error": "…"}
                               with a 4xx puts the old value back and says the sentence; [data-saved] beside it shows the sign and Undo
   data-canned-url="URL"       on a textarea: /na opens a list from GET URL?q=na, JSON {"items": [{"name", "title", "text"}]}
   data-canned                 a button in the form that opens the same list
   #thread                     the conversation: opens at its end
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
    if (!field.dataset?.draft) return;
    if (field.value) keep.set(draftKey(field), field.value);
    else keep.drop(draftKey(field));
    sign(field, field.value ? words.tDraft ?? "" : "");
  });
  document.addEventListener("submit", (event) => {
    for (const field of $$("[data-draft]", event.target)) keep.set(sentKey(field), version(field));
  });

  /* ---------- ways to send ---------- */
  const choiceKey = (form) => `send:${form.dataset.owner ?? ""}`;
  const recall = (form) => {
    const button = $("[data-send]", form);
    const choice = $$("[data-send-choice]", form).find((one) => one.value === keep.get(choiceKey(form)));
    if (!button || !choice) return;
    button.value = choice.value;
    button.replaceChildren(...[...choice.childNodes].map((node) => node.cloneNode(true)));
  };
  document.addEventListener("submit", (event) => {
    if (event.submitter?.matches("[data-send-choice]")) keep.set(choiceKey(event.target), event.submitter.value);
  });

  /* ---------- properties that save themselves ---------- */
  const before = new WeakMap();
  const valueOf = (field) => (field.type === "checkbox" ? (field.checked ? "1" : "") : field.value);
  const put = (field, value) => {
    if (field.type === "checkbox") field.checked = value === "1";
    else field.value = value;
  };
  const place = (field) => $("[data-saved]", field.parentElement) ?? $("[data-saved]", field.closest("form, section") ?? document);
  const save = async (field, old) => {
    const value = valueOf(field);
    const said = place(field);
    said?.replaceChildren();
    field.setAttribute("aria-busy", "true");
    try {
      const body = new URLSearchParams({ [field.name]: value, csrf_token: token() });
      const answer = await fetch(field.dataset.autosave, { method: "POST", body, headers: { Accept: "application/json", "X-CSRFToken": token(), "X-Requested-With": "fetch" } });
      if (!answer.ok) throw new Error((await answer.json().catch(() => ({}))).error || words.tFailed);
      before.set(field, value);
      if (said) {
        const undo = make("button", { type: "button", className: "linkish", textContent: words.tUndo ?? "Undo" });
        undo.addEventListener("click", () => {
          put(field, old);
          save(field, value);
          field.focus();
        });
        said.append(make("span", { textContent: `${words.tSaved ?? "Saved"} ` }), undo);
        setTimeout(() => undo.parentElement === said && said.replaceChildren(), 8000);
      }
      document.dispatchEvent(new CustomEvent("desk:saved", { detail: { name: field.name, value } }));
    } catch (error) {
      put(field, old);
      said?.replaceChildren(make("span", { className: "bad", textContent: error.message }));
    } finally {
      field.removeAttribute("aria-busy");
    }
  };
  const drawn = (field) => {
    if (field.type === "checkbox") return field.defaultChecked ? "1" : "";
    if (field.options) return ([...field.options].find((option) => option.defaultSelected) ?? field.options[0])?.value ?? "";
    return field.defaultValue;
  };
  document.addEventListener("change", (event) => {
    const field = event.target;
    if (field.dataset?.autosave) save(field, before.get(field) ?? drawn(field));
  });

  /* ---------- canned responses ---------- */
  let box = null;
  let from = 0;
  let at = 0;
  let entries = [];
  let asked = 0;
  let coming = null;
  const close = () => {
    box?.remove();
    box = null;
  };
  const mark = (index) => {
    at = (index + entries.length) % entries.length;
    $$("[role=option]", box).forEach((one, number) => one.setAttribute("aria-selected", number === at));
    $$("[role=option]", box)[at]?.scrollIntoView({ block: "nearest" });
  };
  const insert = (field) => {
    const text = entries[at]?.text;
    close();
    if (text === undefined) return;
    field.focus();
    field.setRangeText(text, from, field.selectionStart, "end");
    field.dispatchEvent(new Event("input", { bubbles: true }));
  };
  /* Who types on and presses Enter means what fits the whole word, not the list of an earlier letter that still stands. */
  const choose = async (field) => {
    let last;
    do await (last = coming);
    while (last !== coming);
    if (box) insert(field);
  };
  const offer = (field, query) => (coming = look(field, query));
  const look = async (field, query) => {
    const mine = ++asked;
    const answer = await fetch(`${field.dataset.cannedUrl}?q=${encodeURIComponent(query)}`, { headers: { Accept: "application/json" } }).catch(() => null);
    const found = answer?.ok ? ((await answer.json()).items ?? []) : null;
    if (mine !== asked || !found) return;
    entries = found;
    close();
    if (!entries.length) return;
    box = make("div", { className: "canned", role: "listbox", ariaLabel: words.tCanned ?? "" });
    entries.forEach((entry) => {
      const option = make("div", { role: "option" }, make("b", { textContent: `/${entry.name}` }), make("span", { className: "muted ellipsis", textContent: entry.title }));
      option.addEventListener("mousedown", (event) => {
        event.preventDefault();
        at = entries.indexOf(entry);
        insert(field);
      });
      box.append(option);
    });
    field.after(box);
    mark(0);
  };
  document.addEventListener("input", (event) => {
    const field = event.target;
    if (!field.dataset?.cannedUrl) return;
    const word = field.value.slice(0, field.selectionStart).match(/(?:^|\s)\/([\w-]*)$/);
    if (!word) {
      asked++;
      close();
      return;
    }
    from = field.selectionStart - word[1].length - 1;
    offer(field, word[1]);
  });
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-canned]");
    const field = button && $("[data-canned-url]", button.form ?? button.closest("form"));
    if (!field) {
      if (box && !box.contains(event.target)) close();
      return;
    }
    field.focus();
    from = field.selectionStart;
    offer(field, "");
  });
  document.addEventListener(
    "keydown",
    (event) => {
      if (!box || !event.target.dataset?.cannedUrl) return;
      const key = { ArrowDown: () => mark(at + 1), ArrowUp: () => mark(at - 1), Enter: () => choose(event.target), Tab: () => choose(event.target), Escape: close }[event.key];
      if (!key || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      event.stopPropagation();
      key();
    },
    true,
  );

  /* ---------- keys r and n ---------- */
  document.addEventListener("keydown", (event) => {
    const form = $("form[data-composer]");
    if (!form || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || $("dialog[open]")) return;
    if (event.target.matches("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]")) return;
    const kind = { r: "reply", n: "note" }[event.key];
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
    for (const field of $$("[data-draft]", form)) {
      field.value = "";
      keep.drop(draftKey(field));
      keep.drop(sentKey(field));
      sign(field, "");
    }
  });

  const start = () => {
    $$("[data-draft]").forEach(restore);
    $$("form[data-composer]").forEach(recall);
    toTheNewest();
  };
  const toTheNewest = () => {
    const thread = $("#thread");
    if (thread && innerWidth > 860 && !location.hash) thread.scrollTop = thread.scrollHeight;
  };
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
  document.addEventListener("htmx:after:swap", () => {
    $$("form[data-composer]").forEach(recall);
    if (sent) toTheNewest(); // what was just written stands at the end
    sent = false;
  });
})();
