/* Charts: numbers from a <script type="application/json">, colours from the tokens; drawn again when light and dark change. */
(() => {
  "use strict";
  const ROUND = ["accent-solid", "blue-solid", "amber-solid", "green-solid", "control", "line-strong"];
  const drawn = [];

  const reader = () => {
    const probe = document.createElement("i");
    document.body.append(probe);
    const colour = (name) => {
      probe.style.color = `var(--${name})`;
      return getComputedStyle(probe).color;
    };
    return { colour, done: () => probe.remove() };
  };

  const series = (one, numbers, colour) => {
    const round = numbers.type === "doughnut";
    const line = numbers.type === "line";
    return {
      label: one.label,
      data: one.data,
      backgroundColor: round ? ROUND.map(colour) : colour(one.color ?? "accent-solid"),
      borderColor: line ? colour(one.color ?? "accent-solid") : colour("surface"),
      borderWidth: line || round ? 2 : 0,
      borderDash: one.dash ? [4, 4] : undefined,
      pointRadius: numbers.labels.length === 1 ? 3 : 0,
      pointHitRadius: 12,
      tension: 0.3,
      borderRadius: 3,
      maxBarThickness: 18,
    };
  };

  const axes = (numbers) => {
    if (numbers.type === "doughnut") return {};
    const flat = Boolean(numbers.horizontal);
    const stacked = Boolean(numbers.stacked);
    const counted = { beginAtZero: true, ticks: { maxTicksLimit: 6, precision: 0 } };
    const named = { ticks: { maxRotation: 0, autoSkipPadding: 14 } };
    return {
      x: { stacked, grid: { display: flat }, border: { display: false }, ...(flat ? counted : named) },
      y: { stacked, grid: { display: !flat }, border: { display: false }, ...(flat ? { ticks: { autoSkip: false } } : counted) },
    };
  };

  const legend = (numbers) => {
    const round = numbers.type === "doughnut";
    const line = numbers.type === "line";
    return {
      display: round || numbers.sets.length > 1,
      position: round ? "right" : "top",
      align: round ? "center" : "end",
      labels: { boxWidth: line ? 18 : 8, boxHeight: line ? 0 : 8, borderRadius: 2 },
    };
  };

  const draw = () => {
    drawn.splice(0).forEach((chart) => chart.destroy());
    const { colour, done } = reader();
    Object.assign(Chart.defaults, { locale: document.documentElement.lang, color: colour("muted"), borderColor: colour("line"), animation: false, maintainAspectRatio: false });
    Object.assign(Chart.defaults.font, { family: "Inter, system-ui, sans-serif", size: 11 });
    for (const canvas of document.querySelectorAll("canvas[data-chart]")) {
      const numbers = JSON.parse(document.getElementById(canvas.dataset.chart).textContent);
      const axis = numbers.horizontal ? "y" : "x";
      drawn.push(
        new Chart(canvas, {
          type: numbers.type,
          data: { labels: numbers.labels, datasets: numbers.sets.map((one) => series(one, numbers, colour)) },
          options: { indexAxis: axis, interaction: { mode: "index", intersect: false, axis }, cutout: "68%", plugins: { legend: legend(numbers) }, scales: axes(numbers) },
        }),
      );
    }
    done();
  };

  document.fonts.ready.then(draw);
  document.addEventListener("themechange", draw);
  document.addEventListener("htmx:after:swap", draw);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
})();
