/* The customers' pages: small comforts; every page works without this file. Words come from the page (data-t-…), so they are translated.

   data-upload="URL"            around a file input: each file goes up at once, with progress, and may be dropped here; the form then
                                carries name_id fields (JSON {"id": …} is the answer) and waits for what is still going up
   data-draft, data-draft-version   as in compose.js: a text not yet sent survives a reload and a failed send
   data-show="ID"               a button that shows the password in that field
   [name=theme] in the footer   switches at once, by the same cookie the server sets */
(() => {
  "use strict";
  const $ = (selector, root = document) => root.querySelector(selector);
  const make = (name, props) => Object.assign(document.createElement(name), props);
  // As the server writes it (core.web.filesize), in the reader's language.
  const size = (bytes, words) => {
    const small = bytes < 1024 ** 2;
    const count = small ? Math.max(1, Math.round(bytes / 1024)) : bytes / 1024 ** 2;
    return `${count.toLocaleString(document.documentElement.lang, { maximumFractionDigits: small ? 0 : 1 })} ${small ? words.tKb : words.tMb}`;
  };

  /* ---------- files ---------- */
  const busy = (form, by) => {
    form.busy = (form.busy || 0) + by;
    if (form.busy || !form.waiting) return;
    form.waiting = false;
    form.requestSubmit(form.by);
  };

  const send = (box, file) => {
    const words = box.dataset;
    const form = box.closest("form");
    const input = $("[type=file]", box);
    const status = $("[role=status]", box);
    const label = make("span", { textContent: `${file.name} · ${size(file.size, words)}` });
    const bar = make("progress", { max: 100, value: 0, ariaLabel: file.name });
    const drop = make("button", { type: "button", className: "linkish", textContent: words.tRemove, ariaLabel: `${words.tRemove}${words.tColon} ${file.name}` });
    const entry = make("li", {});
    entry.append(label, drop);
    $(".ups", box).append(entry);
    const request = new XMLHttpRequest();
    // Files go up side by side: a word on one must not wipe out the word on another before it was read aloud.
    const say = (sentence) => {
      const said = make("div", { textContent: `${file.name}${words.tColon} ${sentence}` });
      status.append(said);
      return said.textContent;
    };
    const fail = (sentence) => {
      bar.remove();
      entry.classList.add("bad");
      label.textContent = say(sentence);
    };
    drop.onclick = () => {
      request.abort();
      entry.remove();
      input.focus();
    };
    if (file.size > words.max * 1e6) return fail(words.tBig);
    entry.append(bar);
    const body = new FormData();
    body.append("file", file);
    request.open("POST", words.upload);
    request.setRequestHeader("X-CSRFToken", $("[name=csrf_token]", form).value);
    request.setRequestHeader("Accept", "application/json");
    request.upload.onprogress = (event) => (bar.value = (event.loaded / event.total) * 100);
    request.onloadend = () => busy(form, -1);
    request.onerror = () => fail(words.tFail);
    request.onload = () => {
      if (request.status === 429) return fail(JSON.parse(request.response).error.message);
      if (request.status >= 300) return fail(request.status === 413 ? words.tBig : words.tFail);
      bar.value = 100;
      entry.append(make("input", { type: "hidden", name: `${input.name}_id`, value: JSON.parse(request.response).id }));
      say(words.tDone);
    };
    busy(form, 1);
    request.send(body);
  };

  document.addEventListener("change", (event) => {
    const box = event.target.closest("[data-upload]");
    if (!box || event.target.type !== "file") return;
    for (const file of [...event.target.files]) send(box, file);
    event.target.value = "";
  });
  for (const kind of ["dragover", "dragleave", "drop"]) {
    document.addEventListener(kind, (event) => {
      const box = event.target.closest?.("[data-upload]");
      if (!box) return;
      event.preventDefault();
      box.classList.toggle("over", kind === "dragover");
      if (kind === "drop") for (const file of event.dataTransfer.files) send(box, file);
    });
  }
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.busy) return;
    event.preventDefault();
    form.waiting = true;
    form.by = event.submitter;
    const box = $("[data-upload]", form);
    $(".hint", box).textContent = $("[role=status]", box).textContent = box.dataset.tWait;
  });

  /* ---------- drafts ---------- */
  for (const field of document.querySelectorAll("[data-draft]")) {
    const key = `draft:${field.dataset.draft}`;
    const sent = `sent:${field.dataset.draft}`;
    const version = field.dataset.draftVersion ?? "";
    if (localStorage[sent] !== undefined) {
      if (localStorage[sent] !== version || !version) delete localStorage[key];
      delete localStorage[sent];
    }
    field.value ||= localStorage[key] || "";
    field.addEventListener("input", () => (localStorage[key] = field.value));
    field.form.addEventListener("submit", (event) => event.defaultPrevented || (localStorage[sent] = version));
  }

  /* ---------- account menu, passwords, theme ---------- */
  document.addEventListener("click", (event) => {
    for (const menu of document.querySelectorAll("details.account[open]")) if (!menu.contains(event.target)) menu.open = false;
    const eye = event.target.closest("[data-show]");
    if (eye) {
      const field = document.getElementById(eye.dataset.show);
      const hidden = field.type === "password";
      field.type = hidden ? "text" : "password";
      eye.setAttribute("aria-pressed", hidden);
    }
    const theme = event.target.closest(".switch [name=theme]");
    if (theme) {
      event.preventDefault();
      if (theme.value === "auto") delete document.documentElement.dataset.theme;
      else document.documentElement.dataset.theme = theme.value;
      document.cookie = `theme=${theme.value}; path=/; max-age=${theme.value === "auto" ? 0 : 31536000}; SameSite=Lax`;
      for (const one of theme.parentElement.children) one.setAttribute("aria-pressed", one === theme);
    }
  });
  document.addEventListener("keydown", (event) => {
    const menu = $("details.account[open]");
    if (event.key === "Escape" && menu) {
      menu.open = false;
      $("summary", menu).focus();
    }
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && event.target.form) event.target.form.requestSubmit();
  });
})();
