package ledger

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/guard"
)

var now = time.Date(2026, 2, 5, 10, 0, 0, 0, time.UTC)

// newInputs returns a cluster with one reader at a steady load, and a policy that scales it.
func newInputs(percent float64) Inputs {
	tags := map[string]string{scaling.TagOptIn: "platform"}
	samples := func(value float64, period time.Duration) scaling.Series {
		s := scaling.NewSeriesBuffer(period)
		for at := now.Add(-6 * time.Hour); at.Before(now.Add(-period)); at = at.Add(period) {
			s.Add(at, value+float64(at.Unix()%7)/3)
		}
		return s.Series()
	}
	instance := func(name string) scaling.Instance {
		return scaling.Instance{
			Identifier: name, Class: "db.r6g.xlarge", Status: scaling.StatusAvailable, Tags: tags, CPU: samples(percent, time.Minute),
			FreeableMemory: samples(16<<30, 5*time.Minute), Connections: samples(50, 5*time.Minute), CreatedAt: now.AddDate(0, -1, 0),
		}
	}
	writer := instance("w")
	writer.Writer = true
	reader := instance("a")
	reader.ReplicaLag = &scaling.Lag{MeasuredAt: now, Value: 20 * time.Millisecond}
	return Inputs{
		Policy: scaling.Policy{
			Name: "platform/engine", Namespace: "platform", Mode: scaling.Enforce,
			Target:  scaling.Target{Scope: scaling.Scope{Region: "eu-west-1"}, Kind: scaling.DBCluster, Identifier: "engine"},
			Readers: &scaling.ReaderLimits{InstanceClasses: []string{"db.r6g.large", "db.r6g.xlarge", "db.r6g.2xlarge"}, Min: 1, Max: 4, Preference: scaling.Vertical},
			Writer:  &scaling.WriterLimits{InstanceClasses: []string{"db.r6g.large", "db.r6g.xlarge"}},
			CPU:     scaling.CPU{Target: 55, ScaleUp: 70, ScaleDown: 35}, ScaleUp: scaling.Behavior{Window: 3 * time.Minute, Cooldown: 10 * time.Minute},
			ScaleDown: scaling.Behavior{Window: time.Hour, Cooldown: time.Hour}, PredictiveScaling: scaling.PredictiveScaling{Trend: true, History: true},
			Guardrails: scaling.Guardrails{MaxOperationsPerDay: 3, SurgeReaders: 1, MaxStepFactor: 4},
			Prices:     map[string]scaling.Money{"db.r6g.large": 260_000, "db.r6g.xlarge": 520_000, "db.r6g.2xlarge": 1_040_000},
		},
		Observation: scaling.Observation{
			ObservedAt: now, Found: true, Engine: "aurora-postgresql", EngineVersion: "16.1", Status: scaling.StatusAvailable, Tags: tags,
			Instances: []scaling.Instance{writer, reader}, WriterChangedAt: now.Add(-24 * time.Hour), ReadersChangedAt: now.Add(-24 * time.Hour),
			Orderable: []string{"db.r6g.2xlarge", "db.r6g.large", "db.r6g.xlarge"},
		},
		Now: now,
	}
}

func TestDecide_FirstProposalWithoutVetoIsApproved(t *testing.T) {
	paused := newInputs(80)
	paused.Policy.ManualControl.PausedUntil = now.Add(20 * time.Second)
	outsideWindow := newInputs(80)
	outsideWindow.Policy.Readers.InstanceClasses = nil // only the writer can scale up, and its window is closed
	outsideWindow.Policy.Readers = nil
	outsideWindow.Policy.Writer.InstanceClasses = []string{"db.r6g.xlarge", "db.r6g.2xlarge"}
	outsideWindow.Policy.DisruptionWindows = []scaling.Window{{Schedule: "0 2 * * *", Duration: time.Hour, TimeZone: "UTC"}}
	for _, test := range []struct {
		name     string
		in       Inputs
		reason   scaling.Reason
		approved bool
		vetoes   []string
		requeue  time.Duration
	}{
		{"within the thresholds", newInputs(50), scaling.ReasonWithinThresholds, false, nil, time.Minute},
		{"too small", newInputs(80), scaling.ReasonScaleUp, true, nil, time.Minute},
		{"too small and paused", paused, scaling.ReasonScaleUp, false, []string{"Paused"}, 20 * time.Second},
		{"too small and outside the window", outsideWindow, scaling.ReasonScaleUp, false, []string{"DisruptionWindow"}, time.Minute},
	} {
		t.Run(test.name, func(t *testing.T) {
			e := Decide(test.in)
			reason := e.Decision.Hold.Reason
			if len(e.Decision.Proposals) > 0 {
				reason = e.Decision.Proposals[0].Reason
			}
			proposal, op, approved := e.ApprovedProposal()
			if reason != test.reason || approved != test.approved || e.RequeueAfter != test.requeue {
				t.Errorf("got %s, approved %t, RequeueAfter %s", reason, approved, e.RequeueAfter)
			}
			if approved && (len(op.Steps) == 0 || proposal.To.Count == 0 || op.Emergency != proposal.Emergency) {
				t.Errorf("approved %+v with %+v", proposal, op)
			}
			if len(e.Evaluations) == 0 {
				return
			}
			var vetoes []string
			for _, v := range e.Evaluations[0].Vetoes {
				vetoes = append(vetoes, v.Guard)
			}
			if !slices.Equal(vetoes, test.vetoes) {
				t.Errorf("blocked by %v, want %v", vetoes, test.vetoes)
			}
			if len(e.Evaluations[0].PassedGuards)+len(vetoes) != len(guard.Names()) {
				t.Errorf("%d guards passed and %d vetoed, of %d", len(e.Evaluations[0].PassedGuards), len(vetoes), len(guard.Names()))
			}
		})
	}
	t.Run("no safe sequence of steps", func(t *testing.T) {
		in := newInputs(10)
		in.Observation.Instances = append(in.Observation.Instances, in.Observation.Instances[1])
		in.Observation.Instances[2].Identifier = "b"
		in.Policy.Writer = nil
		in.Policy.ManualControl.Override = &scaling.ManualOverride{Readers: &scaling.Shape{InstanceClass: "db.r6g.xlarge", Count: 1}, ExpiresAt: now.Add(time.Hour)}
		e := Decide(in) // somebody else created both readers
		if _, _, approved := e.ApprovedProposal(); approved || len(e.Evaluations) == 0 || e.Evaluations[0].Vetoes[0].Guard != OperationImpossible {
			t.Errorf("approved %t: %+v", approved, e.Evaluations)
		}
	})
}

// Replay returns the bytes of the recorded entry.
func TestReplay_IsExact(t *testing.T) {
	zone, err := time.LoadLocation("Europe/Amsterdam")
	if err != nil {
		t.Fatal(err)
	}
	for seed := range uint64(200) {
		random := rand.New(rand.NewPCG(seed, 0))
		in := newInputs(float64(random.IntN(101)))
		in.Now = now.Add(time.Duration(random.IntN(600)) * time.Second).In([]*time.Location{time.UTC, zone, time.Local}[seed%3])
		in.Observation.ReadersChangedAt = in.Observation.ReadersChangedAt.In(zone)
		for n := range in.Observation.Instances {
			cpu := in.Observation.Instances[n].CPU
			values := make([]float64, cpu.Len())
			for k := range values {
				values[k], _ = cpu.At(k)
			}
			for range random.IntN(5) {
				values[random.IntN(len(values))] = []float64{math.NaN(), math.Inf(1), -1, 0, 100, 1e300, 1e30}[random.IntN(7)]
			}
			for k := range random.IntN(100) {
				values[3+k] = math.NaN()
			}
			in.Observation.Instances[n].CPU = scaling.NewSeries(cpu.Period(), cpu.Start(), values...)
		}
		in.Policy.Mode = []scaling.Mode{scaling.Enforce, scaling.Recommend, scaling.Approve}[random.IntN(3)]
		if random.IntN(2) == 0 {
			before := 80
			in.Observation.History = scaling.History{{Pool: scaling.Readers, Direction: scaling.Up, StartedAt: now, CompletedAt: now, UtilizationBefore: &before}}
		}
		line, err := Record(in)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if bytes.ContainsRune(line, '\n') {
			t.Fatalf("seed %d: the entry has more than one line", seed)
		}
		again, err := Replay(line)
		if err != nil || !bytes.Equal(line, again) {
			t.Fatalf("seed %d: %v\n%s\nwas replayed as\n%s", seed, err, line, again)
		}
		// The recorded decision is also the one made from the original inputs.
		var recorded Entry
		if err := json.Unmarshal(line, &recorded); err != nil {
			t.Fatal(err)
		}
		if live := Decide(in); summarize(live) != summarize(recorded) {
			t.Fatalf("seed %d: original\n%s\nrecorded\n%s", seed, summarize(live), summarize(recorded))
		}
	}
}

// summarize returns the decision and the vetoes of an entry as text.
func summarize(e Entry) string {
	text := fmt.Sprintf("%s %s", e.Decision.Hold.Reason, e.Decision.Hold.Message)
	for n, p := range e.Decision.Proposals {
		text += fmt.Sprintf("; %s %s %s", p.Reason, p.Message, p.Cause)
		if n < len(e.Evaluations) {
			text += fmt.Sprintf(" %s %+v", e.Evaluations[n].Hash, e.Evaluations[n].Vetoes)
		}
	}
	return text
}

// A changed entry is not replayed as it stands, and what is not an entry of this format is refused.
func TestReplay_DetectsChangedEntry(t *testing.T) {
	line, err := Record(newInputs(80))
	if err != nil {
		t.Fatal(err)
	}
	changed := bytes.Replace(line, []byte(`"Reason":"ScaleUp"`), []byte(`"Reason":"ScaleNo"`), 1)
	if again, err := Replay(changed); err != nil || bytes.Equal(again, changed) || !bytes.Equal(again, line) {
		t.Errorf("a changed decision is replayed as it stands: %v", err)
	}
	for text, message := range map[string]string{
		"": "not a ledger entry", "[1]": "not a ledger entry", "{}": "has format 0", `{"Format":99}`: "has format 99",
		`{"Format":3,"Inputs":{"Policy":[]}}`: "has format 3, and this version of dbscaler replays only format 8: replay it with",
		`{"Format":8,"Inputs":[]}`:            "inputs of the ledger entry cannot be decoded",
	} {
		if _, err := Replay([]byte(text)); err == nil || !strings.Contains(err.Error(), message) {
			t.Errorf("%q: %v, want an error with %q", text, err, message)
		}
	}
}
