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

// newInputs are a cluster with one reader at a steady load, and a policy that scales it.
func newInputs(percent float64) Inputs {
	tags := map[string]string{scaling.TagOptIn: "platform"}
	samples := func(value float64, period time.Duration) scaling.Series {
		var s scaling.Series
		for at := now.Add(-6 * time.Hour); at.Before(now.Add(-period)); at = at.Add(period) {
			s = append(s, scaling.Sample{Time: at, Value: value + float64(at.Unix()%7)/3})
		}
		return s
	}
	member := func(name string) scaling.Instance {
		return scaling.Instance{
			Identifier: name, Class: "db.r6g.xlarge", Status: scaling.StatusAvailable, Tags: tags, CPU: samples(percent, time.Minute),
			FreeableMemory: samples(16<<30, 5*time.Minute), Connections: samples(50, 5*time.Minute), CreatedAt: now.AddDate(0, -1, 0),
		}
	}
	writer := member("w")
	writer.Writer = true
	reader := member("a")
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

func TestDecide(t *testing.T) {
	paused := newInputs(80)
	paused.Policy.ManualControl.PausedUntil = now.Add(20 * time.Second)
	closed := newInputs(80)
	closed.Policy.Readers.InstanceClasses = nil // only the writer could grow, and its window is closed
	closed.Policy.Readers = nil
	closed.Policy.Writer.InstanceClasses = []string{"db.r6g.xlarge", "db.r6g.2xlarge"}
	closed.Policy.DisruptionWindows = []scaling.Window{{Schedule: "0 2 * * *", Duration: time.Hour, TimeZone: "UTC"}}
	for _, test := range []struct {
		name     string
		in       Inputs
		reason   scaling.Reason
		approved bool
		vetoes   []string
		again    time.Duration
	}{
		{"nothing to do", newInputs(50), scaling.ReasonWithinThresholds, false, nil, time.Minute},
		{"too small", newInputs(80), scaling.ReasonScaleUp, true, nil, time.Minute},
		{"too small and paused", paused, scaling.ReasonScaleUp, false, []string{"Paused"}, 20 * time.Second},
		{"too small and outside the window", closed, scaling.ReasonScaleUp, false, []string{"DisruptionWindow"}, time.Minute},
	} {
		t.Run(test.name, func(t *testing.T) {
			e := Decide(test.in)
			reason := e.Decision.Hold.Reason
			if len(e.Decision.Proposals) > 0 {
				reason = e.Decision.Proposals[0].Reason
			}
			proposal, op, approved := e.ApprovedProposal()
			if reason != test.reason || approved != test.approved || e.RequeueAfter != test.again {
				t.Errorf("got %s, approved %t, again after %s", reason, approved, e.RequeueAfter)
			}
			if approved && (len(op.Steps) == 0 || proposal.To.Count == 0 || op.Emergency != proposal.Emergency) {
				t.Errorf("approved are %+v and %+v", proposal, op)
			}
			if len(e.Evaluations) == 0 {
				return
			}
			var vetoes []string
			for _, v := range e.Evaluations[0].Vetoes {
				vetoes = append(vetoes, v.Guard)
			}
			if !slices.Equal(vetoes, test.vetoes) {
				t.Errorf("held back by %v, want %v", vetoes, test.vetoes)
			}
			if len(e.Evaluations[0].PassedGuards)+len(vetoes) != len(guard.Names()) {
				t.Errorf("%d guards passed and %d objected, of %d", len(e.Evaluations[0].PassedGuards), len(vetoes), len(guard.Names()))
			}
		})
	}
	t.Run("no safe way", func(t *testing.T) {
		in := newInputs(10)
		in.Observation.Instances = append(in.Observation.Instances, in.Observation.Instances[1])
		in.Observation.Instances[2].Identifier = "b"
		in.Policy.Writer = nil
		in.Policy.ManualControl.Override = &scaling.ManualOverride{Readers: &scaling.Shape{InstanceClass: "db.r6g.xlarge", Count: 1}, ExpiresAt: now.Add(time.Hour)}
		e := Decide(in) // both readers are somebody else's
		if _, _, approved := e.ApprovedProposal(); approved || len(e.Evaluations) == 0 || e.Evaluations[0].Vetoes[0].Guard != OperationImpossible {
			t.Errorf("approved %t: %+v", approved, e.Evaluations)
		}
	})
}

// A recorded entry, decided again, is the same to the byte.
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
			for range random.IntN(5) {
				cpu[random.IntN(len(cpu))].Value = []float64{math.NaN(), math.Inf(1), -1, 0, 100, 1e300}[random.IntN(6)]
			}
			in.Observation.Instances[n].CPU = slices.Delete(cpu, 3, 3+random.IntN(100))
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
			t.Fatalf("seed %d: an entry has more than one line", seed)
		}
		again, err := Replay(line)
		if err != nil || !bytes.Equal(line, again) {
			t.Fatalf("seed %d: %v\n%s\nbecame\n%s", seed, err, line, again)
		}
		// And it is what was decided live.
		var recorded Entry
		if err := json.Unmarshal(line, &recorded); err != nil {
			t.Fatal(err)
		}
		if live := Decide(in); summarize(live) != summarize(recorded) {
			t.Fatalf("seed %d: live it was\n%s\nand recorded is\n%s", seed, summarize(live), summarize(recorded))
		}
	}
}

// summarize is what an entry comes to.
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

// An entry that was changed by a hair is not the same.
func TestReplay_DetectsChangedEntry(t *testing.T) {
	line, err := Record(newInputs(80))
	if err != nil {
		t.Fatal(err)
	}
	forged := bytes.Replace(line, []byte(`"Reason":"ScaleUp"`), []byte(`"Reason":"ScaleNo"`), 1)
	if again, err := Replay(forged); err != nil || bytes.Equal(again, forged) || !bytes.Equal(again, line) {
		t.Errorf("a forged verdict is replayed as it stands: %v", err)
	}
	for text, says := range map[string]string{
		"": "no entry of a ledger", "{}": "format 0", `{"Format":99}`: "format 99", "[1]": "no entry of a ledger",
	} {
		if _, err := Replay([]byte(text)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v, want it to say %q", text, err, says)
		}
	}
}
