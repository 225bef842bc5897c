// The frame of the page: chooses the fleet or a database by the fragment of the address, and reads again every few seconds.
import {el, fetchJSON, formatClock, setText, show} from "./dom.js";
import {FleetPage} from "./fleet.js";
import {DatabasePage} from "./database.js";

const main = document.getElementById("main");
let page = null, about = null, timer = 0, turn = 0, lastTime = "";

// route shows what the fragment names: "#/" is the fleet, "#/NAMESPACE/NAME" a database.
function route() {
	const parts = location.hash.replace(/^#\/?/, "").split("/").filter(p => p !== "").map(decodeURIComponent);
	page = parts.length === 2 ? new DatabasePage(parts[0], parts[1]) : new FleetPage();
	document.title = parts.length === 2 ? `${parts.join("/")} – dbscaler` : "Databases – dbscaler";
	main.replaceChildren(page.root);
	refresh();
}

// refresh reads and shows the page. A failure keeps what is shown, says so, and is tried again.
async function refresh() {
	clearTimeout(timer);
	const mine = ++turn, shown = page; // an earlier one that is not done yet no longer counts
	try {
		about = await fetchJSON("/api/about");
		await shown.refresh(about);
		if (mine !== turn) return;
		lastTime = about.time;
		show(document.getElementById("banner"), false);
		showAbout();
	} catch (error) {
		if (mine !== turn) return;
		const since = lastTime ? `What you see is of ${formatClock(lastTime, true)}. ` : "";
		const banner = document.getElementById("banner");
		banner.className = "banner";
		setText(banner, `${since}${describe(error)} This page tries again.`);
		show(banner, true);
		setText(document.getElementById("live"), "not updated");
		document.getElementById("live-dot").className = "dot off";
	}
	const seconds = about ? about.refreshSeconds : 3;
	timer = setTimeout(() => document.hidden ? null : refresh(), seconds * 1000);
}

function describe(error) {
	if (error instanceof TypeError) return "The dashboard does not answer: check that kubectl dbscaler dashboard still runs.";
	const text = error.message.trim();
	return /[.!?]$/.test(text) ? text : text + ".";
}

function showAbout() {
	setText(document.getElementById("cluster"), about.cluster);
	setText(document.getElementById("scope"), about.scope);
	setText(document.getElementById("live"), `live, ${formatClock(about.time, true)}`);
	document.getElementById("live-dot").className = "dot";
	setText(document.getElementById("version"), about.version ? `dbscaler ${about.version}` : "");
	const notices = document.getElementById("notices"), texts = [...(about.notices || [])];
	const key = texts.join("\n");
	if (notices.dataset.key !== key) {
		notices.dataset.key = key;
		notices.replaceChildren(...texts.map(t => el("li", {}, t)));
		show(notices, texts.length > 0);
	}
}

addEventListener("hashchange", () => {
	route();
	main.focus({preventScroll: true});
	scrollTo(0, 0);
});
document.querySelector(".skip").addEventListener("click", event => {
	event.preventDefault(); // the fragment of the address names the page
	main.focus();
});
document.addEventListener("visibilitychange", () => { if (!document.hidden) refresh(); });
route();
