package report

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"image"
	"image/png"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

var screenshotDir = flag.String("screenshots", "", "folder for screenshots of the page")

// TestWriteHTML_WorksInBrowser opens the page from disk in Chromium. It is skipped where there is no Chromium.
func TestWriteHTML_WorksInBrowser(t *testing.T) {
	browser := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil && browser == "" {
			browser = path
		}
	}
	if browser == "" {
		t.Skip("NOT TESTED: the page in a real browser, since there is no Chromium here. Install the package chromium to test it")
	}
	path := filepath.Join(t.TempDir(), "report.html")
	if err := os.WriteFile(path, []byte(renderHTML(t, newComparison())), 0o600); err != nil {
		t.Fatal(err)
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(browser), chromedp.NoSandbox, chromedp.WindowSize(1280, 1800))
	allocator, stop := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(stop)
	ctx, stop := chromedp.NewContext(allocator)
	t.Cleanup(stop)
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	t.Cleanup(cancel)

	var mu sync.Mutex
	var problems []string
	chromedp.ListenTarget(ctx, func(event any) {
		mu.Lock()
		defer mu.Unlock()
		switch e := event.(type) {
		case *runtime.EventExceptionThrown:
			problems = append(problems, e.ExceptionDetails.Error())
		case *runtime.EventConsoleAPICalled:
			problems = append(problems, fmt.Sprintf("the console has a message of type %s", e.Type))
		case *network.EventRequestWillBeSent:
			if !strings.HasPrefix(e.Request.URL, "file:") && !strings.HasPrefix(e.Request.URL, "data:") {
				problems = append(problems, "the page requests "+e.Request.URL)
			}
		}
	})

	page := (&url.URL{Scheme: "file", Path: path}).String()
	var title, tip, before, zoomed, whole string
	var rows, canvases, shown, toggled int
	var light, dark []byte
	err := chromedp.Run(ctx,
		network.Enable(),
		chromedp.Navigate(page),
		chromedp.WaitVisible("#scatterplot canvas"),
		chromedp.Title(&title),
		chromedp.Evaluate(`document.querySelectorAll("#runs tbody tr").length`, &rows),
		chromedp.Evaluate(`document.querySelectorAll("canvas").length`, &canvases),
		chromedp.Evaluate(`document.querySelectorAll("#timeplot .u-legend .u-series:not(.u-off)").length`, &shown),
		chromedp.FullScreenshot(&light, 100),
		// The tooltip of dbscaler's first event, a day after the start, has its reason.
		chromedp.Evaluate(hoverFirstEvent, nil),
		chromedp.Text("#time .tip", &tip),
		// Dragging zooms in, the button shows the whole time again, and a checkbox shows another run.
		chromedp.Evaluate(timePlotImage, &before),
		chromedp.Evaluate(dragTimePlot, nil),
		chromedp.Evaluate(timePlotImage, &zoomed),
		chromedp.Click("#reset"),
		chromedp.Evaluate(timePlotImage, &whole),
		chromedp.Click(`#boxes input[data-run="static-peak"]`),
		chromedp.Evaluate(`document.querySelectorAll("#timeplot .u-legend .u-series:not(.u-off)").length`, &toggled),
		emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "dark"}}),
		chromedp.FullScreenshot(&dark, 100),
	)
	if err != nil {
		t.Fatal(err)
	}
	if want := "Backtest of shop/orders"; title != want {
		t.Errorf("the title is %q", title)
	}
	if rows != 6 || canvases != 2 || shown != 7 {
		t.Errorf("%d rows, %d charts, %d lines shown; want 6, 2 and 7", rows, canvases, shown)
	}
	if !strings.Contains(tip, "dbscaler, scale-up") || !strings.Contains(tip, "because </script>") {
		t.Errorf("the tooltip is %q, want dbscaler's scale-up and its reason", tip)
	}
	if before == zoomed || whole == zoomed {
		t.Error("dragging over the chart, or the button for the whole time, has no effect")
	}
	if toggled != shown+1 {
		t.Errorf("%d lines are shown, and %d after showing one more", shown, toggled)
	}
	mu.Lock()
	defer mu.Unlock()
	for _, p := range problems {
		t.Error(p)
	}
	for name, shot := range map[string][]byte{"light": light, "dark": dark} {
		if *screenshotDir != "" {
			if err := os.WriteFile(filepath.Join(*screenshotDir, name+".png"), shot, 0o600); err != nil {
				t.Error(err)
			}
		}
		if n := countColours(t, shot); n < 30 {
			t.Errorf("%s: the page has %d colours, so the charts are not drawn", name, n)
		}
	}
	if bytes.Equal(light, dark) {
		t.Error("the light and the dark page are equal")
	}
}

// hoverFirstEvent moves the pointer over the time chart until the first event's tooltip appears.
const hoverFirstEvent = `(function () {
	const over = document.querySelector("#timeplot .u-over"), box = over.getBoundingClientRect();
	for (let y = 4; y < box.height; y += 4) {
		over.dispatchEvent(new MouseEvent("mousemove", {clientX: box.left + box.width * 1 / (2000 / 144), clientY: box.top + y, bubbles: true}));
		if (!document.querySelector("#time .tip").hidden) return;
	}
})()`

// timePlotImage is the time chart as an image.
const timePlotImage = `document.querySelector("#timeplot canvas").toDataURL()`

// dragTimePlot selects a part of the time chart.
const dragTimePlot = `(function () {
	const over = document.querySelector("#timeplot .u-over"), box = over.getBoundingClientRect();
	const at = share => ({clientX: box.left + box.width * share, clientY: box.top + 50, movementX: 9, bubbles: true, button: 0});
	over.dispatchEvent(new MouseEvent("mousedown", at(.2)));
	over.dispatchEvent(new MouseEvent("mousemove", at(.4)));
	over.dispatchEvent(new MouseEvent("mouseup", at(.4)));
})()`

// countColours counts the distinct colours of a screenshot.
func countColours(t *testing.T, shot []byte) int {
	t.Helper()
	picture, err := png.Decode(bytes.NewReader(shot))
	if err != nil {
		picture, _, err = image.Decode(bytes.NewReader(shot))
	}
	if err != nil {
		t.Fatal(err)
	}
	seen := map[[3]uint32]bool{}
	for y := picture.Bounds().Min.Y; y < picture.Bounds().Max.Y; y += 2 {
		for x := picture.Bounds().Min.X; x < picture.Bounds().Max.X; x += 2 {
			r, g, b, _ := picture.At(x, y).RGBA()
			seen[[3]uint32{r, g, b}] = true
		}
	}
	return len(seen)
}
