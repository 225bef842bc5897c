package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"k8s.io/apimachinery/pkg/types"

	"github.com/dbscaler/dbscaler/internal/view"
)

var screenshotDir = flag.String("screenshots", "", "folder for screenshots of the dashboard")

// lockedBuffer is a buffer that one goroutine writes and another one reads.
type lockedBuffer struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.String()
}

// startWebDemo starts the demonstration with --web at a time of its scenario, and returns the address of the dashboard.
func startWebDemo(t *testing.T, s settings) (killTest, string) {
	t.Helper()
	s.web = true
	scenario, _, err := newScenario("../..", s)
	if err != nil {
		t.Fatal(err)
	}
	if err := addWebFleet(&scenario); err != nil {
		t.Fatal(err)
	}
	d := killTest{&demo{settings: s, workDir: t.TempDir()}}
	if d.projectDir, err = filepath.Abs("../.."); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.stop)
	var out lockedBuffer
	d.webOut = &out
	if err := d.setUp(t.Context(), scenario); err != nil {
		t.Fatal(err)
	}
	address := regexp.MustCompile(`http://127\.0\.0\.1:\d+/`)
	if !d.waitUntil(t, 10*time.Hour, func() bool { return address.MatchString(out.String()) }) {
		t.Fatalf("no address was printed: %s", out.String())
	}
	return d, address.FindString(out.String())
}

// read reads JSON from the dashboard; false when it does not answer yet.
func read(t *testing.T, url string, into any) bool {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return false
	}
	text, err := io.ReadAll(response.Body)
	return response.Body.Close() == nil && err == nil && response.StatusCode == http.StatusOK && json.Unmarshal(text, into) == nil
}

// webSpeed is the simulated seconds for each second of wall-clock time.
const webSpeed = 120

// TestWeb_ShowsTheRunningDemo: with --web the dashboard shows the fleet with its load and the decisions of the ledger while the demonstration
// runs, with the operator in its own process, a real API server and AWS over HTTP.
func TestWeb_ShowsTheRunningDemo(t *testing.T) {
	d, address := startWebDemo(t, settings{speed: webSpeed, past: 6 * time.Hour})
	var fleet struct{ Policies []view.Risk }
	states := func() map[string]view.Risk {
		out := map[string]view.Risk{}
		if read(t, address+"api/fleet", &fleet) {
			for _, r := range fleet.Policies {
				out[r.Namespace+"/"+r.Name] = r
			}
		}
		return out
	}
	isReady := func() bool {
		all := states()
		return len(all) == 6 && all["analytics/reports"].State == view.StateStalled && all["platform/sessions"].State == view.StatePaused &&
			all["shop/orders"].BlockedBy == "DisruptionWindow" && all["shop/orders"].UtilizationPercent != nil
	}
	if !d.waitUntil(t, 4*time.Hour, isReady) {
		t.Fatalf("the fleet is %+v", fleet.Policies)
	}
	var day view.Day
	hasDay := func() bool {
		if !read(t, address+"api/policies/shop/orders/day", &day) || len(day.Pools) == 0 || len(day.Pools[0].Points) == 0 {
			return false
		}
		for _, m := range day.Marks {
			if m.Kind == view.MarkBlocked && m.Guard == "DisruptionWindow" {
				return true
			}
		}
		return false
	}
	if !d.waitUntil(t, 4*time.Hour, hasDay) {
		t.Fatalf("the day is %+v", day)
	}
}

// TestWeb_Screenshots writes the screenshots of docs/day-2.md: `make screenshots`.
func TestWeb_Screenshots(t *testing.T) {
	if *screenshotDir == "" {
		t.Skip("it writes screenshots for the docs: run it with `make screenshots`")
	}
	browser, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatal(err)
	}
	d, address := startWebDemo(t, settings{speed: webSpeed})
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(browser), chromedp.NoSandbox)
	allocator, stop := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(stop)
	ctx, stop := chromedp.NewContext(allocator)
	t.Cleanup(stop)
	// The page is open from the start, as it reads AWS only then.
	if err := chromedp.Run(ctx, emulation.SetDeviceMetricsOverride(1180, 600, 1, false), chromedp.Navigate(address), chromedp.WaitVisible("table.fleet")); err != nil {
		t.Fatal(err)
	}
	// In the middle of the second operation of the day: the readers are resized before the load is highest.
	key := types.NamespacedName{Namespace: namespace, Name: policyName}
	isChanging := func() bool {
		p := getPolicy(t, d.client, key)
		return len(p.Status.History) > 0 && p.Status.Operation != nil && p.Status.Operation.Steps[0].CompletionTime != nil
	}
	if !d.waitUntil(t, 9*time.Hour, isChanging) {
		t.Fatal("there was no second operation")
	}
	take(ctx, t, "dashboard-database.png", 1180, 1420, chromedp.Navigate(fmt.Sprintf("%s#/%s/%s", address, key.Namespace, key.Name)),
		chromedp.WaitVisible("svg.plot .demand"), chromedp.WaitVisible(".steps li.done"))
	take(ctx, t, "dashboard-fleet.png", 1180, 600, chromedp.Navigate(address+"#/"), chromedp.WaitVisible("table.fleet tbody tr.critical"))
}

// withPalette is a picture in 256 colours: the most frequent ones that differ from each other.
func withPalette(picture image.Image) image.Image {
	count := map[color.RGBA]int{}
	bounds := picture.Bounds()
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			r, g, b, _ := picture.At(x, y).RGBA()
			count[color.RGBA{uint8(r >> 8), uint8(g >> 8), uint8(b >> 8), 255}]++
		}
	}
	colours := slices.SortedFunc(maps.Keys(count), func(a, b color.RGBA) int {
		return cmp.Or(count[b]-count[a], cmp.Compare(fmt.Sprint(a), fmt.Sprint(b)))
	})
	const minDistance, size = 20, 256
	distance := func(a, b color.RGBA) int {
		between := func(x, y uint8) int { return max(int(x)-int(y), int(y)-int(x)) }
		return between(a.R, b.R) + between(a.G, b.G) + between(a.B, b.B)
	}
	var chosen []color.RGBA
	palette := color.Palette{}
	for n, c := range colours {
		isNear := func(other color.RGBA) bool { return distance(c, other) < minDistance }
		if len(chosen) < size && (n < size/8 || !slices.ContainsFunc(chosen, isNear)) { // areas keep their exact colour
			chosen, palette = append(chosen, c), append(palette, c)
		}
	}
	out := image.NewPaletted(bounds, palette)
	draw.Draw(out, bounds, picture, bounds.Min, draw.Src)
	return out
}

// take takes a screenshot of a page, with a size in pixels.
func take(ctx context.Context, t *testing.T, name string, width, height int64, open ...chromedp.Action) {
	t.Helper()
	var shot []byte
	actions := append([]chromedp.Action{emulation.SetDeviceMetricsOverride(width, height, 1, false)}, open...)
	if err := chromedp.Run(ctx, append(actions, chromedp.CaptureScreenshot(&shot))...); err != nil {
		t.Fatal(err)
	}
	picture, err := png.Decode(bytes.NewReader(shot))
	if err != nil {
		t.Fatal(err)
	}
	// A palette more than halves the size.
	var small bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&small, withPalette(picture)); err != nil {
		t.Fatal(err)
	}
	shot = small.Bytes()
	const maxBytes = 150_000
	if len(shot) > maxBytes {
		t.Errorf("%s has %d bytes, at most %d are allowed", name, len(shot), maxBytes)
	}
	if err := os.WriteFile(filepath.Join(*screenshotDir, name), shot, 0o644); err != nil {
		t.Fatal(err)
	}
}
