/* A ticket's page while somebody writes: drafts kept on the desk, files on their way, completion, preview, who else is here.

   form[data-composer]         its field "mark" tells this copy from another; data-files: where a file is sent to
   data-draft-url="URL"        on the textarea: the form is kept there within seconds of typing, when one leaves the field and when one
                               leaves the page; while the desk does not answer, in this browser (under data-draft)
   data-canned-url, data-mention-url, data-people   /word and @word in the text, and addresses in a field, are completed from GET URL?q=…,
                               JSON {"items": [{"name", "title", "text"}]}
   data-canned                 a button that opens the canned responses
   data-attach                 the field for files; files may also be pasted into the text or dropped on the form
   data-preview, data-preview-toggle   where the text is shown as it will read, and the button for it
   data-here="URL"             says there every few seconds that the page is open, shows who else is, and brings what is new
   data-leaves-in="SECONDS"    counts down, then looks whether the reply has left */
(() => {
  "use strict";
  const QUIET_MS = 1200;
  const AGAIN_MS = 4000;
  const HERE_MS = 5000;
  const WRITES_MS = 8000;
  const $ = (selector, root = document) => root.querySelector(selector);
  const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
  const words = $("#words")?.dataset ?? {};
  const token = () => $('meta[name="csrf-token"]')?.content ?? "";
  const headers = () => ({ Accept: "application/json", "X-CSRFToken": token(), "X-Requested-With": "fetch" });
  const composer = () => $("form[data-composer]");
  const text = (form) => $("[data-draft-url]", form);
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
  let timer = 0;
  let first = 0;
  let busy = false;
  let sending = false;
  let typedAt = 0;
  const saved = new WeakMap();
  const key = (form) => `draft:${text(form).dataset.draft}`;
  const sign = (form, said) => {
    const place = $("[data-draft-sign]", form);
    if (place && place.textContent !== said) place.textContent = said;
  };
  const content = (form) => {
    const fields = new URLSearchParams();
    for (const [name, value] of new FormData(form)) if (typeof value === "string") fields.append(name, value);
    fields.set("then", $("[data-send]", form)?.value ?? form.dataset.then ?? "");
    return fields;
  };
  const print = (fields) => {
    const said = new URLSearchParams(fields);
    for (const name of ["csrf_token", "turn", "leaves_at", "asks_at", "then_later"]) said.delete(name);
    return said.toString();
  };
  const changed = (form) => print(content(form)) !== saved.get(form);
  const stamped = (fields) => {
    fields.set("turn", String(Date.now()));
    return fields;
  };
  const keepHere = (form) => {
    const mark = form.elements.mark.value;
    const origin = form.elements.origin.value.split(":")[0];
    if (text(form).value.trim()) keep.set(key(form), JSON.stringify({ text: text(form).value, mark, origin, at: Date.now() }));
    else keep.drop(key(form));
  };
  const soon = (form, wait = QUIET_MS) => {
    const now = Date.now();
    first ||= now;
    clearTimeout(timer);
    timer = setTimeout(() => save(form), Math.max(0, Math.min(wait, first + AGAIN_MS - now)));
  };
  const save = async (form) => {
    clearTimeout(timer);
    first = 0;
    if (sending || !form.isConnected || !changed(form)) return;
    if (busy) return soon(form);
    busy = true;
    const fields = stamped(content(form));
    const said = text(form).value;
    try {
      const answer = await fetch(text(form).dataset.draftUrl, { method: "POST", body: fields, headers: headers() });
      if (answer.status === 401 || answer.redirected) return sign(form, text(form).dataset.tHere);
      if (!answer.ok) throw new Error(String(answer.status));
      saved.set(form, print(fields));
      if (text(form).value === said) keep.drop(key(form));
      const kept = (await answer.json()).saved && said.trim();
      if (!changed(form)) sign(form, kept ? words.tDraft ?? "" : ""); // else what came meanwhile is not saved yet
    } catch {
      if (!sending) {
        sign(form, text(form).dataset.tHere);
        setTimeout(() => form.isConnected && save(form), AGAIN_MS);
      }
    } finally {
      busy = false;
    }
  };
  const leave = () => {
    const form = composer();
    if (!form || sending || !text(form) || !changed(form)) return;
    if (navigator.sendBeacon(text(form).dataset.draftUrl, stamped(content(form)))) saved.set(form, print(content(form)));
  };
  /* What this browser kept while the desk did not answer. Where another tab or device wrote later, its text stays and ours becomes another draft. */
  const restore = (form) => {
    let kept = null;
    try { kept = JSON.parse(keep.get(key(form)) ?? "null"); } catch { /* of an older version */ }
    saved.set(form, print(content(form)));
    if (!kept?.text) return;
    const mark = form.elements.mark.value;
    const shown = form.elements.origin.value.split(":")[0];
    const sent = keep.get(`sent:${text(form).dataset.draft}`) === kept.mark && kept.mark !== mark;
    if (sent || kept.text === text(form).value) return keep.drop(key(form));
    const later = kept.at > Number(text(form).dataset.draftAt || 0) * 1000;
    if (later || !text(form).value) {
      if (shown && ![kept.mark, kept.origin].includes(shown)) form.elements.origin.value = "";
      text(form).value = kept.text;
      sign(form, words.tRestored ?? "");
      save(form);
    } else {
      keep.drop(key(form));
      if (kept.mark === shown) return;
      const other = new URLSearchParams({ csrf_token: token(), mark: kept.mark, origin: "", body: kept.text, kind: "reply", turn: String(kept.at) });
      fetch(text(form).dataset.draftUrl, { method: "POST", body: other, headers: headers() }).catch(() => keep.set(key(form), JSON.stringify(kept)));
    }
  };
  document.addEventListener("input", (event) => {
    const form = event.target.form;
    if (!form?.matches?.("form[data-composer]") || !text(form)) return;
    if (event.target === text(form)) {
      typedAt = Date.now();
      keepHere(form);
      sign(form, "");
    }
    soon(form);
  });
  document.addEventListener("focusout", (event) => {
    const form = event.target.form;
    if (form?.matches?.("form[data-composer]") && text(form)) save(form);
  });
  addEventListener("pagehide", leave);
  document.addEventListener("visibilitychange", () => document.hidden && leave());
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.matches("form[data-composer]") || event.defaultPrevented || !text(form)) return;
    sending = true;
    clearTimeout(timer);
    keep.set(`sent:${text(form).dataset.draft}`, form.elements.mark.value);
  });

  /* ---------- files ---------- */
  let coming = 0;
  let after = null;
  const list = (form) => $("[data-sent-files]", form);
  const attach = (form, file) => {
    const bar = make("progress", { max: 100, value: 0 });
    bar.setAttribute("aria-label", file.name);
    const said = make("span", { className: "muted", role: "status", textContent: form.dataset.tSending });
    const row = make("li", {}, make("span", { className: "file" }, make("span", { className: "ellipsis", textContent: file.name }), said), bar);
    list(form).append(row);
    list(form).hidden = false;
    const fields = new FormData();
    for (const box of $$("[name=attachment_ids]:checked", form)) fields.append("attachment_ids", box.value);
    fields.append("file", file, file.name || "image.png");
    const request = new XMLHttpRequest();
    request.open("POST", form.dataset.files);
    for (const [name, value] of Object.entries(headers())) request.setRequestHeader(name, value);
    request.responseType = "json";
    request.upload.addEventListener("progress", (event) => { if (event.lengthComputable) bar.value = (100 * event.loaded) / event.total; });
    request.addEventListener("loadend", () => {
      coming -= 1;
      const kept = request.status === 200 ? request.response : null;
      if (kept?.id) arrived(form, row, kept);
      else failed(form, row, file, request.response?.error ?? request.response?.error?.message ?? form.dataset.tFailed);
      if (!coming && after) {
        const button = after;
        after = null;
        form.requestSubmit(button);
      }
    });
    coming += 1;
    request.send(fields);
  };
  const arrived = (form, row, kept) => {
    const box = make("input", { type: "checkbox", name: "attachment_ids", value: String(kept.id), checked: true });
    row.replaceChildren(make("label", { className: "file" }, box, make("span", { className: "ellipsis", textContent: kept.name }), " ", make("span", { className: "muted", textContent: kept.size })));
    sign(form, "");
    save(form);
  };
  const failed = (form, row, file, sentence) => {
    const again = make("button", { type: "button", className: "linkish", textContent: words.tAgain ?? "Try again" });
    const away = make("button", { type: "button", className: "linkish", textContent: form.dataset.tRemove });
    again.addEventListener("click", () => { row.remove(); attach(form, file); });
    away.addEventListener("click", () => row.remove());
    row.dataset.failed = "";
    row.replaceChildren(make("span", { className: "error", role: "alert", textContent: typeof sentence === "string" ? `${file.name}${words.tColon ?? ":"} ${sentence}` : form.dataset.tFailed }), again, away);
  };
  const bring = (form, files) => [...files].forEach((file) => attach(form, file));
  document.addEventListener("change", (event) => {
    if (!event.target.matches?.("[data-attach]")) return;
    const files = [...event.target.files];
    event.target.value = "";
    bring(event.target.form, files);
  });
  document.addEventListener("paste", (event) => {
    const form = event.target.form;
    if (!event.target.matches?.("[data-draft-url]") || !event.clipboardData?.files.length) return;
    event.preventDefault();
    bring(form, event.clipboardData.files);
  });
  for (const kind of ["dragover", "dragleave", "drop"]) {
    document.addEventListener(kind, (event) => {
      const form = event.target.closest?.("form[data-composer]");
      if (!form || !event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      form.classList.toggle("over", kind === "dragover");
      if (kind === "drop") bring(form, event.dataTransfer.files);
    });
  }
  /* Sent while a file is still on its way: it goes when the file is here. While one stands there that failed nothing goes, for it would be missing unnoticed. */
  const hold = (row) => {
    if (!$("[data-held]", row)) {
      const said = make("span", { className: "error", role: "alert", textContent: row.closest("form").dataset.tHeld });
      said.dataset.held = "";
      row.append(said);
    }
    $("button", row).focus();
  };
  document.addEventListener("submit", (event) => {
    const form = event.target;
    const lost = form.matches("form[data-composer]") && $("[data-failed]", form);
    if (!form.matches("form[data-composer]") || !(coming || lost)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    if (coming) after = event.submitter;
    else hold(lost);
  }, true);

  /* ---------- completion: /canned, @people, addresses ---------- */
  let box = null;
  let from = 0;
  let at = 0;
  let entries = [];
  let asked = 0;
  let offered = null;
  const close = (field) => {
    box?.remove();
    box = null;
    field?.removeAttribute("aria-activedescendant");
  };
  const mark = (field, index) => {
    at = (index + entries.length) % entries.length;
    $$("[role=option]", box).forEach((one, number) => one.setAttribute("aria-selected", number === at));
    const chosen = $$("[role=option]", box)[at];
    chosen?.scrollIntoView({ block: "nearest" });
    if (chosen) field.setAttribute("aria-activedescendant", chosen.id);
  };
  const insert = (field) => {
    const chosen = entries[at]?.text;
    const leads = entries[at]?.sheet;
    close(field);
    if (chosen === undefined) return;
    field.focus();
    field.setRangeText(chosen, from, field.selectionStart, "end");
    field.dispatchEvent(new Event("input", { bubbles: true }));
    close(field);
    asked++;
    if (leads) document.dispatchEvent(new CustomEvent("desk:sheet", { detail: leads }));
  };
  /* Who types on and presses Enter means what fits the whole word, not the list of an earlier letter that still stands. */
  const choose = async (field) => {
    let last;
    do await (last = offered);
    while (last !== offered);
    if (box) insert(field);
  };
  const offer = (field, source, query) => (offered = look(field, source, query));
  const look = async (field, source, query) => {
    const mine = ++asked;
    const address = `${source.url}${source.url.includes("?") ? "&" : "?"}q=${encodeURIComponent(query)}`;
    const answer = await fetch(address, { headers: { Accept: "application/json" } }).catch(() => null);
    const found = answer?.ok ? ((await answer.json()).items ?? []) : null;
    if (mine !== asked || !found) return;
    entries = found.map((entry) => ({ ...entry, text: source.inserted(entry.text) }));
    close(field);
    if (!entries.length) return;
    box = make("div", { className: "canned", role: "listbox", id: "completion", ariaLabel: source.label });
    entries.forEach((entry, number) => {
      const option = make("div", { role: "option", id: `completion-${number}` }, make("b", { textContent: `${source.sign}${entry.name}` }), make("span", { className: "muted ellipsis", textContent: entry.title }));
      option.addEventListener("mousedown", (event) => {
        event.preventDefault();
        at = entries.indexOf(entry);
        insert(field);
      });
      box.append(option);
    });
    field.after(box);
    mark(field, 0);
  };
  const canned = (field) => ({ url: field.dataset.cannedUrl, sign: "/", label: words.tCanned ?? "", inserted: (said) => said });
  const people = (field) => ({ url: field.dataset.mentionUrl, sign: "@", label: words.tPeople ?? "", inserted: (name) => `@${name} ` });
  const copies = (field) => ({ url: field.dataset.people, sign: "", label: words.tPeople ?? "", inserted: (address) => `${address}, ` });
  document.addEventListener("input", (event) => {
    const field = event.target;
    if (!field.dataset?.cannedUrl && !field.dataset?.people) return;
    const before = field.value.slice(0, field.selectionStart);
    const slash = field.dataset.cannedUrl && before.match(/(?:^|\s)\/(macro [^\n]{0,60}|[\w-]*)$/);
    const name = field.dataset.mentionUrl && before.match(/(?:^|[\s(])@([\w.-]{0,40})$/);
    const address = field.dataset.people && before.match(/(?:^|[,;]\s*)([^,;]+)$/);
    const word = slash || name || address;
    if (!word) {
      asked++;
      close(field);
      return;
    }
    from = field.selectionStart - word[1].length - (address ? 0 : 1);
    offer(field, (slash ? canned : name ? people : copies)(field), word[1]);
  });
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-canned]");
    const field = button && $("[data-canned-url]", button.closest("form"));
    if (!field) {
      if (box && !box.contains(event.target)) close();
      return;
    }
    field.focus();
    from = field.selectionStart;
    offer(field, canned(field), "");
  });
  document.addEventListener("keydown", (event) => {
    if (!box || !(event.target.dataset?.cannedUrl || event.target.dataset?.people)) return;
    const field = event.target;
    const does = { ArrowDown: () => mark(field, at + 1), ArrowUp: () => mark(field, at - 1), Enter: () => choose(field), Tab: () => choose(field), Escape: () => close(field) }[event.key];
    if (!does || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    event.stopPropagation();
    does();
  }, true);

  /* ---------- preview ---------- */
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-preview-toggle]");
    const form = button?.closest("form");
    if (!form) return;
    const place = $("[data-preview]", form);
    const show = place.hidden;
    if (show) {
      const answer = await fetch(place.dataset.preview, { method: "POST", body: new URLSearchParams({ body: text(form).value }), headers: { ...headers(), Accept: "text/html" } }).catch(() => null);
      if (!answer?.ok) return;
      place.innerHTML = await answer.text();
    }
    place.hidden = !show;
    text(form).hidden = show;
    button.setAttribute("aria-pressed", String(show));
    (show ? place : text(form)).focus();
  });

  /* ---------- who is here, what is new, what has left ---------- */
  const fresh = () => document.dispatchEvent(new CustomEvent("desk:saved"));
  const here = async () => {
    const sign = $("#ws-here");
    if (!sign || document.hidden) return;
    const fields = new URLSearchParams({ csrf_token: token() });
    if (Date.now() - typedAt < WRITES_MS) fields.set("writes", "1");
    try {
      const answer = await fetch(sign.dataset.here, { method: "POST", body: fields, headers: { ...headers(), "X-Background": "1" } });
      if (!answer.ok || answer.redirected) return;
      const said = await answer.json();
      if (sign.textContent !== said.sentence) sign.textContent = said.sentence;
      sign.classList.toggle("writes", said.writes);
      if (said.mark !== sign.dataset.mark) {
        sign.dataset.mark = said.mark;
        fresh();
      }
    } catch {
      sign.textContent = ""; // the desk is away: what it said last may be wrong by now
    }
  };
  const gone = () => {
    const sign = $("#ws-here");
    if (sign) navigator.sendBeacon(sign.dataset.here, new URLSearchParams({ csrf_token: token(), gone: "1" }));
  };
  addEventListener("pagehide", gone);
  document.addEventListener("visibilitychange", () => (document.hidden ? gone() : here()));
  setInterval(here, HERE_MS);
  const ends = new WeakMap();
  const count = () => {
    for (const badge of $$("[data-leaves-in]")) {
      if (!ends.has(badge)) ends.set(badge, performance.now() + Number(badge.dataset.leavesIn) * 1000);
      const left = Math.ceil((ends.get(badge) - performance.now()) / 1000);
      const said = left > 0 ? badge.dataset.words.replace("{n}", left) : badge.dataset.over;
      if (badge.textContent !== said) badge.textContent = said;
      if (left < 0 && left % 2 === 0) here();
    }
  };
  setInterval(count, 1000);

  /* ---------- a page or a new composer begins ---------- */
  document.addEventListener("htmx:after:request", (event) => {
    const form = event.target.closest?.("form[data-composer]");
    if (!form || !text(form)) return;
    sending = false;
    const status = event.detail?.ctx?.response?.status ?? 0;
    if (status >= 200 && status < 300) {
      keep.drop(key(form));
      saved.set(form, print(content(form)));
    }
  });
  const known = new WeakSet();
  const begin = () => {
    const form = composer();
    if (!form || known.has(form) || !text(form)) return;
    known.add(form);
    sending = false;
    restore(form);
    $("[data-look]", form)?.focus();
    here();
    count();
  };
  document.addEventListener("htmx:after:swap", begin);
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", begin);
  else begin();
})();
