package model

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

const (
	ireland = "eu-west-1"
	account = "123456789012"
)

// begin is when the tests' worlds begin.
var begin = time.Date(2024, 2, 5, 8, 0, 0, 0, time.UTC)

// aurora is a cluster "orders" of PostgreSQL at a steady load, whose first instance, "orders-1", is the writer.
func aurora(writerVCPUs, readerVCPUs float64, classes ...string) Database {
	d := Database{
		Identifier: "orders", Region: ireland, Engine: "aurora-postgresql", EngineVersion: "16.1", PerformanceInsights: true,
		Load: Load{Writer: steady(writerVCPUs), Readers: steady(readerVCPUs)},
	}
	for n, class := range classes {
		d.Instances = append(d.Instances, Member{Identifier: fmt.Sprintf("orders-%d", n+1), Class: class})
	}
	return d
}

// plain is an instance "ledger" of PostgreSQL at a steady load.
func plain(vcpus float64, class string, multiAZ bool) Database {
	return Database{
		Identifier: "ledger", Region: ireland, Engine: "postgres", EngineVersion: "16.1", Class: class, MultiAZ: multiAZ,
		Load: Load{Writer: steady(vcpus)},
	}
}

func steady(vcpus float64) Curve { return Curve{Points: []CurvePoint{{VCPUs: vcpus}}} }

// world builds one of databases; change may change the scenario before.
func world(t *testing.T, change func(*Scenario), databases ...Database) *World {
	t.Helper()
	s := Scenario{Seed: 1, AccountID: account, Databases: databases}
	s.Start.Time = begin
	if change != nil {
		change(&s)
	}
	w, err := New(s)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// pass lets time pass.
func pass(w *World, d time.Duration) { w.Advance(w.Now().Add(d)) }

// story is what can be seen of an instance as time passes, each state once with how long it lasted.
type story struct {
	states []string
	lasted []time.Duration
}

// String lists the states.
func (s story) String() string { return strings.Join(s.states, "; ") }

// watch follows an instance, second by second, until it has been in a state for long enough to be at rest.
func watch(t *testing.T, w *World, id string) story {
	t.Helper()
	var s story
	for rest := time.Duration(0); rest < 20*time.Minute; pass(w, time.Second) {
		state := "gone"
		if i, err := w.Instance(ireland, id); err == nil {
			truth, _ := w.Truth(ireland, id)
			state = i.Status + " " + i.Class
			if i.Pending.Class != "" {
				state += ">" + i.Pending.Class
			}
			if !truth.InService {
				state += " out"
			}
		}
		if n := len(s.states); n == 0 || s.states[n-1] != state {
			s.states, s.lasted, rest = append(s.states, state), append(s.lasted, 0), 0
		}
		s.lasted[len(s.lasted)-1] += time.Second
		rest += time.Second
	}
	return s
}

// want compares a story, and how long each state but the last lasted at least and at most.
func (s story) want(t *testing.T, want ...chapter) {
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
		if s.lasted[n] < c.least-time.Second || s.lasted[n] > c.most+time.Second {
			t.Errorf("%q lasted %s, want from %s to %s", c.state, s.lasted[n], c.least, c.most)
		}
	}
}

// chapter is one state of a story.
type chapter struct {
	state       string
	least, most time.Duration
}

// wantFault checks the code and status of an error, and that its message has some words.
func wantFault(t *testing.T, err error, code string, status int, says string) {
	t.Helper()
	var f *Fault
	if !errors.As(err, &f) {
		t.Fatalf("the error is %v, want the fault %s", err, code)
	}
	if f.Code != code || f.HTTPStatus != status || !strings.Contains(f.Message, says) {
		t.Errorf("the fault is %d %v, want %d %s: …%s…", f.HTTPStatus, f, status, code, says)
	}
}

// try fails the test on an error.
func try[T any](t *testing.T) func(T, error) T {
	t.Helper()
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// resize asks for a class at once.
func resize(class string) Modify { return Modify{Class: &class, ApplyImmediately: true} }

// messages lists the events of a source, by "category: message".
func messages(w *World, source string) []string {
	var out []string
	for _, e := range w.Events(ireland, begin, w.Now().Add(1)) {
		if e.Source == source {
			out = append(out, e.Category+": "+e.Message)
		}
	}
	return out
}

// cpu lists the published CPU of an instance by the minute.
func cpu(w *World, id string) map[string]float64 {
	out := map[string]float64{}
	for _, p := range w.Points(ireland, map[string]string{"DBInstanceIdentifier": id}, "CPUUtilization", begin, w.Now()) {
		out[p.At.Format("15:04")] = p.Value
	}
	return out
}
