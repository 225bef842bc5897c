// Elements, texts and formats. Every text comes from a cluster or from AWS and is set as text, never as HTML.

// el makes an element. Attributes that are null or false are left out; functions become listeners.
export function el(name, attributes = {}, ...children) {
	return fill(document.createElement(name), attributes, children);
}

// svg makes an element of a drawing.
export function svg(name, attributes = {}, ...children) {
	return fill(document.createElementNS("http://www.w3.org/2000/svg", name), attributes, children);
}

function fill(node, attributes, children) {
	for (const [key, value] of Object.entries(attributes)) {
		if (typeof value === "function") node.addEventListener(key, value);
		else if (value !== null && value !== undefined && value !== false) node.setAttribute(key, value === true ? "" : value);
	}
	for (const child of children.flat(2)) {
		if (child !== null && child !== undefined && child !== false && child !== "") node.append(child);
	}
	return node;
}

// setText changes a text only when it differs, so that a screen reader does not read it again.
export function setText(node, text) {
	if (node.textContent !== text) node.textContent = text;
}

export function show(node, visible) {
	if (node.hidden === visible) node.hidden = !visible;
}

// fetchJSON reads from this server. The message of an error is the one of the server.
export async function fetchJSON(path) {
	const response = await fetch(path, {cache: "no-store"});
	const text = await response.text();
	let value = null;
	try {
		value = JSON.parse(text);
	} catch {
		throw new Error(`${path} answered ${response.status}: ${text.slice(0, 200)}`);
	}
	if (!response.ok) throw new Error(value.error || `${path} answered ${response.status}`);
	return value;
}

// known says that a figure is there: what is not known is absent, never zero.
export const known = v => v !== undefined && v !== null;

export const formatPercent = v => known(v) ? `${Math.round(v)}%` : "–";
export const formatUSD = v => known(v) ? `$${v.toFixed(2)}` : "–";
export const formatVCPUs = v => known(v) ? `${Number(v.toFixed(v < 10 ? 1 : 0))}` : "–";

// formatAge writes seconds as minutes or hours.
export function formatAge(seconds) {
	if (!known(seconds)) return "–";
	const minutes = Math.floor(seconds / 60);
	if (minutes < 1) return `${Math.floor(seconds)} s`;
	if (minutes < 60) return `${minutes} min`;
	const hours = Math.floor(minutes / 60);
	return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`;
}

export function formatHeadroom(minutes) {
	if (!known(minutes)) return "–";
	return minutes < 1 ? "none" : formatAge(minutes * 60);
}

// formatClock writes a time of the day in UTC.
export function formatClock(time, withSeconds = false) {
	const text = new Date(time).toISOString();
	return `${text.slice(11, withSeconds ? 19 : 16)}Z`;
}

export const formatDate = time => new Date(time).toISOString().slice(0, 10);

export const poolNoun = pool => ({Writer: "writer", Readers: "readers"})[pool] || pool;

// severityOf is how urgent the rank of a policy is: see the ranks in internal/view/fleet.go.
export function severityOf(risk) {
	if (risk.rank <= 4) return "critical";
	if (risk.rank <= 9) return "warning";
	return ["Changing", "Pending"].includes(risk.state) ? "busy" : risk.state === "Paused" ? "paused" : "fine";
}

const stateSigns = {
	Stalled: "✖", NotReady: "✖", Limited: "▲", Blocked: "■", Paused: "‖", Changing: "↻", Pending: "…", New: "○", Steady: "✓",
};

// stateBadge shows a state by word, sign and colour.
export function stateBadge(state, severity) {
	return el("span", {class: `badge ${severity}`}, el("span", {"aria-hidden": "true"}, stateSigns[state] || "•"), ` ${state}`);
}

export const databaseLink = (namespace, name) => `#/${encodeURIComponent(namespace)}/${encodeURIComponent(name)}`;
