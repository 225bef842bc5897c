// The fleet: one row for each database, the one that needs a person most first.
import {databaseLink, el, fetchJSON, formatHeadroom, formatPercent, formatUSD, known, setText, severityOf, show, stateBadge} from "./dom.js";

// maxRows is how many rows are shown at once; a filter finds the others.
const maxRows = 300;

// The filters are kept while the page is open, so that the way back from a database leads to the same list.
const filters = {namespace: "", text: "", sort: "risk"};

export class FleetPage {
	constructor() {
		this.shown = "";
		this.fleet = [];
		this.tiles = el("ul", {class: "tiles", "aria-label": "Databases by urgency"});
		this.namespace = el("select", {id: "namespace", change: () => { filters.namespace = this.namespace.value; this.render(); }},
			el("option", {value: ""}, "all namespaces"));
		this.text = el("input", {id: "text", type: "search", placeholder: "name, state or reason", autocomplete: "off",
			input: () => { filters.text = this.text.value; this.render(); }});
		this.text.value = filters.text;
		this.sort = el("select", {id: "sort", change: () => { filters.sort = this.sort.value; this.refresh(this.about).catch(() => {}); /* the next refresh says it */ }},
			el("option", {value: "risk"}, "risk"), el("option", {value: "headroom"}, "headroom"), el("option", {value: "cost"}, "cost"));
		this.sort.value = filters.sort;
		this.count = el("p", {class: "count", role: "status"});
		this.body = el("tbody");
		this.columns = ["State", "Database", "Why", "CPU", "Headroom", "At maximum", "Blocked by", "Cost per hour"];
		this.table = el("table", {class: "fleet"},
			el("caption", {class: "hidden"}, "Databases, the one that needs a person most first"),
			el("thead", {}, el("tr", {}, this.columns.map(c => el("th", {scope: "col", class: isFigure(c) ? "figure" : c === "Why" ? "wide" : null}, c)))), this.body);
		this.empty = el("p", {class: "empty", hidden: true});
		this.root = el("div", {class: "fleet-page"}, el("h1", {}, "Databases"), this.tiles,
			el("form", {class: "filters", role: "search", submit: e => e.preventDefault()},
				el("label", {for: "namespace"}, "Namespace", this.namespace),
				el("label", {for: "text"}, "Filter", this.text),
				el("label", {for: "sort"}, "Sort by", this.sort), this.count),
			this.table, this.empty);
	}

	async refresh(about) {
		this.about = about;
		const sort = filters.sort;
		const fleet = (await fetchJSON(`/api/fleet?sort=${sort}`)).policies;
		if (sort !== filters.sort) return;
		this.fleet = fleet;
		this.render();
	}

	render() {
		const key = JSON.stringify([this.fleet, filters, this.about && this.about.measures]);
		if (key === this.shown) return;
		this.shown = key;
		this.renderNamespaces();
		this.renderTiles();
		const words = filters.text.toLowerCase().split(/\s+/).filter(w => w !== "");
		const matches = this.fleet.filter(r => (!filters.namespace || r.namespace === filters.namespace) && words.every(w =>
			`${r.namespace}/${r.name} ${r.state} ${r.reason} ${r.blockedBy || ""}`.toLowerCase().includes(w)));
		const focused = this.body.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
		this.body.replaceChildren(...matches.slice(0, maxRows).map(r => this.row(r)));
		if (focused) for (const a of this.body.querySelectorAll("a")) if (a.getAttribute("href") === focused) a.focus();
		setText(this.count, matches.length === this.fleet.length ? `${this.fleet.length} shown`
			: `${matches.length} of ${this.fleet.length} match` + (matches.length > maxRows ? `, the first ${maxRows} are shown` : ""));
		show(this.table, matches.length > 0);
		show(this.empty, matches.length === 0);
		setText(this.empty, this.fleet.length === 0 ? "There is no DBScalingPolicy here. Create one, or start the dashboard for other namespaces."
			: "No database matches the filter.");
	}

	renderNamespaces() {
		const names = [...new Set(this.fleet.map(r => r.namespace))].sort();
		if (filters.namespace && !names.includes(filters.namespace)) names.push(filters.namespace);
		const key = names.join("\n");
		if (this.namespace.dataset.key === key) return;
		this.namespace.dataset.key = key;
		this.namespace.replaceChildren(el("option", {value: ""}, "all namespaces"), ...names.map(n => el("option", {value: n}, n)));
		this.namespace.value = filters.namespace;
	}

	renderTiles() {
		const count = {critical: 0, warning: 0, busy: 0, paused: 0, fine: 0};
		let cost = 0, unpriced = 0;
		for (const r of this.fleet) {
			count[severityOf(r)]++;
			if (known(r.hourlyUSD)) cost += r.hourlyUSD; else unpriced++;
		}
		const tile = (number, text, severity) => el("li", {class: `tile ${number === 0 ? "none" : severity}`},
			el("strong", {}, `${number}`), ` ${text}`);
		this.tiles.replaceChildren(...[tile(count.critical, count.critical === 1 ? "needs a person" : "need a person", "critical"),
			tile(count.warning, "at risk", "warning"), tile(count.busy, "changing", "busy"),
			count.paused > 0 ? tile(count.paused, "paused", "paused") : null, tile(count.fine, "steady", "fine"),
			unpriced === this.fleet.length ? el("li", {class: "tile cost"}, "cost not known") // never zero
				: el("li", {class: "tile cost"}, el("strong", {}, formatUSD(cost)), " per hour" + (unpriced > 0 ? `, without ${unpriced} of unknown price` : "")),
		].filter(t => t !== null));
		const text = count.critical === 0 ? "no database needs a person" : `${count.critical} databases need a person`;
		setText(document.getElementById("announce"), text);
	}

	row(r) {
		const severity = severityOf(r);
		const cells = [
			stateBadge(r.state, severity),
			el("a", {href: databaseLink(r.namespace, r.name)}, el("span", {class: "namespace"}, `${r.namespace}/`), r.name),
			el("span", {class: "why", title: r.reason || null}, r.reason || (r.state === "Changing" ? "an operation is in progress" : "")),
			formatPercent(r.utilizationPercent), formatHeadroom(r.headroomMinutes), r.atMaximum ? "yes" : "", r.blockedBy || "",
			formatUSD(r.hourlyUSD),
		];
		const open = event => { if (!event.target.closest("a")) location.hash = databaseLink(r.namespace, r.name); };
		return el("tr", {class: severity, click: open}, cells.map((cell, n) => el(n === 1 ? "th" : "td",
			{scope: n === 1 ? "row" : null, "data-label": this.columns[n], class: [isFigure(this.columns[n]) ? "figure" : "",
				cell === "" || cell === "–" ? "nothing" : ""].join(" ").trim() || null}, cell)));
	}
}

const isFigure = column => ["CPU", "Headroom", "Cost per hour"].includes(column);
