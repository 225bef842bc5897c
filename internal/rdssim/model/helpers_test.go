package model

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

const (
	testRegion  = "eu-west-1"
	testAccount = "123456789012"
)

// testStart is when the tests' worlds begin.
var testStart = time.Date(2024, 2, 5, 8, 0, 0, 0, time.UTC)

// auroraCluster is a cluster "orders" of PostgreSQL at a steady load, whose first instance, "orders-1", is the writer.
func auroraCluster(writerVCPUs, readerVCPUs float64, classes ...string) Database {
	d := Database{
		Identifier: "orders", Region: testRegion, Engine: "aurora-postgresql", EngineVersion: "16.1", PerformanceInsights: true,
		Load: Load{Writer: constantLoad(writerVCPUs), Readers: constantLoad(readerVCPUs)},
	}
	for n, class := range classes {
		d.Instances = append(d.Instances, Member{Identifier: fmt.Sprintf("orders-%d", n+1), Class: class})
	}
	return d
}

// plainInstance is an instance "ledger" of PostgreSQL at a steady load.
func plainInstance(vcpus float64, class string, multiAZ bool) Database {
	return Database{
		Identifier: "ledger", Region: testRegion, Engine: "postgres", EngineVersion: "16.1", Class: class, MultiAZ: multiAZ,
		Load: Load{Writer: constantLoad(vcpus)},
	}
}

func constantLoad(vcpus float64) Curve { return Curve{Points: []CurvePoint{{VCPUs: vcpus}}} }

// newWorld builds one of databases; change may change the scenario before.
func newWorld(t *testing.T, change func(*Scenario), databases ...Database) *World {
	t.Helper()
	s := Scenario{Seed: 1, AccountID: testAccount, Databases: databases}
	s.Start.Time = testStart
	if change != nil {
		change(&s)
	}
	w, err := New(s)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// advance lets time pass.
func advance(w *World, d time.Duration) { w.Advance(w.Now().Add(d)) }

// stateHistory is what can be seen of an instance as time passes, each state once with how long it lasted.
type stateHistory struct {
	states    []string
	durations []time.Duration
}

// String lists the states.
func (s stateHistory) String() string { return strings.Join(s.states, "; ") }

// recordStates follows an instance, second by second, until it has been in a state for long enough to be at rest.
func recordStates(t *testing.T, w *World, id string) stateHistory {
	t.Helper()
	var s stateHistory
	for rest := time.Duration(0); rest < 20*time.Minute; advance(w, time.Second) {
		state := "gone"
		if i, err := w.Instance(testRegion, id); err == nil {
			truth, _ := w.GroundTruth(testRegion, id)
			state = i.Status + " " + i.Class
			if i.PendingChanges.Class != "" {
				state += ">" + i.PendingChanges.Class
			}
			if !truth.InService {
				state += " out"
			}
		}
		if n := len(s.states); n == 0 || s.states[n-1] != state {
			s.states, s.durations, rest = append(s.states, state), append(s.durations, 0), 0
		}
		s.durations[len(s.durations)-1] += time.Second
		rest += time.Second
	}
	return s
}

// assertStates compares a story, and how long each state but the last lasted at least and at most.
func (s stateHistory) assertStates(t *testing.T, want ...expectedState) {
	t.Helper()
	var states []string
	for _, c := range want {
		states = append(states, c.state)
	}
	if got := strings.Join(states, "; "); s.String() != got {
		t.Fatalf("the story is\n%s\nwant\n%s", s, got)
	}
	for n, c := range want[:len(want)-1] {
		// A second's watch sees a state up to a second longer or shorter.
		if s.durations[n] < c.minDuration-time.Second || s.durations[n] > c.maxDuration+time.Second {
			t.Errorf("%q lasted %s, want from %s to %s", c.state, s.durations[n], c.minDuration, c.maxDuration)
		}
	}
}

// expectedState is one state of a story.
type expectedState struct {
	state                    string
	minDuration, maxDuration time.Duration
}

// assertAPIError checks the code and status of an error, and that its message has some words.
func assertAPIError(t *testing.T, err error, code string, status int, says string) {
	t.Helper()
	var f *APIError
	if !errors.As(err, &f) {
		t.Fatalf("the error is %v, want the fault %s", err, code)
	}
	if f.Code != code || f.HTTPStatus != status || !strings.Contains(f.Message, says) {
		t.Errorf("the fault is %d %v, want %d %s: …%s…", f.HTTPStatus, f, status, code, says)
	}
}

// must fails the test on an error.
func must[T any](t *testing.T) func(T, error) T {
	t.Helper()
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// classChange asks for a class at once.
func classChange(class string) ModifyInstanceRequest {
	return ModifyInstanceRequest{Class: &class, ApplyImmediately: true}
}

// eventMessages lists the events of a source, by "category: message".
func eventMessages(w *World, source string) []string {
	var out []string
	for _, e := range w.Events(testRegion, testStart, w.Now().Add(1)) {
		if e.SourceIdentifier == source {
			out = append(out, e.Category+": "+e.Message)
		}
	}
	return out
}

// cpuByMinute lists the published CPU of an instance by the minute.
func cpuByMinute(w *World, id string) map[string]float64 {
	out := map[string]float64{}
	for _, p := range w.MetricAverages(testRegion, map[string]string{"DBInstanceIdentifier": id}, "CPUUtilization", testStart, w.Now()) {
		out[p.Time.Format("15:04")] = p.Value
	}
	return out
}
