"use strict";
// Draws the two charts from the data in the page. Nothing is loaded.
(function () {
  const data = JSON.parse(document.getElementById("data").textContent);
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const css = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  // The colours of Okabe and Ito, which remain distinct with colour vision deficiencies.
  const palette = ["#0072b2", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8c6d31", "#7f7f7f", "#b15928"];
  let nextColour = 0;
  for (const run of data.runs) {
    run.isBound = run.kind === "oracle" || run.kind === "reactive";
    run.colour = () => run.kind === "dbscaler" ? css("--policy") : run.isBound ? css("--soft") : run.paletteColour;
    if (run.kind !== "dbscaler" && !run.isBound) run.paletteColour = palette[nextColour++ % palette.length];
    run.shown = run.shownInitially;
  }
  const times = data.demandVCPUs.map((_, n) => data.start + n * data.bucketSeconds);
  const formatTime = t => new Date(t * 1000).toISOString().slice(0, 16).replace("T", " ");
  const axis = options => Object.assign({ stroke: css("--soft"), grid: { stroke: css("--line"), width: 1 }, ticks: { stroke: css("--line") } }, options);

  function createTooltip(panel) {
    const tip = document.createElement("div");
    tip.className = "tip";
    tip.hidden = true;
    panel.appendChild(tip);
    return {
      show(u, left, top, title, text) {
        tip.replaceChildren();
        const b = document.createElement("b");
        b.textContent = title;
        tip.append(b, text);
        tip.hidden = false;
        const box = panel.getBoundingClientRect(), over = u.over.getBoundingClientRect();
        const x = over.left - box.left + left + 14;
        tip.style.left = Math.max(4, Math.min(x, box.width - tip.offsetWidth - 8)) + "px";
        tip.style.top = over.top - box.top + top + 14 + "px";
      },
      hide() { tip.hidden = true; },
    };
  }

  // The time chart.
  const panel = document.getElementById("time"), tip = createTooltip(panel);
  const marks = { "scale-up": "▲", "scale-down": "▼", "disruption": "✕", "blocked": "■" };
  const selectedRun = () => data.runs.find(r => r.id === document.getElementById("focus").value) || data.runs[0];
  const bucketOf = t => Math.max(0, Math.min(times.length - 1, Math.floor((t - data.start) / data.bucketSeconds)));
  let plot;

  function drawTime() {
    const width = panel.clientWidth - 26;
    const range = plot ? { min: plot.scales.x.min, max: plot.scales.x.max } : null;
    if (plot) plot.destroy();
    const stepped = uPlot.paths.stepped({ align: 1 });
    const series = [{ label: "time", value: (_, v) => v == null ? "" : formatTime(v) },
      { label: "demand", stroke: css("--ink"), width: 1, fill: css("--line") + "80", points: { show: false }, value: (_, v) => v == null ? "–" : v.toFixed(2) }];
    const columns = [times, data.demandVCPUs];
    for (const run of data.runs) {
      series.push({ label: run.name, show: run.shown, stroke: run.colour(), width: run.kind === "dbscaler" ? 2.5 : 1.5, dash: run.kind === "oracle" ? [6, 4] : run.isBound ? [2, 3] : [],
        paths: stepped, points: { show: false }, value: (_, v) => v == null ? "–" : v.toFixed(1) });
      columns.push(run.capacityVCPUs);
    }
    plot = new uPlot({
      width, height: 380, series, tzDate: ts => uPlot.tzDate(new Date(ts * 1000), "Etc/UTC"),
      axes: [axis({}), axis({ label: "vCPUs", stroke: css("--soft") })],
      scales: { y: { range: (_, min, max) => [0, Math.max(1, max * 1.08)] } },
      legend: { show: true, live: true, markers: { width: 3 } },
      hooks: {
        drawClear: [u => {
          const run = selectedRun(), ctx = u.ctx, top = u.bbox.top, height = u.bbox.height;
          ctx.save();
          ctx.beginPath();
          ctx.rect(u.bbox.left, top, u.bbox.width, height);
          ctx.clip();
          ctx.fillStyle = css("--bad");
          run.overloadedMinutes.forEach((minutes, n) => {
            if (!minutes) return;
            const left = u.valToPos(times[n], "x", true), right = u.valToPos(times[n] + data.bucketSeconds, "x", true);
            ctx.fillRect(left, top, Math.max(2, right - left), height);
          });
          ctx.restore();
        }],
        draw: [u => {
          const run = selectedRun(), ctx = u.ctx;
          ctx.save();
          ctx.beginPath();
          ctx.rect(u.bbox.left, u.bbox.top, u.bbox.width, u.bbox.height);
          ctx.clip();
          ctx.font = 10 * devicePixelRatio + "px system-ui, sans-serif";
          ctx.textAlign = "center";
          ctx.textBaseline = "middle";
          for (const e of run.events) {
            const x = u.valToPos(e.time, "x", true), y = u.valToPos(run.capacityVCPUs[bucketOf(e.time)] || 0, "y", true);
            ctx.fillStyle = e.kind === "disruption" ? "#cc0028" : run.colour();
            ctx.fillText(marks[e.kind] || "●", x, y);
          }
          ctx.restore();
        }],
        setCursor: [u => {
          const run = selectedRun(), left = u.cursor.left, top = u.cursor.top;
          let nearest = null, minDistance = 12; // pixels
          if (left >= 0) for (const e of run.events) {
            const dx = u.valToPos(e.time, "x") - left, dy = u.valToPos(run.capacityVCPUs[bucketOf(e.time)] || 0, "y") - top;
            const distance = Math.hypot(dx, dy);
            if (distance < minDistance) { minDistance = distance; nearest = e; }
          }
          if (nearest) tip.show(u, left, top, formatTime(nearest.time) + " UTC: " + run.name + ", " + nearest.kind, nearest.message);
          else tip.hide();
        }],
      },
    }, columns, document.getElementById("timeplot"));
    if (range && range.min != null) plot.setScale("x", range);
    plot.over.addEventListener("mouseleave", tip.hide);
  }

  const boxes = document.getElementById("boxes"), focus = document.getElementById("focus");
  data.runs.forEach((run, n) => {
    const label = document.createElement("label"), box = document.createElement("input"), swatch = document.createElement("span");
    box.type = "checkbox";
    box.checked = run.shown;
    box.dataset.run = run.id;
    box.addEventListener("change", () => { run.shown = box.checked; plot.setSeries(n + 2, { show: run.shown }); });
    swatch.className = "swatch";
    swatch.style.borderTopColor = run.colour();
    label.append(box, swatch, run.name);
    boxes.append(label);
    const option = document.createElement("option");
    option.value = run.id;
    option.textContent = run.name;
    focus.append(option);
  });
  focus.addEventListener("change", () => plot.redraw());
  document.getElementById("reset").addEventListener("click", () => plot.setScale("x", { min: times[0], max: times[times.length - 1] + data.bucketSeconds }));

  // Cost against overload. The y axis is log10(1 + minutes), so that zero has a place on it.
  const scatterPanel = document.getElementById("scatter"), scatterTip = createTooltip(scatterPanel);
  let scatter;

  function drawScatter() {
    const runs = data.runs.slice().sort((a, b) => a.cost - b.cost);
    const width = scatterPanel.clientWidth - 26;
    if (scatter) scatter.destroy();
    const xs = runs.map(r => Math.log10(Math.max(r.cost, 1e-3))), ys = runs.map(r => Math.log10(1 + r.totalOverloadedMinutes));
    const maxY = Math.max(1, ...ys), maxX = Math.max(...xs), minX = Math.min(...xs), span = Math.max(maxX - minX, .3);
    const costTicks = [];
    for (let e = Math.floor(minX) - 1; e <= maxX + 1; e++) for (const m of [1, 2, 5]) costTicks.push(Math.log10(m) + e);
    scatter = new uPlot({
      width, height: 360, legend: { show: false }, cursor: { drag: { x: false, y: false }, points: { show: false } },
      scales: { x: { time: false, range: [minX - .06 * span, maxX + .25 * span] }, y: { range: [-.15, maxY * 1.1] } },
      axes: [axis({ label: data.costUnit, splits: (_, i, min, max) => costTicks.filter(v => v >= min && v <= max),
        values: (_, all) => all.map(v => Number(Math.pow(10, v).toPrecision(3)).toLocaleString("en")) }),
        axis({ label: "overloaded minutes", splits: () => [0, 1, 10, 100, 1000, 10000, 100000].map(v => Math.log10(1 + v)).filter(v => v <= maxY * 1.1),
          values: (_, all) => all.map(v => Math.round(Math.pow(10, v) - 1).toLocaleString("en")) })],
      series: [{}, { stroke: css("--soft"), paths: () => null, points: { show: false } }],
      hooks: {
        draw: [u => {
          const ctx = u.ctx, size = devicePixelRatio;
          ctx.save();
          ctx.font = 12 * size + "px system-ui, sans-serif";
          ctx.textBaseline = "middle";
          ctx.textAlign = "left";
          const labels = []; // positions, so that no label covers another
          runs.forEach((run, n) => {
            const x = u.valToPos(xs[n], "x", true), y = u.valToPos(ys[n], "y", true), r = (run.kind === "dbscaler" ? 8 : 5) * size;
            ctx.fillStyle = ctx.strokeStyle = run.colour();
            ctx.beginPath();
            ctx.arc(x, y, r, 0, 2 * Math.PI);
            if (run.isBound) { ctx.lineWidth = 2 * size; ctx.stroke(); } else ctx.fill();
            let labelY = y;
            while (labels.some(l => Math.abs(l.y - labelY) < 14 * size && Math.abs(l.x - x) < 170 * size)) labelY -= 14 * size;
            labels.push({ x, y: labelY });
            ctx.fillStyle = css("--ink");
            ctx.fillText(run.name, x + r + 4 * size, labelY);
          });
          ctx.restore();
        }],
        setCursor: [u => {
          let nearest = -1, minDistance = 16; // pixels
          if (u.cursor.left >= 0) runs.forEach((_, n) => {
            const distance = Math.hypot(u.valToPos(xs[n], "x") - u.cursor.left, u.valToPos(ys[n], "y") - u.cursor.top);
            if (distance < minDistance) { minDistance = distance; nearest = n; }
          });
          if (nearest >= 0) scatterTip.show(u, u.cursor.left, u.cursor.top, runs[nearest].name, runs[nearest].summary);
          else scatterTip.hide();
        }],
      },
    }, [xs, ys], document.getElementById("scatterplot"));
    scatter.over.addEventListener("mouseleave", scatterTip.hide);
  }

  function drawAll() {
    drawTime();
    drawScatter();
    document.querySelectorAll("#boxes .swatch").forEach((s, n) => { s.style.borderTopColor = data.runs[n].colour(); });
  }
  drawAll();
  dark.addEventListener("change", drawAll);
  let pendingFrame;
  window.addEventListener("resize", () => { cancelAnimationFrame(pendingFrame); pendingFrame = requestAnimationFrame(drawAll); });
})();
