package view

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/ledger"
)

const dayLength = 24 * time.Hour

// entries reads the recorded ledger.
func entries(t *testing.T) []ledger.Entry {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "ledger.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	var out []ledger.Entry
	for line := range strings.Lines(string(text)) {
		var entry ledger.Entry
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			t.Fatal(err)
		}
		out = append(out, entry)
	}
	return out
}

// measuredDay is the day of the recorded object that is blocked, with the samples of the newest record of the ledger.
func measuredDay(t *testing.T) DayInput {
	t.Helper()
	in := load(t, "blocked")
	all := entries(t)
	last := &all[len(all)-1]
	in.Observation, in.Now = &last.Inputs.Observation, last.Inputs.Now
	return DayInput{Input: in, Length: dayLength}
}

func TestDay_Golden(t *testing.T) {
	for name, in := range map[string]DayInput{
		"blocked": {Input: load(t, "blocked"), Length: dayLength}, "changing": {Input: load(t, "changing"), Length: dayLength},
		"new": {Input: load(t, "new"), Length: dayLength},
	} {
		text, err := json.MarshalIndent(NewDay(in), "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		expectGolden(t, name+".day", string(text)+"\n")
	}
}

// TestDay_HasNoPointWithoutData: a day that was not measured has no points, and says so; a measured one has only those of samples.
func TestDay_HasNoPointWithoutData(t *testing.T) {
	day := NewDay(DayInput{Input: load(t, "changing"), Length: dayLength})
	for _, p := range day.Pools {
		if len(p.Points) != 0 || len(p.Instances) != 0 {
			t.Errorf("%s has %d points without a measurement", p.Name, len(p.Points))
		}
	}
	if text := strings.Join(day.Unknown, "\n"); !strings.Contains(text, "Start the dashboard with --metrics") || !strings.Contains(text, "--ledger") {
		t.Errorf("the day does not say what is missing: %s", text)
	}
	in := measuredDay(t)
	day = NewDay(in)
	points := 0
	for _, p := range day.Pools {
		for _, point := range p.Points {
			points++
			if point.DemandVCPUs == nil && point.CPUPercent == nil || point.Seconds != 60 && point.Seconds != 900 {
				t.Errorf("%s has the point %+v", p.Name, point)
			}
		}
	}
	if points == 0 {
		t.Fatal("the measured day has no points")
	}
	// Without the samples of one minute, that minute is a gap.
	at := day.Pools[0].Points[len(day.Pools[0].Points)-5].Time
	o := *in.Observation
	o.Instances = append([]scaling.Instance(nil), o.Instances...)
	for n := range o.Instances {
		o.Instances[n].CPU = withoutSample(o.Instances[n].CPU, at)
	}
	in.Observation = &o
	for _, p := range NewDay(in).Pools {
		for _, point := range p.Points {
			if point.Time.Equal(at) {
				t.Errorf("%s has the point %+v of a minute without a sample", p.Name, point)
			}
		}
	}
}

// withoutSample is a series without the sample of a time.
func withoutSample(s scaling.Series, at time.Time) scaling.Series {
	var rest []scaling.Sample
	for sampled, value := range s.All() {
		if !sampled.Equal(at) {
			rest = append(rest, scaling.Sample{Time: sampled, Value: value})
		}
	}
	return scaling.SeriesOf(s.Period(), rest...)
}

// TestDay_LedgerHasDecisionsAndSamples: a ledger alone gives the points of its records, each blocked time with its end, and the cause of an
// operation.
func TestDay_LedgerHasDecisionsAndSamples(t *testing.T) {
	in := DayInput{Input: load(t, "blocked"), Length: dayLength, Ledger: NewLedgerDay()}
	for _, entry := range entries(t) {
		in.Ledger.AddEntry(&entry)
	}
	in.Ledger.AddEntry(&ledger.Entry{Format: 1})
	day := NewDay(in)
	for _, p := range day.Pools {
		if len(p.Points) < 60 {
			t.Errorf("%s has %d points, want at least those of an hour", p.Name, len(p.Points))
		}
		for n := 1; n < len(p.Points); n++ {
			if before := p.Points[n-1]; before.Time.Add(time.Duration(before.Seconds) * time.Second).After(p.Points[n].Time) {
				t.Errorf("%s: the points %+v and %+v overlap", p.Name, before, p.Points[n])
			}
		}
	}
	kinds := map[MarkKind][]Mark{}
	for _, m := range day.Marks {
		kinds[m.Kind] = append(kinds[m.Kind], m)
	}
	blocked, operations := kinds[MarkBlocked], kinds[MarkOperation]
	if len(blocked) == 0 || blocked[len(blocked)-1].Guard != "DisruptionWindow" || !blocked[len(blocked)-1].End.IsZero() {
		t.Errorf("got the blocked changes %+v, want DisruptionWindow in force", blocked)
	}
	if len(operations) != 1 || !strings.Contains(operations[0].Text, "at 77% CPU over 2 min (threshold 75%)") {
		t.Errorf("got the operations %+v, want one with its cause", operations)
	}
	if text := strings.Join(day.Unknown, "\n"); !strings.Contains(text, "1 record of the ledger: another version") {
		t.Errorf("the record of another format is not reported: %s", text)
	}
}

// TestDay_SeenDecisions: decisions that were seen in the status become marks, those that say the same become one.
func TestDay_SeenDecisions(t *testing.T) {
	in := DayInput{Input: load(t, "steady"), Length: dayLength}
	in.Object.Status.Decision = nil
	in.Object.Status.History = nil
	in.Events = nil
	at := func(minutes int) time.Time { return in.Now.Add(time.Duration(minutes) * time.Minute) }
	block := func(message string, from int) SeenDecision {
		return SeenDecision{Decision: Decision{
			Reason: "ScaleUp", Message: message, Time: at(from), Pool: "Writer", From: "1 × a", Desired: "1 × b",
			BlockedBy: []Block{{Guard: "Cooldown", Message: "for a while"}},
		}, Until: at(from + 10)}
	}
	in.Seen, in.SeenSince = []SeenDecision{block("77%", -40), block("78%", -30), {Decision: Decision{
		Reason: "WithinThresholds", Message: "fine", Time: at(-20),
	}}}, at(-60)
	day := NewDay(in)
	if len(day.Marks) != 2 {
		t.Fatalf("got %+v, want one blocked change and one decision", day.Marks)
	}
	want := Mark{
		Kind: MarkBlocked, Time: at(-40), End: at(-20), Pool: "Writer", Title: "Cooldown blocks writer 1 × a → 1 × b",
		Text: "77%. for a while", Guard: "Cooldown",
	}
	if day.Marks[0] != want {
		t.Errorf("got %+v, want %+v", day.Marks[0], want)
	}
	if text := strings.Join(day.Unknown, "\n"); !strings.Contains(text, "what this dashboard has seen since "+at(-60).Format(time.RFC3339)) {
		t.Errorf("got %s", text)
	}
}

// TestAppendSeen: a decision ends when another one is seen or an operation starts; one that says the same goes on.
func TestAppendSeen(t *testing.T) {
	start := time.Date(2026, 2, 5, 1, 0, 0, 0, time.UTC)
	at := func(minutes int) time.Time { return start.Add(time.Duration(minutes) * time.Minute) }
	see := func(seen []SeenDecision, minutes int, reason string, op *Operation) []SeenDecision {
		return AppendSeen(seen, &Policy{Decision: &Decision{Reason: reason, Message: reason, Time: at(minutes)}, Operation: op})
	}
	seen := see(nil, 0, "WithinThresholds", nil)
	seen = see(seen, 5, "WithinThresholds", nil)
	seen = see(seen, 10, "Cooldown", nil)
	seen = see(seen, 10, "Cooldown", nil)
	seen = see(seen, 20, "ScalingUp", &Operation{StartTime: at(18)})
	seen = see(seen, 25, "ScalingUp", &Operation{StartTime: at(18)})
	seen = see(seen, 40, "Cooldown", nil)
	seen = AppendSeen(seen, &Policy{})
	want := []struct {
		reason      string
		from, until time.Time
	}{{"WithinThresholds", at(0), at(10)}, {"Cooldown", at(10), at(18)}, {"Cooldown", at(40), time.Time{}}}
	if len(seen) != len(want) {
		t.Fatalf("got %+v", seen)
	}
	for n, w := range want {
		if s := seen[n]; s.Decision.Reason != w.reason || !s.Decision.Time.Equal(w.from) || !s.Until.Equal(w.until) {
			t.Errorf("got %+v, want %+v", s, w)
		}
	}
}
