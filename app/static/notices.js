// The table of notices: "default" shows what that is, another choice leaves it, and one mail is enough.
(() => {
  const of = (row, name) => row.querySelector(`[name$=".${name}"]`)
  document.addEventListener("change", ({ target }) => {
    const row = target.closest("[data-wishes] tr")
    if (!row || !target.name) return
    const name = target.name.split(".").pop()
    if (name === "default") {
      if (target.checked) for (const box of row.querySelectorAll("[data-usual]")) box.checked = box.dataset.usual === "1"
      return
    }
    of(row, "default").checked = false
    const other = name === "mail" ? of(row, "digest") : name === "digest" ? of(row, "mail") : null
    if (other && target.checked) other.checked = false
  })
})()
