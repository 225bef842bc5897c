// The day of a database as a drawing: a lane of what happened, and for each pool the demand and capacity in vCPUs and the CPU in percent,
// one below the other with the same time axis. A time without data is drawn as a gap with the words "no data".
import {el, formatClock, formatPercent, formatVCPUs, known, poolNoun, setText, show, svg} from "./dom.js";

const margin = {left: 58, right: 12};
const laneHeight = 22, lanes = ["Operation", "Blocked", "Decision"];
const laneNames = {Operation: "changed", Blocked: "blocked", Decision: "decided"};
const ranges = [[3, "3 h"], [6, "6 h"], [12, "12 h"], [24, "24 h"]];
// tolerance is by how much the data may be longer than the range that is chosen for it.
const tolerance = 1.2;
const ms = time => Date.parse(time);

export class DayChart {
	constructor() {
		this.hours = 0; // 0 chooses the shortest range that has all data
		this.day = null;
		this.buttons = ranges.map(([hours, text]) => el("button", {type: "button", "aria-pressed": "false",
			click: () => { this.hours = hours; this.draw(); }}, text));
		this.drawing = el("div", {class: "drawing"});
		this.tip = el("div", {class: "tip", role: "tooltip", id: "tip", hidden: true});
		this.table = el("details", {class: "data"});
		this.root = el("div", {}, el("div", {class: "day-head"}, el("h2", {id: "day-title"}, "Its day"),
			el("div", {class: "ranges", role: "group", "aria-label": "Time shown"}, this.buttons)),
		el("div", {class: "canvas"}, this.drawing, this.tip), this.table);
		this.width = 0;
		new ResizeObserver(() => {
			const width = Math.floor(this.drawing.clientWidth);
			if (width > 0 && width !== this.width) {
				this.width = width;
				this.draw();
			}
		}).observe(this.drawing);
		this.root.addEventListener("keydown", event => { if (event.key === "Escape") this.hideTip(); });
	}

	render(day) {
		this.day = day;
		this.draw();
	}

	// range is the time that is shown.
	range() {
		const to = ms(this.day.to);
		let hours = this.hours;
		if (!hours) {
			const first = Math.min(to - 36e5, ...(this.day.pools || []).flatMap(p => [...(p.points || []).map(q => ms(q.time)),
				...(p.capacity || []).map(c => Math.max(ms(c.from), ms(this.day.from)))]));
			hours = (ranges.find(([h]) => first >= to - h * 36e5 * tolerance) || [24])[0];
		}
		ranges.forEach(([h], n) => this.buttons[n].setAttribute("aria-pressed", String(h === hours)));
		return {from: to - hours * 36e5, to, hours};
	}

	draw() {
		if (!this.day || !this.width) return;
		const focused = this.drawing.contains(document.activeElement) ? document.activeElement.dataset.key : null;
		const r = this.range();
		const x = t => margin.left + (Math.min(Math.max(t, r.from), r.to) - r.from) / (r.to - r.from) * (this.width - margin.left - margin.right);
		const parts = [this.drawLanes(r, x)];
		for (const pool of this.day.pools || []) {
			parts.push(el("h3", {}, this.poolTitle(pool), this.legend(pool)), this.drawDemand(pool, r, x), this.drawCPU(pool, r, x));
		}
		this.drawing.replaceChildren(...parts);
		this.drawTable();
		if (focused) for (const mark of this.drawing.querySelectorAll(".mark")) if (mark.dataset.key === focused) mark.focus();
	}

	poolTitle(pool) {
		const noun = poolNoun(pool.name);
		return noun.charAt(0).toUpperCase() + noun.slice(1);
	}

	legend(pool) {
		const item = (kind, text) => el("span", {class: "item"}, el("span", {class: `swatch ${kind}`, "aria-hidden": "true"}), text);
		return el("span", {class: "legend"}, item("demand", "demand"), item("capacity", "capacity"), item("cpu", "CPU"),
			(pool.instances || []).length > 0 ? item("instance", "CPU of an instance") : null,
			pool.thresholds ? item("up", `up at ${pool.thresholds.scaleUpPercent}%`) : null,
			pool.thresholds ? item("down", `down below ${pool.thresholds.scaleDownPercent}%`) : null,
			known(pool.maximumVCPUs) ? el("span", {class: "item"}, `the policy allows ${formatVCPUs(pool.maximumVCPUs)} vCPU`) : null);
	}

	// drawLanes draws the marks. One of them is in the tab order; the arrow keys lead to the others.
	drawLanes(r, x) {
		const marks = (this.day.marks || []).filter(m => (m.end ? ms(m.end) : r.to) >= r.from);
		const height = lanes.length * laneHeight + 20;
		const root = svg("svg", {class: "lanes", width: this.width, height, role: "group",
			"aria-label": `What happened: ${marks.length} marks. The arrow keys lead from one to the next.`});
		lanes.forEach((lane, n) => root.append(
			svg("text", {class: "label", x: 0, y: n * laneHeight + 15}, laneNames[lane]),
			svg("line", {class: "grid", x1: margin.left, x2: this.width - margin.right, y1: (n + 1) * laneHeight, y2: (n + 1) * laneHeight})));
		this.drawTimes(root, r, x, height - 4);
		const nodes = marks.map(m => this.drawMark(m, r, x));
		nodes.forEach((node, n) => {
			node.setAttribute("tabindex", n === nodes.length - 1 ? "0" : "-1");
			node.addEventListener("keydown", event => {
				const next = {ArrowRight: n + 1, ArrowDown: n + 1, ArrowLeft: n - 1, ArrowUp: n - 1, Home: 0, End: nodes.length - 1}[event.key];
				if (next === undefined || !nodes[next]) return;
				event.preventDefault();
				nodes.forEach(other => other.setAttribute("tabindex", "-1"));
				nodes[next].setAttribute("tabindex", "0");
				nodes[next].focus();
			});
		});
		root.append(...nodes);
		return root;
	}

	drawMark(m, r, x) {
		const lane = m.kind === "Event" ? "Decision" : m.kind, y = lanes.indexOf(lane) * laneHeight;
		const from = x(ms(m.time)), to = m.end ? x(ms(m.end)) : x(r.to), middle = y + laneHeight / 2;
		const node = svg("g", {class: `mark ${m.kind.toLowerCase()} ${(m.outcome || "").toLowerCase()} ${m.emergency || m.warning ? "warning" : ""}`,
			role: "img", "aria-label": markText(m).join(". "), "aria-describedby": null});
		node.dataset.key = `${m.kind} ${m.time} ${m.title}`;
		node.append(svg("rect", {class: "touch", x: from - 8, y, width: Math.max(to - from, 0) + 16, height: laneHeight}));
		if (lane === "Decision") {
			node.append(svg("path", {class: "shape", d: `M${from} ${middle - 6}l6 6l-6 6l-6 -6z`}));
		} else {
			node.append(svg("rect", {class: "shape", x: from - 2, y: y + 4, width: Math.max(to - from, 0) + 4, height: laneHeight - 8, rx: 3}));
		}
		const showTip = () => this.showTip(node, markText(m), (from + Math.min(to, this.width - margin.right)) / 2, y + laneHeight + 4);
		node.addEventListener("mouseenter", showTip);
		node.addEventListener("focus", showTip);
		node.addEventListener("mouseleave", () => this.hideTip());
		node.addEventListener("blur", () => this.hideTip());
		return node;
	}

	drawTimes(root, r, x, y, withText = true) {
		const step = 36e5 * (this.width < 560 ? {3: 1, 6: 2, 12: 3, 24: 6}[r.hours] : {3: 0.5, 6: 1, 12: 2, 24: 3}[r.hours]);
		for (let t = Math.ceil(r.from / step) * step; t <= r.to; t += step) {
			root.append(svg("line", {class: "grid", x1: x(t), x2: x(t), y1: 0, y2: y - 12}));
			if (withText) {
				root.append(svg("text", {class: "label", x: Math.min(x(t), this.width - 22), y, "text-anchor": "middle"}, formatClock(t).slice(0, 5)));
			}
		}
	}

	// drawDemand draws demand and capacity in vCPUs.
	drawDemand(pool, r, x) {
		const height = 150, points = (pool.points || []).filter(p => ms(p.time) + p.seconds * 1000 > r.from);
		const spans = (pool.capacity || []).filter(c => ms(c.to) > r.from);
		const highest = Math.max(1, ...spans.map(c => c.vcpus), ...points.map(p => p.demandVCPUs || 0)) * 1.08;
		const {root, y} = this.frame(pool, r, x, height, highest, niceTicks(highest), "vCPU", "demand and capacity in vCPUs");
		this.drawGaps(root, points.filter(p => known(p.demandVCPUs)), r, x, y(highest), y(0));
		for (const path of runs(points, p => p.demandVCPUs)) {
			const line = path.map(p => `${x(p.from)} ${y(p.value)}L${x(p.to)} ${y(p.value)}`).join("L");
			root.append(svg("path", {class: "demand-area", d: `M${x(path[0].from)} ${y(0)}L${line}L${x(path[path.length - 1].to)} ${y(0)}z`}),
				svg("path", {class: "demand", d: `M${line}`}));
		}
		for (const p of points) {
			if (p.saturated) root.append(svg("circle", {class: "saturated", cx: x(ms(p.time) + 3e4), cy: y(p.demandVCPUs), r: 2.5}));
		}
		for (const c of spans) {
			root.append(svg("path", {class: "capacity", d: `M${x(ms(c.from))} ${y(c.vcpus)}L${x(ms(c.to))} ${y(c.vcpus)}`}));
		}
		return root;
	}

	// drawCPU draws the CPU against the thresholds.
	drawCPU(pool, r, x) {
		const points = (pool.points || []).filter(p => ms(p.time) + p.seconds * 1000 > r.from);
		const {root, y} = this.frame(pool, r, x, 110, 105, [0, 50, 100], "%", "CPU in percent");
		const samples = (pool.instances || []).flatMap(i => instancePoints(i));
		this.drawGaps(root, [...points.filter(p => known(p.cpuPercent)), ...samples.filter(p => known(p.cpuPercent))]
			.sort((a, b) => ms(a.time) - ms(b.time)), r, x, y(105), y(0));
		if (pool.thresholds) {
			for (const [kind, percent] of [["up", pool.thresholds.scaleUpPercent], ["down", pool.thresholds.scaleDownPercent]]) {
				root.append(svg("path", {class: kind, d: `M${margin.left} ${y(percent)}L${this.width - margin.right} ${y(percent)}`}));
			}
		}
		const line = (all, kind) => {
			for (const path of runs(all, p => p.cpuPercent)) {
				root.append(svg("path", {class: kind, d: "M" + path.map(p => `${x((p.from + p.to) / 2)} ${y(Math.min(p.value, 100))}`).join("L")
					+ (path.length === 1 ? "h1" : "")}));
			}
		};
		for (const i of pool.instances || []) line(instancePoints(i).filter(p => ms(p.time) >= r.from), "instance");
		line(points, "cpu");
		return root;
	}

	// frame draws the axes of a chart, the times at which the pool was changed or blocked, and shows the figures of a time under the pointer.
	frame(pool, r, x, height, highest, ticks, unit, what) {
		const top = 6, bottom = 18;
		const y = v => top + (1 - v / highest) * (height - top - bottom);
		const root = svg("svg", {class: "plot", width: this.width, height, role: "img", "aria-label": `${this.poolTitle(pool)}: ${what}. ${summary(pool, r)}`});
		for (const m of this.day.marks || []) {
			if (m.pool !== pool.name || m.kind !== "Operation" && m.kind !== "Blocked") continue;
			const from = x(ms(m.time)), to = m.end ? x(ms(m.end)) : x(r.to);
			if (to > from) root.append(svg("rect", {class: `band ${m.kind.toLowerCase()}`, x: from, width: to - from, y: top, height: height - top - bottom}));
		}
		for (const v of ticks) {
			root.append(svg("line", {class: "grid", x1: margin.left, x2: this.width - margin.right, y1: y(v), y2: y(v)}),
				svg("text", {class: "label", x: margin.left - 6, y: y(v) + 4, "text-anchor": "end"}, v === ticks[ticks.length - 1] ? `${v} ${unit}`.replace(" %", "%") : `${v}`));
		}
		this.drawTimes(root, r, x, height - 3);
		const cursor = svg("line", {class: "cursor", x1: -9, x2: -9, y1: top, y2: height - bottom});
		root.append(cursor);
		root.addEventListener("pointermove", event => {
			const at = event.clientX - root.getBoundingClientRect().left;
			const share = (at - margin.left) / (this.width - margin.left - margin.right);
			if (share < 0 || share > 1) return this.leave(cursor);
			cursor.setAttribute("x1", at);
			cursor.setAttribute("x2", at);
			const y = root.getBoundingClientRect().top - this.drawing.getBoundingClientRect().top + 8;
			this.showTip(null, figuresAt(pool, r.from + share * (r.to - r.from)), at, y, true);
		});
		root.addEventListener("pointerleave", () => this.leave(cursor));
		return {root, y};
	}

	leave(cursor) {
		cursor.setAttribute("x1", -9);
		cursor.setAttribute("x2", -9);
		this.hideTip();
	}

	// drawGaps marks the times without data.
	drawGaps(root, points, r, x, top, bottom) {
		let covered = r.from;
		const gaps = [];
		for (const p of points) {
			if (ms(p.time) - covered > 6e4) gaps.push([covered, ms(p.time)]);
			covered = Math.max(covered, ms(p.time) + p.seconds * 1000);
		}
		if (r.to - covered > 4 * 6e4) gaps.push([covered, r.to]); // a sample is published within three minutes
		for (const [from, to] of gaps) {
			const width = x(to) - x(from);
			root.append(svg("rect", {class: "gap", x: x(from), y: top, width, height: bottom - top}));
			if (width > 52) root.append(svg("text", {class: "gap-text", x: x(from) + width / 2, y: (top + bottom) / 2 + 4, "text-anchor": "middle"}, "no data"));
		}
	}

	// showTip shows lines of text below a place of the drawing.
	showTip(node, lines, at, y, beside = false) {
		if (lines.length === 0) return this.hideTip();
		this.tip.replaceChildren(...lines.map((line, n) => el("p", {class: n === 0 ? "first" : null}, line)));
		show(this.tip, true);
		const width = this.tip.offsetWidth, room = this.drawing.clientWidth;
		let left = beside ? (at + 14 + width > room ? at - 14 - width : at + 14) : at - width / 2;
		left = Math.max(0, Math.min(left, room - width));
		this.tip.style.left = `${left}px`;
		this.tip.style.top = `${y}px`;
		if (node) node.setAttribute("aria-describedby", "tip");
	}

	hideTip() { show(this.tip, false); }

	// drawTable has the same figures as text, by quarters of an hour, for those who cannot see the drawing.
	drawTable() {
		if (!this.table.open && this.table.childElementCount > 0) return;
		const pools = this.day.pools || [], rows = [], to = ms(this.day.to);
		if (this.table.open) {
			for (let t = Math.floor(to / 9e5) * 9e5; t >= ms(this.day.from); t -= 9e5) {
				const cells = pools.flatMap(p => {
					const point = pointAt(p, t), capacity = capacityAt(p, t);
					return [formatVCPUs(point && point.demandVCPUs), formatVCPUs(capacity), formatPercent(point && point.cpuPercent)];
				});
				rows.push(el("tr", {}, el("th", {scope: "row"}, formatClock(t)), cells.map(c => el("td", {class: "figure"}, c))));
			}
		}
		const summary = this.table.querySelector("summary") || el("summary", {}, "The figures as a table");
		if (!this.table.onetime) {
			this.table.onetime = true;
			this.table.addEventListener("toggle", () => this.drawTable());
		}
		this.table.replaceChildren(summary, el("div", {class: "scroll"}, el("table", {},
			el("thead", {}, el("tr", {}, el("th", {scope: "col"}, "Time"), pools.flatMap(p => ["demand, vCPU", "capacity, vCPU", "CPU"]
				.map(t => el("th", {scope: "col", class: "figure"}, `${poolNoun(p.name)}: ${t}`))))), el("tbody", {}, rows))));
	}
}

// markText is the text of a mark, a line each: when, what, and why.
function markText(m) {
	const until = m.kind === "Operation" || m.kind === "Blocked" ? (m.end ? (m.end !== m.time ? `–${formatClock(m.end)}` : "") : " until now") : "";
	const kind = {Operation: "Operation", Blocked: "Blocked", Decision: "Decision", Event: "Event"}[m.kind];
	return [`${formatClock(m.time)}${until} ${kind}: ${m.title}`, m.text || ""].filter(t => t !== "");
}

function pointAt(pool, t) {
	return (pool.points || []).find(p => ms(p.time) <= t && t < ms(p.time) + p.seconds * 1000);
}

function capacityAt(pool, t) {
	const span = (pool.capacity || []).find(c => ms(c.from) <= t && t <= ms(c.to));
	return span ? span.vcpus : undefined;
}

// figuresAt is what is known about a pool at a time.
function figuresAt(pool, t) {
	const p = pointAt(pool, t), capacity = capacityAt(pool, t), lines = [formatClock(t)];
	if (p && known(p.demandVCPUs)) lines.push(`demand ${p.demandVCPUs.toFixed(2)} vCPU${p.seconds > 60 ? ", mean of 15 min" : ""}`);
	else lines.push("demand: no data");
	lines.push(known(capacity) ? `capacity ${formatVCPUs(capacity)} vCPU` : "capacity: changing, or no data");
	if (p && known(p.cpuPercent)) lines.push(`CPU ${formatPercent(p.cpuPercent)}${p.saturated ? ", an instance is saturated" : ""}`);
	for (const i of pool.instances || []) {
		const value = i.cpuPercent[Math.floor((t - ms(i.start)) / 6e4)];
		if (known(value)) lines.push(`${i.identifier} ${formatPercent(value)}`);
	}
	return lines;
}

// instancePoints are the samples of an instance as points.
function instancePoints(i) {
	const start = ms(i.start);
	return i.cpuPercent.map((v, n) => ({time: new Date(start + n * 6e4).toISOString(), seconds: 60, cpuPercent: v}));
}

// runs joins successive points with a value. A gap ends a run.
function runs(points, valueOf) {
	const out = [];
	let run = null;
	for (const p of points) {
		const value = valueOf(p), from = ms(p.time), to = from + p.seconds * 1000;
		if (!known(value)) { run = null; continue; }
		if (run === null || from - run[run.length - 1].to > 1000) out.push(run = []);
		run.push({from, to, value});
	}
	return out;
}

// niceTicks are two to five round values up to the highest.
function niceTicks(highest) {
	const step = [0.25, 0.5, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024].find(s => highest / s <= 4.5) || highest / 2;
	const out = [];
	for (let v = 0; v <= highest; v += step) out.push(Number(v.toFixed(2)));
	return out;
}

// summary says the newest figures, for those who cannot see the drawing.
function summary(pool, r) {
	const last = (pool.points || [])[(pool.points || []).length - 1], capacity = capacityAt(pool, r.to);
	if (!last) return "There is no data.";
	return `At ${formatClock(last.time)}: demand ${known(last.demandVCPUs) ? `${formatVCPUs(last.demandVCPUs)} vCPU` : "not known"}, capacity ${
		known(capacity) ? `${formatVCPUs(capacity)} vCPU` : "not known"}, CPU ${known(last.cpuPercent) ? formatPercent(last.cpuPercent) : "not known"}.`;
}
