// Keeps the number on the bell true while a page stays open. Asks rarely, and not at all while nobody looks.
// X-Background: the question of a page is nobody at work, so it keeps no session alive.
(() => {
  const EVERY = 30000
  const bells = document.querySelectorAll("[data-bell]")
  const show = (bell, count) => {
    const number = bell.querySelector("[data-bell-count]")
    number.textContent = count > 99 ? "99+" : String(count)
    number.hidden = count === 0
    bell.setAttribute("aria-label", count ? bell.dataset.some.replace("{n}", count) : bell.dataset.none)
  }
  const ask = async () => {
    if (document.hidden) return
    for (const bell of bells) {
      try {
        const response = await fetch(bell.dataset.bell, { headers: { Accept: "application/json", "X-Background": "1" } })
        if (response.redirected || response.status === 401) return location.reload() // signed out elsewhere: the page leads to the sign-in
        if (response.ok) {
          const told = await response.json()
          show(bell, told.count)
          document.dispatchEvent(new CustomEvent("desk:told", { detail: told })) // timer.js listens
        }
      } catch {
        // the desk is away: the next question may reach it
      }
    }
  }
  if (!bells.length) return
  // Whoever opens a ticket has read what was told of it.
  const opened = document.querySelector("[data-read-ticket]")
  if (opened) {
    const token = document.querySelector('meta[name="csrf-token"]')?.content ?? ""
    const body = new URLSearchParams({ csrf_token: token, ticket: opened.dataset.readTicket })
    fetch(bells[0].dataset.read, { method: "POST", body, headers: { Accept: "application/json", "X-CSRFToken": token } })
      .then((response) => response.ok && response.json())
      .then((found) => found && bells.forEach((bell) => show(bell, found.count)))
      .catch(() => {})
  }
  ask()
  setInterval(ask, EVERY)
  document.addEventListener("visibilitychange", ask)
  document.addEventListener("desk:ask", ask)
})()
