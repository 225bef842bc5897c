// The page of a database: how it is and why, the operation as it goes, its day, its instances, and what is not known.
import {el, fetchJSON, formatAge, formatClock, formatDate, formatHeadroom, formatPercent, formatUSD, formatVCPUs, known, poolNoun, setText, show,
	stateBadge} from "./dom.js";
import {DayChart} from "./chart.js";

const severities = {
	Stalled: "critical", Limited: "critical", Blocked: "critical", NotReady: "warning", New: "warning", Changing: "busy", Pending: "busy",
	Paused: "paused", Steady: "fine",
};

// severity is that of the fleet page as far as one policy shows it.
function severity(policy) {
	const pools = policy.pools || [];
	if (pools.some(p => p.scaled && p.load && p.load.headroomMinutes === 0)) return "critical";
	if (policy.operation && policy.operation.overdue) return "warning";
	return severities[policy.state] || "fine";
}

export class DatabasePage {
	constructor(namespace, name) {
		this.path = `/api/policies/${encodeURIComponent(namespace)}/${encodeURIComponent(name)}`;
		this.shown = {};
		this.title = el("h1", {}, el("span", {class: "namespace"}, `${namespace}/`), name);
		this.target = el("p", {class: "target"});
		this.verdict = el("section", {class: "verdict", "aria-label": "State"});
		this.figures = el("ul", {class: "figures", "aria-label": "Figures of now"});
		this.operation = el("section", {class: "panel", "aria-labelledby": "operation-title", hidden: true});
		this.chart = new DayChart();
		this.day = el("section", {class: "panel day", "aria-labelledby": "day-title"}, this.chart.root);
		this.instances = el("section", {class: "panel", "aria-labelledby": "instances-title", hidden: true});
		this.happened = el("section", {class: "panel", "aria-labelledby": "happened-title"});
		this.unknown = el("section", {class: "panel", "aria-labelledby": "unknown-title", hidden: true});
		this.root = el("div", {class: "database-page"}, el("p", {class: "back"}, el("a", {href: "#/"}, "← All databases")),
			this.title, this.target, this.verdict, this.figures, this.operation, this.day, this.instances, this.happened, this.unknown);
	}

	async refresh() {
		const [policy, day] = await Promise.all([fetchJSON(this.path), fetchJSON(`${this.path}/day`)]);
		const p = policy.policies[0];
		this.renderTarget(p.target, p.mode);
		this.once("verdict", [p.state, p.summary, p.decision, p.problems, p.manualControls], () => this.renderVerdict(p));
		this.once("figures", [p.pools, p.cost], () => this.renderFigures(p));
		this.once("operation", p.operation, () => this.renderOperation(p.operation));
		this.once("instances", p.pools, () => this.renderInstances(p));
		this.once("day", day, () => this.chart.render(day));
		this.once("happened", day.marks, () => this.renderHappened(day.marks || []));
		this.once("unknown", day.unknown, () => this.renderUnknown(day.unknown || []));
	}

	// once draws a part of the page again only when its data has changed, so that the focus and the selection of a text stay.
	once(part, data, draw) {
		const key = JSON.stringify(data) || "";
		if (this.shown[part] === key) return;
		this.shown[part] = key;
		draw();
	}

	renderTarget(t, mode) {
		setText(this.target, [`${t.kind} ${t.identifier} in ${t.region}`, t.account ? `account ${t.account}` : "",
			`${t.engine || ""} ${t.engineVersion || ""}`.trim(), t.capacityRange || "", `mode ${mode}`].filter(x => x !== "").join(", "));
	}

	renderVerdict(p) {
		const d = p.decision, level = severity(p), blocks = (d && d.blockedBy) || [];
		const lines = [el("p", {class: "summary"}, stateBadge(p.state, level), " ", p.summary)];
		if (blocks.length > 0) {
			lines.push(el("p", {}, el("strong", {}, "What lifts it: "),
				blocks.map(b => `${b.guard}: ${b.remedy || "see kubectl dbscaler explain"}`).join("; ")));
		}
		if (d && d.cause && !p.operation && !p.summary.includes(d.cause)) lines.push(el("p", {}, el("strong", {}, "Cause: "), d.cause));
		if (d && p.operation && d.message) lines.push(el("p", {}, el("strong", {}, "Now: "), d.message));
		for (const m of p.manualControls || []) {
			lines.push(el("p", {}, el("strong", {}, `${m.kind}: `), [m.text, m.requestedBy ? `by ${m.requestedBy}` : "", m.reason || ""]
				.filter(x => x !== "").join(", ")));
		}
		for (const c of p.problems || []) {
			if (p.summary.includes(c.message || "") || d && d.message === c.message) continue;
			if (c.type === "Paused" && p.state === "Paused" && (p.manualControls || []).some(m => m.kind === "Pause")) continue; // said above
			lines.push(el("p", {}, el("strong", {}, `${c.type}: `), c.message || c.reason));
		}
		const command = `kubectl dbscaler explain ${p.name} -n ${p.namespace}`;
		lines.push(el("p", {class: "more"}, "Why, and why not something else: ", el("code", {}, command)));
		if (p.state !== "Paused") {
			lines.push(el("p", {class: "more"}, "Hold it back: ", el("code", {}, `kubectl dbscaler pause ${p.name} -n ${p.namespace}`)));
		}
		this.verdict.className = `verdict ${level}`;
		this.verdict.replaceChildren(...lines);
		setText(document.getElementById("announce"), `${p.state}: ${p.summary}`);
	}

	renderFigures(p) {
		const items = (p.pools || []).map(pool => {
			const load = pool.load || {}, t = pool.thresholds;
			// While a pool changes its load is not known, but that of its instances is.
			const busiest = Math.max(-1, ...(pool.instances || []).filter(i => known(i.cpuPercent)).map(i => i.cpuPercent));
			const isOfPool = known(load.utilizationPercent), percent = isOfPool ? load.utilizationPercent : busiest >= 0 ? busiest : undefined;
			const cpu = isOfPool ? formatPercent(percent) : known(percent) ? `${formatPercent(percent)} busiest instance` : "CPU not known";
			const isHigh = t && known(percent) && percent >= t.scaleUpPercent;
			return el("li", {class: isHigh ? "figure critical" : "figure"}, el("span", {class: "name"}, poolNoun(pool.name)),
				el("strong", {}, cpu),
				el("span", {}, [pool.shape || "no instance", known(load.demandVCPUs)
					? `demand ${load.demandIsLowerBound ? "at least " : ""}${formatVCPUs(load.demandVCPUs)} of ${formatVCPUs(pool.capacityVCPUs)} vCPU`
					: known(pool.capacityVCPUs) ? `${formatVCPUs(pool.capacityVCPUs)} vCPU` : "",
				known(load.headroomMinutes) ? `full: ${load.headroomMinutes < 1 ? "now" : `in ${formatHeadroom(load.headroomMinutes)}`}` : "",
				t ? `up at ${t.scaleUpPercent}%, down below ${t.scaleDownPercent}%` : "not scaled by the policy",
				].filter(x => x !== "").join("; ")));
		});
		const c = p.cost || {};
		items.push(el("li", {class: "figure"}, el("span", {class: "name"}, "cost"), el("strong", {}, known(c.hourlyUSD) ? formatUSD(c.hourlyUSD) : "not known"),
			el("span", {}, [known(c.hourlyUSD) ? "per hour" : "set spec.prices, or let the operator read prices", known(c.afterUSD) ? `${formatUSD(c.afterUSD)} after the change` : "",
				known(c.budgetUSD) ? `budget ${formatUSD(c.budgetUSD)}` : ""].filter(x => x !== "").join("; "))));
		this.figures.replaceChildren(...items);
	}

	renderOperation(op) {
		show(this.operation, Boolean(op));
		if (!op) return;
		const share = Math.min(100, Math.round(100 * op.elapsedSeconds / Math.max(1, op.expectedSeconds)));
		const text = `${formatAge(op.elapsedSeconds)} of usually at most ${formatAge(op.expectedSeconds)}`;
		const signs = {Done: "✔", InProgress: "▶", Waiting: "○"};
		this.operation.classList.toggle("overdue", Boolean(op.overdue));
		this.operation.replaceChildren(
			el("h2", {id: "operation-title"}, `Operation: ${poolNoun(op.pool)} ${op.from} → ${op.to}`),
			el("p", {class: "progress"}, el("progress", {max: "100", value: share, "aria-label": "Time since the start"}),
				el("span", {}, ` ${op.doneSteps} of ${op.steps.length} steps done, ${text}`),
				op.overdue ? el("strong", {class: "critical"}, " It takes longer than usual.") : null),
			el("ol", {class: "steps"}, op.steps.map(s => el("li", {class: s.state.toLowerCase()},
				el("span", {"aria-hidden": "true"}, `${signs[s.state]} `), s.text,
				el("span", {class: s.state === "InProgress" && s.elapsedSeconds > s.expectedSeconds ? "time late" : "time"}, s.state === "Done" ? ` ${known(s.elapsedSeconds) ? `done in ${formatAge(s.elapsedSeconds)}` : "done"}`
					: s.state === "InProgress" ? ` in progress, ${formatAge(s.elapsedSeconds)} of at most ${formatAge(s.expectedSeconds)}`
						: ` later, at most ${formatAge(s.expectedSeconds)}`),
				s.answer ? el("span", {class: "answer"}, ` AWS answered: ${s.answer}`) : null))),
			op.cause ? el("p", {}, el("strong", {}, "Cause: "), op.cause) : "");
	}

	renderInstances(p) {
		const rows = [];
		for (const pool of p.pools || []) {
			for (const i of pool.instances || []) {
				const cells = [i.identifier, poolNoun(pool.name) + (i.surge ? ", surge reader" : ""),
					i.pendingClass ? `${i.class} → ${i.pendingClass}` : i.class || "–", i.zone || "–", i.status || "–", formatPercent(i.cpuPercent),
					known(i.lagSeconds) ? `${Math.round(i.lagSeconds * 1000)} ms` : "–", i.waitsFor || ""];
				rows.push(el("tr", {}, cells.map((c, n) => el(n === 0 ? "th" : "td", {scope: n === 0 ? "row" : null, "data-label": columns[n],
					class: [n === 5 || n === 6 ? "figure" : "", c === "" || c === "–" ? "nothing" : ""].join(" ").trim() || null}, c))));
			}
		}
		show(this.instances, rows.length > 0);
		this.instances.replaceChildren(el("h2", {id: "instances-title"}, "Instances"), el("table", {class: "instances"},
			el("thead", {}, el("tr", {}, columns.map((c, n) => el("th", {scope: "col", class: n === 5 || n === 6 ? "figure" : null}, c)))),
			el("tbody", {}, rows)));
	}

	renderHappened(marks) {
		const items = [...marks].reverse().map(m => el("li", {class: m.kind.toLowerCase() + (m.warning || m.emergency ? " warning" : "")},
			el("time", {datetime: m.time}, `${formatDate(m.time)} ${formatClock(m.time)}`), el("span", {class: "kind"}, kindOf(m)),
			el("div", {}, el("strong", {}, m.title), m.text ? el("span", {}, ` ${m.text}`) : null)));
		this.happened.replaceChildren(el("h2", {id: "happened-title"}, "What happened"),
			items.length > 0 ? el("ul", {class: "happened"}, items) : el("p", {}, "Nothing is known of the last 24 hours."));
	}

	renderUnknown(texts) {
		show(this.unknown, texts.length > 0);
		this.unknown.replaceChildren(el("h2", {id: "unknown-title"}, "Not known"), el("ul", {}, texts.map(t => el("li", {}, t))));
	}
}

const columns = ["Instance", "Role", "Class", "Zone", "Status", "CPU", "Lag", "Waits for"];

function kindOf(m) {
	if (m.kind === "Operation") return m.outcome === "InProgress" ? "in progress" : `operation ${m.outcome.toLowerCase()}`;
	if (m.kind === "Blocked") return m.end ? "blocked" : "blocked, still";
	return m.kind.toLowerCase();
}
