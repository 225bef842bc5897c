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

// testStart is the start of the scenarios of the tests.
var testStart = time.Date(2024, 2, 5, 8, 0, 0, 0, time.UTC)

// auroraCluster is an Aurora PostgreSQL cluster "orders" at a constant load. Its first instance, "orders-1", is the writer.
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

// standaloneInstance is a PostgreSQL instance "ledger" at a constant load.
func standaloneInstance(vcpus float64, class string, multiAZ bool) Database {
	return Database{
		Identifier: "ledger", Region: testRegion, Engine: "postgres", EngineVersion: "16.1", Class: class, MultiAZ: multiAZ,
		Load: Load{Writer: constantLoad(vcpus)},
	}
}

func constantLoad(vcpus float64) Curve { return Curve{Points: []CurvePoint{{VCPUs: vcpus}}} }

// newWorld returns a World with databases; change, if not nil, edits the scenario.
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

// advance advances the simulated time.
func advance(w *World, d time.Duration) { w.Advance(w.Now().Add(d)) }

// stateHistory is the sequence of states of an instance, and the duration of each.
type stateHistory struct {
	states    []string
	durations []time.Duration
}

// String lists the states.
func (s stateHistory) String() string { return strings.Join(s.states, "; ") }

// recordStates records the states of an instance second by second, until a state has lasted for 20 minutes.
func recordStates(t *testing.T, w *World, id string) stateHistory {
	t.Helper()
	var s stateHistory
	for unchanged := time.Duration(0); unchanged < 20*time.Minute; advance(w, time.Second) {
		state := "gone"
		if i, err := w.Instance(testRegion, id); err == nil {
			actual, _ := w.GroundTruth(testRegion, id)
			state = i.Status + " " + i.Class
			if i.PendingChanges.Class != "" {
				state += ">" + i.PendingChanges.Class
			}
			if !actual.InService {
				state += " out"
			}
		}
		if n := len(s.states); n == 0 || s.states[n-1] != state {
			s.states, s.durations, unchanged = append(s.states, state), append(s.durations, 0), 0
		}
		s.durations[len(s.durations)-1] += time.Second
		unchanged += time.Second
	}
	return s
}

// assertStates checks the states, and the duration of each but the last.
func (s stateHistory) assertStates(t *testing.T, want ...expectedState) {
	t.Helper()
	var states []string
	for _, c := range want {
		states = append(states, c.state)
	}
	if got := strings.Join(states, "; "); s.String() != got {
		t.Fatalf("got states\n%s\nwant\n%s", s, got)
	}
	for n, c := range want[:len(want)-1] {
		// With one sample per second a duration is accurate to one second.
		if s.durations[n] < c.minDuration-time.Second || s.durations[n] > c.maxDuration+time.Second {
			t.Errorf("state %q lasted %s, want %s to %s", c.state, s.durations[n], c.minDuration, c.maxDuration)
		}
	}
}

// expectedState is an expected state and the range of its duration.
type expectedState struct {
	state                    string
	minDuration, maxDuration time.Duration
}

// assertAPIError checks the code, the HTTP status and a part of the message of an *APIError.
func assertAPIError(t *testing.T, err error, code string, status int, message string) {
	t.Helper()
	var apiErr *APIError
	if !errors.As(err, &apiErr) {
		t.Fatalf("got error %v, want an APIError with code %s", err, code)
	}
	if apiErr.Code != code || apiErr.HTTPStatus != status || !strings.Contains(apiErr.Message, message) {
		t.Errorf("got %d %v, want %d %s with %q in the message", apiErr.HTTPStatus, apiErr, status, code, message)
	}
}

// must returns a function that fails the test on an error.
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

// classChange is a request for an immediate change of the class.
func classChange(class string) ModifyInstanceRequest {
	return ModifyInstanceRequest{Class: &class, ApplyImmediately: true}
}

// eventMessages returns the events of a cluster or instance as "category: message".
func eventMessages(w *World, source string) []string {
	var out []string
	for _, e := range w.Events(testRegion, testStart, w.Now().Add(1)) {
		if e.SourceIdentifier == source {
			out = append(out, e.Category+": "+e.Message)
		}
	}
	return out
}

// cpuByMinute returns the published CPUUtilization of an instance by minute.
func cpuByMinute(w *World, id string) map[string]float64 {
	out := map[string]float64{}
	for _, p := range w.MetricAverages(testRegion, map[string]string{"DBInstanceIdentifier": id}, "CPUUtilization", testStart, w.Now()) {
		out[p.Time.Format("15:04")] = p.Value
	}
	return out
}
