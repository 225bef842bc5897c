package view

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/guard"
	"github.com/dbscaler/dbscaler/internal/scaling/ledger"
)

var update = flag.Bool("update", false, "write the golden files")

// recorded are the objects in testdata. TestStatus_WholeOperation and others of cmd/kubectl-dbscaler/app record them with -record from a
// real API server and the simulated AWS.
var recorded = []string{"new", "steady", "changing", "blocked", "stalled"}

// load reads a recorded object.
func load(t *testing.T, name string) Input {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name+".yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var document struct {
		Now    time.Time                 `json:"now"`
		Object *v1alpha1.DBScalingPolicy `json:"object"`
		Events []Event                   `json:"events"`
	}
	if err := yaml.Unmarshal(text, &document); err != nil {
		t.Fatal(err)
	}
	return Input{Object: document.Object, Events: document.Events, Now: document.Now}
}

// expectGolden compares a text with a golden file.
func expectGolden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil || got != string(want) {
		t.Errorf("%s differs (%v); run go test ./internal/view -update, and review the difference. Got\n%s", path, err, got)
	}
}

// expectNarrow checks that no line has more columns than a width.
func expectNarrow(t *testing.T, text string, width int) {
	t.Helper()
	for line := range strings.Lines(text) {
		if columns(strings.TrimRight(line, "\n")) > width {
			t.Errorf("the line has %d columns: %s", columns(line), line)
		}
	}
}

// render renders with a Write function.
func render(t *testing.T, write func(w io.Writer) error) string {
	t.Helper()
	var out bytes.Buffer
	if err := write(&out); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestPolicy_Golden(t *testing.T) {
	for _, name := range recorded {
		t.Run(name, func(t *testing.T) {
			p := NewPolicy(load(t, name))
			tree := render(t, func(w io.Writer) error { return WriteTree(w, p, Options{}) })
			expectNarrow(t, tree, DefaultWidth)
			expectGolden(t, name+".tree", tree)
			expectGolden(t, name+".wide", render(t, func(w io.Writer) error { return WriteTree(w, p, Options{Wide: true, Width: 120}) }))
			text, err := json.MarshalIndent(p, "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			expectGolden(t, name+".json", string(text)+"\n")
			explained := render(t, func(w io.Writer) error { return WriteExplanation(w, ExplainStatus(p), Options{}) })
			expectNarrow(t, explained, DefaultWidth)
			expectGolden(t, name+".explain", explained)
		})
	}
}

// TestPolicy_IsPure: the same input gives the same view, and the input stays as it was.
func TestPolicy_IsPure(t *testing.T) {
	for _, name := range recorded {
		in := load(t, name)
		before := in.Object.DeepCopy()
		first, err := json.Marshal(NewPolicy(in))
		if err != nil {
			t.Fatal(err)
		}
		second, err := json.Marshal(NewPolicy(in))
		if err != nil || !bytes.Equal(first, second) {
			t.Errorf("%s: a second view differs (%v)", name, err)
		}
		if got, want := mustJSON(t, in.Object), mustJSON(t, before); got != want {
			t.Errorf("%s: the object was changed to %s", name, got)
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

func TestTables_Golden(t *testing.T) {
	var all []Policy
	for _, name := range recorded {
		p := NewPolicy(load(t, name))
		p.Name = name
		all = append(all, p)
	}
	table := render(t, func(w io.Writer) error { return WriteTable(w, all, Options{}) })
	expectGolden(t, "table", table)
	expectGolden(t, "table.wide", render(t, func(w io.Writer) error { return WriteTable(w, all, Options{Wide: true}) }))
	top := render(t, func(w io.Writer) error { return WriteFleet(w, NewFleet(all, SortByRisk), Options{}) })
	expectNarrow(t, top, DefaultWidth)
	expectGolden(t, "top", top)
	colored := render(t, func(w io.Writer) error { return WriteTree(w, all[2], Options{Color: true}) })
	plainText := render(t, func(w io.Writer) error { return WriteTree(w, all[2], Options{}) })
	if !strings.Contains(colored, "\x1b[36m▶\x1b[0m") || strings.Contains(plainText, "\x1b") {
		t.Errorf("colours: got\n%q\nand without\n%q", colored, plainText)
	}
}

func TestLedger_Golden(t *testing.T) {
	explain := func(at time.Time, policy string) (Explanation, error) {
		file, err := os.Open(filepath.Join("testdata", "ledger.jsonl"))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = file.Close() }() // nothing was written
		return ExplainLedger(file, "ledger.jsonl", policy, at)
	}
	for name, at := range map[string]time.Time{
		"ledger.blocked": {}, "ledger.scale-up": time.Date(2026, 2, 5, 3, 30, 0, 0, time.UTC),
		"ledger.steady": time.Date(2026, 2, 5, 2, 30, 0, 0, time.UTC),
	} {
		e, err := explain(at, "shop/orders")
		if err != nil {
			t.Fatal(err)
		}
		text := render(t, func(w io.Writer) error { return WriteExplanation(w, e, Options{}) })
		expectNarrow(t, text, DefaultWidth)
		expectGolden(t, name, text)
		for _, c := range e.Changes {
			var names []string
			for _, g := range c.Guards {
				names = append(names, g.Guard)
			}
			if !slices.Equal(names, guard.Names()) {
				t.Errorf("%s: the guards are %v, want those of the chain in their order", name, names)
			}
		}
	}
	for policy, at := range map[string]time.Time{"shop/none": {}, "shop/orders": time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)} {
		if _, err := explain(at, policy); !errors.Is(err, ErrNoRecord) {
			t.Errorf("%s at %s: got %v", policy, at, err)
		}
	}
	if _, err := ExplainLedger(strings.NewReader("kind: Config\n"), "x", "shop/orders", time.Time{}); err == nil || !strings.Contains(err.Error(), "x:1: the line is no record") {
		t.Errorf("no ledger: %v", err)
	}
	old := `{"Format":1,"Inputs":{"Policy":{"Name":"shop/orders"},"Now":"2026-02-05T02:30:00Z"}}`
	if _, err := ExplainLedger(strings.NewReader(old), "x", "shop/orders", time.Time{}); err == nil || !strings.Contains(err.Error(), "x:1: the record has format 1") {
		t.Errorf("an old ledger: %v", err)
	}
}

// TestExplainLedger_SaysWhatWasRecorded: the explanation of a record has the verdicts of the record itself.
func TestExplainLedger_SaysWhatWasRecorded(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("testdata", "ledger.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		var entry ledger.Entry
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			t.Fatal(err)
		}
		e, err := ExplainLedger(strings.NewReader(line), "x", entry.Inputs.Policy.Name, time.Time{})
		if err != nil || len(e.Changes) != len(entry.Decision.Proposals) {
			t.Fatalf("%v, %d changes, want %d", err, len(e.Changes), len(entry.Decision.Proposals))
		}
		for n, evaluation := range entry.Evaluations {
			var blocked []string
			for _, g := range e.Changes[n].Guards {
				if g.Verdict == GuardBlocked {
					blocked = append(blocked, g.Guard+g.Message)
				}
			}
			var want []string
			for _, v := range evaluation.Vetoes {
				want = append(want, v.Guard+v.Message)
			}
			if !slices.Equal(blocked, want) {
				t.Errorf("got the vetoes %v, want %v", blocked, want)
			}
		}
		for _, pool := range entry.Decision.Pools {
			k := slices.IndexFunc(e.Pools, func(p PoolExplanation) bool { return p.Pool == string(pool.Load.Pool) })
			if k < 0 {
				continue
			}
			if l := e.Pools[k].Load; pool.Load.Fresh && *l.UtilizationPercent != pool.Load.UtilizationPercent {
				t.Errorf("got the utilization %v, want %v", *l.UtilizationPercent, pool.Load.UtilizationPercent)
			}
			if demand := newestDemand(e.Pools[k].Demand); pool.Load.Fresh && (demand == nil || *demand > pool.Load.Demand+1e-9) {
				t.Errorf("the newest demand is %v, and the peak of the window %v", demand, pool.Load.Demand)
			}
			if len(e.Pools[k].Candidates) != len(slices.DeleteFunc(pool.Candidates, func(c scaling.Candidate) bool { return c.Verdict == "" })) {
				t.Errorf("got %d candidates, want those with a verdict of %d", len(e.Pools[k].Candidates), len(pool.Candidates))
			}
		}
	}
}

func newestDemand(minutes []MinuteDemand) *float64 {
	if len(minutes) == 0 {
		return nil
	}
	return minutes[len(minutes)-1].VCPUs
}

func TestGuardRemedy_ForEachGuard(t *testing.T) {
	for _, name := range append(guard.Names(), ledger.OperationImpossible) {
		if GuardRemedy(name) == "" {
			t.Errorf("%s has no remedy: add it to guardRemedies", name)
		}
	}
	if len(guardRemedies) != len(guard.Names())+1 {
		t.Errorf("guardRemedies has %d guards, want %d: remove those that do not exist", len(guardRemedies), len(guard.Names())+1)
	}
}
