package dashboard

import (
	"context"
	"flag"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"k8s.io/apimachinery/pkg/types"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
)

var screenshotDir = flag.String("screenshots", "", "folder for screenshots of the page")

// browserPage is a page in Chromium, and what it did that it may not.
type browserPage struct {
	ctx context.Context
	url string

	mu       sync.Mutex
	problems []string
}

// openPage opens a page in Chromium. The test is skipped where there is none.
func openPage(t *testing.T, address string) *browserPage {
	t.Helper()
	browser := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil && browser == "" {
			browser = path
		}
	}
	if browser == "" {
		t.Skip("NOT TESTED: the dashboard in a real browser, since there is no Chromium here. Install the package chromium to test it")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(browser), chromedp.NoSandbox, chromedp.WindowSize(1280, 1000))
	allocator, stop := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(stop)
	ctx, stop := chromedp.NewContext(allocator)
	t.Cleanup(stop)
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	t.Cleanup(cancel)
	p := &browserPage{ctx: ctx, url: address}
	add := func(format string, args ...any) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.problems = append(p.problems, fmt.Sprintf(format, args...))
	}
	chromedp.ListenTarget(ctx, func(event any) {
		switch e := event.(type) {
		case *runtime.EventExceptionThrown:
			add("an exception: %s", e.ExceptionDetails.Error())
		case *runtime.EventConsoleAPICalled:
			add("the console has a message of type %s: %v", e.Type, e.Args)
		case *log.EventEntryAdded: // also what the Content-Security-Policy blocks, and answers with an error
			add("the browser logs: %s %s", e.Entry.Text, e.Entry.URL)
		case *network.EventRequestWillBeSent:
			if !strings.HasPrefix(e.Request.URL, address) {
				add("the page requests %s", e.Request.URL)
			}
		}
	})
	p.run(t, network.Enable(), log.Enable(), chromedp.Navigate(address))
	return p
}

func (p *browserPage) run(t *testing.T, actions ...chromedp.Action) {
	t.Helper()
	if err := chromedp.Run(p.ctx, actions...); err != nil {
		var html string
		_ = chromedp.Run(p.ctx, chromedp.OuterHTML("main", &html))
		t.Fatalf("%v; the problems are %v; the page is\n%s", err, p.takeProblems(), html)
	}
}

// takeProblems returns what happened since the last call.
func (p *browserPage) takeProblems() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := p.problems
	p.problems = nil
	return out
}

// evaluate evaluates an expression in the page.
func evaluate[T any](t *testing.T, p *browserPage, expression string) T {
	t.Helper()
	var out T
	p.run(t, chromedp.Evaluate(expression, &out))
	return out
}

// waitFor waits until an expression is true, for at most half a minute.
func (p *browserPage) waitFor(t *testing.T, expression string) {
	t.Helper()
	p.run(t, chromedp.Poll(expression, nil, chromedp.WithPollingTimeout(30*time.Second)))
}

// press focuses an element and presses a key until an expression holds, at most five times: a key that arrives while the element is drawn
// again is lost, and a person presses it again.
func (p *browserPage) press(t *testing.T, selector, key, expression string) {
	t.Helper()
	for range 5 {
		evaluate[any](t, p, fmt.Sprintf("document.querySelector(%q).focus()", selector))
		p.run(t, chromedp.KeyEvent(key))
		if err := chromedp.Run(p.ctx, chromedp.Poll(expression, nil, chromedp.WithPollingTimeout(5*time.Second))); err == nil {
			return
		}
	}
	t.Fatalf("%s does not hold after a key for %s was pressed five times", expression, selector)
}

// rowNames are the names in the table of the fleet.
const rowNames = `[...document.querySelectorAll("table.fleet tbody th")].map(e => e.textContent).join(" ")`

// browserServer serves the recorded objects; the database of blocked was measured.
func browserServer(t *testing.T) (string, *recordedSource) {
	t.Helper()
	source, _ := newSource(t, "new", "steady", "changing", "blocked", "stalled")
	entry := lastEntry(t)
	address := serve(t, Options{
		Source: source, Clock: clocktesting.NewFakePassiveClock(entry.Inputs.Now.Add(time.Minute)), Cluster: "production", Version: "v1.2.3",
		LedgerFile: filepath.Join(recordings, "ledger.jsonl"), Refresh: 200 * time.Millisecond,
		Measure: func(_ context.Context, policies []v1alpha1.DBScalingPolicy) map[types.NamespacedName]Measurement {
			out := map[types.NamespacedName]Measurement{}
			for n := range policies {
				out[client.ObjectKeyFromObject(&policies[n])] = Measurement{Error: "there are no AWS credentials"}
				if policies[n].Name == "blocked" {
					out[client.ObjectKeyFromObject(&policies[n])] = Measurement{Observation: &entry.Inputs.Observation}
				}
			}
			return out
		},
	})
	return address, source
}

// TestPage_WorksInBrowser goes from the fleet to the day of a database in Chromium.
func TestPage_WorksInBrowser(t *testing.T) {
	address, _ := browserServer(t)
	p := openPage(t, address)

	// The fleet: the one that needs a person first, with its load.
	p.waitFor(t, `document.querySelectorAll("table.fleet tbody tr").length === 5 && document.body.textContent.includes("77%")`)
	if got := evaluate[string](t, p, rowNames); !strings.HasPrefix(got, "shop/stalled shop/blocked shop/new ") {
		t.Errorf("the databases are in the order %s", got)
	}
	if got := evaluate[string](t, p, `document.querySelector(".tiles").textContent`); !strings.Contains(got, "2 need a person") {
		t.Errorf("the summary is %q", got)
	}
	// The filters.
	p.run(t, chromedp.SendKeys("#text", "disruptionwindow"))
	p.waitFor(t, `document.querySelectorAll("table.fleet tbody tr").length === 1`)
	if got := evaluate[string](t, p, `document.querySelector(".count").textContent`); got != "1 of 5 match" {
		t.Errorf("the number of matches is %q", got)
	}
	p.run(t, chromedp.SendKeys("#text", strings.Repeat(kb.Backspace, len("disruptionwindow"))))
	p.waitFor(t, `document.querySelectorAll("table.fleet tbody tr").length === 5`)

	// A click opens the day of a database.
	p.run(t, chromedp.Click(`a[href="#/shop/blocked"]`), chromedp.WaitVisible("svg.plot .demand"))
	verdict := evaluate[string](t, p, `document.querySelector(".verdict").textContent`)
	for _, want := range []string{"Blocked", "the next disruption window opens at", "What lifts it: DisruptionWindow: wait until"} {
		if !strings.Contains(verdict, want) {
			t.Errorf("the state lacks %q: %s", want, verdict)
		}
	}
	if got := evaluate[int](t, p, `document.querySelectorAll("svg.plot").length`); got != 4 {
		t.Errorf("there are %d charts, want demand and CPU of two pools", got)
	}
	if got := evaluate[int](t, p, `document.querySelectorAll("svg.plot .gap").length`); got == 0 {
		t.Error("the time before the first sample is not marked as a gap")
	}

	// The text of a mark, under the pointer and with the keyboard.
	for _, show := range []string{
		`document.querySelector(".mark.operation").dispatchEvent(new MouseEvent("mouseenter"))`,
		`document.querySelector(".mark.operation").focus()`,
	} {
		evaluate[any](t, p, show)
		p.waitFor(t, `!document.querySelector(".tip").hidden`)
		tip := evaluate[string](t, p, `document.querySelector(".tip").textContent`)
		if !strings.Contains(tip, "Operation: readers 1 × db.r6g.large → 1 × db.r6g.xlarge") || !strings.Contains(tip, "threshold 75%") {
			t.Errorf("%s shows %q, want the operation and its cause", show, tip)
		}
		evaluate[any](t, p, `document.querySelector(".mark.operation").dispatchEvent(new MouseEvent("mouseleave"))`)
	}
	// One mark is in the tab order, and the keys lead to the others.
	evaluate[any](t, p, `document.querySelector('.mark[tabindex="0"]').focus()`)
	p.run(t, chromedp.KeyEvent(kb.ArrowLeft))
	if got := evaluate[int](t, p, `[...document.querySelectorAll(".mark")].indexOf(document.activeElement)`); got != evaluate[int](t, p, `document.querySelectorAll(".mark").length`)-2 {
		t.Errorf("the left arrow leads to mark %d", got)
	}
	p.run(t, chromedp.KeyEvent(kb.Escape))
	p.waitFor(t, `document.querySelector(".tip").hidden`)
	// The figures under the pointer, and as a table.
	evaluate[any](t, p, `(() => { const s = document.querySelectorAll("svg.plot")[2], b = s.getBoundingClientRect();
		s.dispatchEvent(new PointerEvent("pointermove", {clientX: b.right - 40, clientY: b.top + 50, bubbles: true})); })()`)
	if got := evaluate[string](t, p, `document.querySelector(".tip").textContent`); !strings.Contains(got, "demand") || !strings.Contains(got, "capacity 4 vCPU") {
		t.Errorf("the figures under the pointer are %q", got)
	}
	p.run(t, chromedp.Click("details.data summary"))
	p.waitFor(t, `document.querySelectorAll("details.data tbody tr").length > 90`)

	// The operation in progress, step by step.
	p.run(t, chromedp.Navigate(address+"#/shop/changing"), chromedp.WaitVisible(".steps li.inprogress"))
	if got := evaluate[string](t, p, `document.querySelector(".steps").textContent`); !strings.Contains(got, "create surge reader") || !strings.Contains(got, "of at most 20 min") {
		t.Errorf("the steps are %q", got)
	}
	for _, problem := range p.takeProblems() {
		t.Error(problem)
	}
}

// TestPage_UpdatesItself: a change is shown without loading the page again, the focus stays, and a failure is shown until it is over.
func TestPage_UpdatesItself(t *testing.T) {
	source, now := newSource(t, "steady", "changing")
	clock := clocktesting.NewFakePassiveClock(now)
	before, after := source.listing, source.listing
	after.Policies = after.Policies[1:]
	live := &switchedSource{recordedSource: source}
	live.set(before, nil)
	p := openPage(t, serve(t, Options{Source: live, Clock: clock, Refresh: 100 * time.Millisecond}))
	p.waitFor(t, `document.querySelectorAll("table.fleet tbody tr").length === 2`)
	evaluate[any](t, p, `window.sameDocument = true; document.querySelector('a[href="#/shop/changing"]').focus()`)
	live.set(after, nil)
	clock.SetTime(now.Add(time.Minute))
	p.waitFor(t, `document.querySelectorAll("table.fleet tbody tr").length === 1`)
	if got := evaluate[bool](t, p, `window.sameDocument && document.activeElement.getAttribute("href") === "#/shop/changing"`); !got {
		t.Error("the page was loaded again, or the focus is lost")
	}
	for _, problem := range p.takeProblems() {
		t.Error(problem)
	}
	live.set(after, fmt.Errorf("you may not list dbscalingpolicies"))
	clock.SetTime(now.Add(2 * time.Minute))
	p.waitFor(t, `!document.getElementById("banner").hidden`)
	if got := evaluate[string](t, p, `document.getElementById("banner").textContent`); !strings.Contains(got, "you may not list dbscalingpolicies") || !strings.Contains(got, "What you see is of ") {
		t.Errorf("the failure is shown as %q", got)
	}
	// A price that is not known is never zero.
	unpriced := after
	unpriced.Policies = []v1alpha1.DBScalingPolicy{*recordedInput(t, "stalled").Object}
	live.set(unpriced, nil)
	clock.SetTime(now.Add(3 * time.Minute))
	p.waitFor(t, `document.getElementById("banner").hidden && document.querySelector("table.fleet .badge").textContent.includes("Stalled")`)
	if got := evaluate[string](t, p, `document.querySelector(".tiles").textContent`); !strings.Contains(got, "cost not known") || strings.Contains(got, "$") {
		t.Errorf("without a price the summary is %q", got)
	}
}

// switchedSource is a source whose answers change.
type switchedSource struct {
	*recordedSource
	mu sync.Mutex
}

func (s *switchedSource) set(l Listing, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.listing, s.err = l, err
}

func (s *switchedSource) List(ctx context.Context) (Listing, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.recordedSource.List(ctx)
}

// TestPage_IsUsableWhenNarrow: at 400 px nothing is wider than the page, and a database opens with the keyboard.
func TestPage_IsUsableWhenNarrow(t *testing.T) {
	address, _ := browserServer(t)
	p := openPage(t, address)
	p.run(t, emulation.SetDeviceMetricsOverride(400, 800, 1, true))
	const overflow = `[...document.querySelectorAll("body *")].filter(e => { const b = e.getBoundingClientRect();
		return b.width > 1 && b.right > 401 && !e.closest(".scroll") && !e.closest("svg") && b.left > -500; }).map(e => e.tagName + "." + e.className).join(" ")`
	p.waitFor(t, `document.querySelectorAll("table.fleet tbody tr").length === 5`)
	expectFits := func(what string) {
		t.Helper()
		if width := evaluate[int](t, p, `document.documentElement.scrollWidth`); width > 400 {
			t.Errorf("%s is %d px wide", what, width)
		}
		if got := evaluate[string](t, p, overflow); got != "" {
			t.Errorf("%s: too wide are %s", what, got)
		}
	}
	expectFits("the fleet")
	p.press(t, `a[href="#/shop/blocked"]`, kb.Enter, `location.hash === "#/shop/blocked"`)
	p.waitFor(t, `document.querySelector("svg.plot .demand") !== null`)
	p.waitFor(t, `document.querySelector("svg.plot").getBoundingClientRect().width < 400`)
	expectFits("the database")
	evaluate[any](t, p, `document.querySelector(".mark.blocked").focus()`)
	p.waitFor(t, `!document.querySelector(".tip").hidden`)
	expectFits("the text of a mark")
	for _, problem := range p.takeProblems() {
		t.Error(problem)
	}
}

// TestPage_HasContrast: in light and dark, each text has a contrast of 4.5 to 1 with what it is on (WCAG 2.2, 1.4.3).
func TestPage_HasContrast(t *testing.T) {
	address, _ := browserServer(t)
	p := openPage(t, address)
	for _, scheme := range []string{"light", "dark"} {
		p.run(t, emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}))
		for _, fragment := range []string{"#/", "#/shop/blocked", "#/shop/changing", "#/shop/stalled"} {
			p.run(t, chromedp.Navigate(address+fragment))
			p.waitFor(t, `document.querySelector("h1") && document.querySelector(".badge")`)
			if got := evaluate[string](t, p, lowContrast); got != "" {
				t.Errorf("%s, %s: %s", scheme, fragment, got)
			}
		}
	}
	if *screenshotDir != "" {
		var shot []byte
		for name, fragment := range map[string]string{"fleet": "#/", "database": "#/shop/blocked", "operation": "#/shop/changing"} {
			for _, scheme := range []string{"light", "dark"} {
				p.run(t, emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}),
					chromedp.Navigate(address+fragment), chromedp.WaitVisible(".badge"))
				p.waitFor(t, `location.hash === `+fmt.Sprintf("%q", fragment)+` && document.fonts.status === "loaded"`)
				p.run(t, chromedp.FullScreenshot(&shot, 100))
				if err := os.WriteFile(filepath.Join(*screenshotDir, url.PathEscape(name+"-"+scheme)+".png"), shot, 0o600); err != nil {
					t.Error(err)
				}
			}
		}
	}
}

// lowContrast lists the texts with a contrast below 4.5 to 1.
const lowContrast = `(() => {
	const parse = c => { const m = c.match(/[\d.]+/g).map(Number); return {rgb: m.slice(0, 3), a: m.length > 3 ? m[3] : 1}; };
	const light = rgb => rgb.map(v => v / 255).map(v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
		.reduce((sum, v, n) => sum + v * [.2126, .7152, .0722][n], 0);
	const behind = e => { for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor); if (c.a === 1) return c.rgb; } return [255, 255, 255]; };
	const out = [];
	for (const e of document.querySelectorAll("body *")) {
		const text = [...e.childNodes].filter(n => n.nodeType === 3).map(n => n.textContent.trim()).join("");
		const box = e.getBoundingClientRect();
		if (text === "" || box.width < 2 || box.right < 0) continue;
		const style = getComputedStyle(e), colour = e.namespaceURI.endsWith("svg") ? style.fill : style.color;
		const a = light(parse(colour).rgb), b = light(behind(e));
		const contrast = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
		if (contrast < 4.5) out.push(text.slice(0, 40) + ": " + contrast.toFixed(1));
	}
	return out.join("; ");
})()`
