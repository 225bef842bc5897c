package dashboard

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/scaling/ledger"
	"github.com/dbscaler/dbscaler/internal/view"
)

// recordings are the objects that tests of cmd/kubectl-dbscaler/app have recorded.
const recordings = "../view/testdata"

// recordedInput reads a recorded object.
func recordedInput(t *testing.T, name string) view.Input {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(recordings, name+".yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var document struct {
		Now    time.Time                 `json:"now"`
		Object *v1alpha1.DBScalingPolicy `json:"object"`
		Events []view.Event              `json:"events"`
	}
	if err := yaml.Unmarshal(text, &document); err != nil {
		t.Fatal(err)
	}
	return view.Input{Object: document.Object, Events: document.Events, Now: document.Now}
}

// lastEntry is the newest record of the recorded ledger.
func lastEntry(t *testing.T) ledger.Entry {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(recordings, "ledger.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
	var entry ledger.Entry
	if err := json.Unmarshal(lines[len(lines)-1], &entry); err != nil {
		t.Fatal(err)
	}
	return entry
}

// recordedSource is a source of recorded objects.
type recordedSource struct {
	listing Listing
	events  map[types.NamespacedName][]view.Event
	err     error
	lists   atomic.Int32
}

func (s *recordedSource) List(context.Context) (Listing, error) {
	s.lists.Add(1)
	return s.listing, s.err
}

func (s *recordedSource) Events(_ context.Context, p *v1alpha1.DBScalingPolicy) ([]view.Event, string) {
	return s.events[client.ObjectKeyFromObject(p)], ""
}

// newSource has the recorded objects with the names of their recordings, or with their own name if there is one.
func newSource(t *testing.T, names ...string) (*recordedSource, time.Time) {
	t.Helper()
	s := &recordedSource{listing: Listing{Scope: "all namespaces"}, events: map[types.NamespacedName][]view.Event{}}
	var now time.Time
	for _, name := range names {
		in := recordedInput(t, name)
		if len(names) > 1 {
			in.Object.Name = name
		}
		s.listing.Policies = append(s.listing.Policies, *in.Object)
		s.events[client.ObjectKeyFromObject(in.Object)] = in.Events
		now = in.Now
	}
	return s, now
}

// serve runs a server until the end of the test, and returns the address of its page.
func serve(t *testing.T, o Options) string {
	t.Helper()
	server, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := Listen(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(ctx, listener) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return URL(listener)
}

// answer is what a request is answered with, beside the body.
type answer struct {
	StatusCode int
	Header     http.Header
}

// request makes a request, and returns the answer and its body.
func request(t *testing.T, method, url string, change func(*http.Request)) (answer, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(r)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(response.Body)
	if closeErr := response.Body.Close(); err != nil || closeErr != nil {
		t.Fatal(err, closeErr)
	}
	return answer{response.StatusCode, response.Header}, string(body)
}

// get reads JSON.
func get[T any](t *testing.T, url string) T {
	t.Helper()
	response, body := request(t, http.MethodGet, url, nil)
	var out T
	if err := json.Unmarshal([]byte(body), &out); err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s answered %d, %v: %s", url, response.StatusCode, err, body)
	}
	return out
}

var paths = []string{
	"", "app.js", "style.css", "api/about", "api/fleet", "api/policies", "api/policies/shop/orders", "api/policies/shop/orders/day",
}

func TestServer_AnswersOnlyItsOwnPage(t *testing.T) {
	source, now := newSource(t, "blocked")
	url := serve(t, Options{Source: source, Clock: clocktesting.NewFakePassiveClock(now)})
	_, port, _ := strings.Cut(strings.TrimSuffix(strings.TrimPrefix(url, "http://"), "/"), ":")
	for _, path := range paths {
		response, body := request(t, http.MethodGet, url+path, nil)
		if response.StatusCode != http.StatusOK || body == "" {
			t.Errorf("/%s answered %d: %s", path, response.StatusCode, body)
		}
		policy := response.Header.Get("Content-Security-Policy")
		if !strings.HasPrefix(policy, "default-src 'none'; ") || strings.Contains(policy, "unsafe") || strings.Contains(policy, "*") {
			t.Errorf("/%s has the policy %q", path, policy)
		}
		if response.Header.Get("X-Content-Type-Options") != "nosniff" || response.Header.Get("Cross-Origin-Resource-Policy") != "same-origin" {
			t.Errorf("/%s has the headers %v", path, response.Header)
		}
		if response, _ = request(t, http.MethodHead, url+path, nil); response.StatusCode != http.StatusOK {
			t.Errorf("HEAD /%s answered %d", path, response.StatusCode)
		}
		for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
			if response, _ = request(t, method, url+path, nil); response.StatusCode != http.StatusMethodNotAllowed {
				t.Errorf("%s /%s answered %d, want 405", method, path, response.StatusCode)
			}
		}
		for host, want := range map[string]int{
			"localhost:" + port: http.StatusOK, "127.0.0.1:" + port: http.StatusOK, "evil.example": http.StatusMisdirectedRequest,
			"evil.example:" + port: http.StatusMisdirectedRequest, "127.0.0.1": http.StatusMisdirectedRequest,
			"127.0.0.1:1": http.StatusMisdirectedRequest, "127.0.0.1.evil.example:" + port: http.StatusMisdirectedRequest,
		} {
			response, body := request(t, http.MethodGet, url+path, func(r *http.Request) { r.Host = host })
			if response.StatusCode != want || want != http.StatusOK && strings.Contains(body, "orders") {
				t.Errorf("/%s for the host %s answered %d, want %d: %s", path, host, response.StatusCode, want, body)
			}
		}
		for site, want := range map[string]int{"same-origin": 200, "none": 200, "cross-site": 403, "same-site": 403} {
			if !strings.HasPrefix(path, "api/") {
				want = 200 // a link on another site may lead to the page
			}
			response, _ := request(t, http.MethodGet, url+path, func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", site) })
			if response.StatusCode != want {
				t.Errorf("/%s for a request from %s answered %d, want %d", path, site, response.StatusCode, want)
			}
		}
	}
	for path, want := range map[string]int{
		"none": 404, "assets/app.js": 404, "api/none": 404, "api/fleet?sort=none": 400, "api/policies/shop/none": 404, "api/policies/shop/none/day": 404,
	} {
		if response, body := request(t, http.MethodGet, url+path, nil); response.StatusCode != want {
			t.Errorf("/%s answered %d, want %d: %s", path, response.StatusCode, want, body)
		}
	}
}

// TestServer_JSONIsThatOfTheCommands compares with the golden files of internal/view, which status -o json prints, and with its fleet.
func TestServer_JSONIsThatOfTheCommands(t *testing.T) {
	for _, name := range []string{"new", "steady", "changing", "blocked", "stalled"} {
		source, now := newSource(t, name)
		object := &source.listing.Policies[0]
		url := serve(t, Options{Source: source, Clock: clocktesting.NewFakePassiveClock(now)})
		_, body := request(t, http.MethodGet, url+"api/policies/"+object.Namespace+"/"+object.Name, nil)
		golden, err := os.ReadFile(filepath.Join(recordings, name+".json.golden"))
		if err != nil {
			t.Fatal(err)
		}
		want := "{\n  \"policies\": [\n    " + strings.ReplaceAll(strings.TrimSuffix(string(golden), "\n"), "\n", "\n    ") + "\n  ]\n}\n"
		if body != want {
			t.Errorf("%s: got\n%s\nwant\n%s", name, body, want)
		}
		day, err := os.ReadFile(filepath.Join(recordings, name+".day.golden"))
		if err != nil {
			continue // there is a golden day of some
		}
		_, body = request(t, http.MethodGet, url+"api/policies/"+object.Namespace+"/"+object.Name+"/day", nil)
		var got, wanted view.Day
		if err := errors.Join(json.Unmarshal([]byte(body), &got), json.Unmarshal(day, &wanted)); err != nil {
			t.Fatal(err)
		}
		got.Unknown, wanted.Unknown = nil, nil // the server adds since when it has seen decisions
		if text, wantText := mustJSON(t, got), mustJSON(t, wanted); text != wantText {
			t.Errorf("%s: got the day\n%s\nwant\n%s", name, text, wantText)
		}
	}
	source, now := newSource(t, "new", "steady", "changing", "blocked", "stalled")
	url := serve(t, Options{Source: source, Clock: clocktesting.NewFakePassiveClock(now)})
	for _, order := range []view.SortFleet{"", view.SortByRisk, view.SortByHeadroom, view.SortByCost} {
		var views []view.Policy
		for n := range source.listing.Policies {
			views = append(views, view.NewPolicy(view.Input{Object: &source.listing.Policies[n], Now: now}))
		}
		_, body := request(t, http.MethodGet, url+"api/fleet?sort="+string(order), nil)
		want, err := json.MarshalIndent(map[string]any{"policies": view.NewFleet(views, order)}, "", "  ")
		if err != nil || body != string(want)+"\n" {
			t.Errorf("%q: %v, got\n%s\nwant\n%s", order, err, body, want)
		}
	}
}

func mustJSON(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestServer_NamesWhatItMayNotRead: an error of the source and its notices reach the page.
func TestServer_NamesWhatItMayNotRead(t *testing.T) {
	source, now := newSource(t, "blocked")
	source.listing.Notices = []string{"Only the namespace shop is shown"}
	clock := clocktesting.NewFakePassiveClock(now)
	url := serve(t, Options{Source: source, Clock: clock, Cluster: "production", Version: "v1"})
	about := get[About](t, url+"api/about")
	if about.Cluster != "production" || about.Version != "v1" || len(about.Notices) != 1 || about.Scope != "all namespaces" || about.Measures {
		t.Errorf("got %+v", about)
	}
	source.err = errors.New("you may not list dbscalingpolicies.scaling.dbscaler.io")
	clock.SetTime(now.Add(time.Hour))
	for _, path := range paths[3:] {
		response, body := request(t, http.MethodGet, url+path, nil)
		if response.StatusCode != http.StatusBadGateway || !strings.Contains(body, "you may not list dbscalingpolicies") {
			t.Errorf("/%s answered %d: %s", path, response.StatusCode, body)
		}
	}
}

// TestServer_ReadsOnceForSeveralPages: the policies are not read again within two seconds, and then they are.
func TestServer_ReadsOnceForSeveralPages(t *testing.T) {
	source, now := newSource(t, "blocked")
	clock := clocktesting.NewFakePassiveClock(now)
	url := serve(t, Options{Source: source, Clock: clock})
	for range 3 {
		for _, path := range paths[3:] {
			request(t, http.MethodGet, url+path, nil)
		}
	}
	if n := source.lists.Load(); n != 1 {
		t.Errorf("the policies were listed %d times, want once", n)
	}
	clock.SetTime(now.Add(minSnapshotAge))
	request(t, http.MethodGet, url+"api/fleet", nil)
	if n := source.lists.Load(); n != 2 {
		t.Errorf("two seconds later the policies were listed %d times, want twice", n)
	}
}

// TestServer_MeasuresBesideRequests: the page says that AWS is being read, and has the load when it was read; an hour later it is read again.
func TestServer_MeasuresBesideRequests(t *testing.T) {
	source, _ := newSource(t, "blocked")
	entry := lastEntry(t)
	clock := clocktesting.NewFakePassiveClock(entry.Inputs.Now)
	measured, proceed := make(chan struct{}), make(chan struct{})
	url := serve(t, Options{Source: source, Clock: clock, Measure: func(ctx context.Context, policies []v1alpha1.DBScalingPolicy) map[types.NamespacedName]Measurement {
		select {
		case <-proceed:
		case <-ctx.Done():
			return nil
		}
		defer func() { measured <- struct{}{} }()
		return map[types.NamespacedName]Measurement{client.ObjectKeyFromObject(&policies[0]): {Observation: &entry.Inputs.Observation}}
	}})
	read := func() view.Policy {
		return get[policiesDocument[view.Policy]](t, url+"api/policies/shop/orders").Policies[0]
	}
	if p := read(); p.Measured || !strings.Contains(p.MeasurementError, "is being read from AWS") {
		t.Errorf("before AWS was read: %v %q", p.Measured, p.MeasurementError)
	}
	proceed <- struct{}{}
	<-measured
	deadline, stop := context.WithTimeout(t.Context(), 10*time.Second)
	defer stop()
	for p := read(); !p.Measured || p.Pools[0].Load == nil; p = read() {
		if deadline.Err() != nil {
			t.Fatal("the load that was read from AWS is not shown")
		}
	}
	day := get[view.Day](t, url+"api/policies/shop/orders/day")
	if len(day.Pools) != 2 || len(day.Pools[0].Points) == 0 {
		t.Errorf("the day has no points: %+v", day)
	}
	clock.SetTime(entry.Inputs.Now.Add(time.Hour))
	read()
	proceed <- struct{}{} // it waits for this only when it is read again
	<-measured
}

// TestServe_EndsWithAllItStarted: when the context ends, Serve waits for what reads AWS, and leaves no goroutine and no open port.
func TestServe_EndsWithAllItStarted(t *testing.T) {
	before := runtime.NumGoroutine()
	source, now := newSource(t, "blocked")
	started, ended := make(chan struct{}), atomic.Bool{}
	server, err := New(Options{Source: source, Clock: clocktesting.NewFakePassiveClock(now), Measure: func(ctx context.Context, _ []v1alpha1.DBScalingPolicy) map[types.NamespacedName]Measurement {
		close(started)
		<-ctx.Done()
		ended.Store(true)
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	listener, err := Listen(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- server.Serve(ctx, listener) }()
	request(t, http.MethodGet, URL(listener)+"api/fleet", nil)
	<-started
	stop()
	if err := <-served; err != nil || !ended.Load() {
		t.Errorf("got %v, and what reads AWS has ended: %v", err, ended.Load())
	}
	http.DefaultClient.CloseIdleConnections()
	deadline, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for runtime.NumGoroutine() > before && deadline.Err() == nil {
		runtime.Gosched()
	}
	if after := runtime.NumGoroutine(); after > before {
		stacks := make([]byte, 1<<16)
		t.Errorf("%d goroutines before, %d after:\n%s", before, after, stacks[:runtime.Stack(stacks, true)])
	}
	again, err := Listen(t.Context(), listenerPort(listener))
	if err != nil {
		t.Fatalf("the port is still in use: %v", err)
	}
	if _, err := Listen(t.Context(), listenerPort(again)); err == nil || !strings.Contains(err.Error(), "choose another --port") {
		t.Errorf("a port in use: got %v", err)
	}
	_ = again.Close()
}
