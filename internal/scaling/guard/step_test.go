package guard

import (
	"strings"
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// CheckStep checks each call of an operation that was approved earlier.
func TestCheckStep_RepeatsGuardsBeforeEachCall(t *testing.T) {
	tagged := map[string]string{scaling.TagOptIn: "team"}
	observation := func(edit func(*scaling.Observation)) scaling.Observation {
		o := scaling.Observation{Tags: tagged, Instances: []scaling.Instance{
			{Identifier: "w", Writer: true, Tags: tagged}, {Identifier: "r", Tags: tagged},
		}}
		if edit != nil {
			edit(&o)
		}
		return o
	}
	night := []scaling.Window{{Schedule: "0 2 * * *", Duration: 2 * time.Hour, TimeZone: "UTC"}}
	at := func(clock string) time.Time {
		now, err := time.Parse("15:04", clock)
		if err != nil {
			t.Fatal(err)
		}
		return now.AddDate(2024, 0, 0)
	}
	for _, test := range []struct {
		name           string
		observation    scaling.Observation
		call           scaling.Call
		now            time.Time
		guard, message string
	}{
		{"failover in the window", observation(nil), scaling.Call{Action: scaling.Failover, Instance: "r"}, at("02:30"), "", ""},
		{"failover after the window", observation(nil), scaling.Call{Action: scaling.Failover, Instance: "r"}, at("04:00"),
			"DisruptionWindow", "Failover of r is blocked"},
		{"resize of the writer after the window", observation(nil), scaling.Call{Action: scaling.ModifyInstanceClass, Instance: "w"}, at("04:00"),
			"DisruptionWindow", "ModifyInstanceClass of w is blocked"},
		{"resize of a reader after the window", observation(nil), scaling.Call{Action: scaling.ModifyInstanceClass, Instance: "r"}, at("04:00"), "", ""},
		{"new reader after the window", observation(nil), scaling.Call{Action: scaling.CreateReader, Instance: "new"}, at("04:00"), "", ""},
		{"target without opt-in tag", observation(func(o *scaling.Observation) { o.Tags = nil }),
			scaling.Call{Action: scaling.CreateReader, Instance: "new"}, at("02:30"), "OptInTagMissing", "is missing on"},
		{"instance without opt-in tag", observation(func(o *scaling.Observation) { o.Instances[1].Tags = nil }),
			scaling.Call{Action: scaling.ModifyInstanceClass, Instance: "r"}, at("02:30"), "OptInTagMissing", "is missing on r"},
		{"change of the cluster deferred since", observation(func(o *scaling.Observation) { o.PendingModifications = []string{"EngineVersion"} }),
			scaling.Call{Action: scaling.CreateReader, Instance: "new"}, at("02:30"), "PendingModifications", "(EngineVersion)"},
		{"parameters of the writer staged since", observation(func(o *scaling.Observation) { parametersStaged(&o.Instances[0]) }),
			scaling.Call{Action: scaling.Failover, Instance: "r"}, at("02:30"), "PendingReboot", "w has changes that a restart would apply"},
		{"parameters of another reader staged and a failover that restarts all", observation(func(o *scaling.Observation) {
			o.Engine, o.EngineVersion = "aurora-postgresql", "14.6"
			o.Instances = append(o.Instances, scaling.Instance{Identifier: "other", Status: "available"})
			parametersStaged(&o.Instances[2])
		}), scaling.Call{Action: scaling.Failover, Instance: "r"}, at("02:30"), "PendingReboot", "other has changes"},
		{"parameters staged and a deletion", observation(func(o *scaling.Observation) { parametersStaged(&o.Instances[1]) }),
			scaling.Call{Action: scaling.DeleteReader, Instance: "r"}, at("02:30"), "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			veto := CheckStep(scaling.Policy{Namespace: "team", Mode: scaling.Enforce, DisruptionWindows: night}, test.observation, scaling.Operation{}, test.call, test.now)
			switch {
			case veto == nil && test.guard != "":
				t.Errorf("allowed, want a veto by %s", test.guard)
			case veto != nil && (veto.Guard != test.guard || !strings.Contains(veto.Message, test.message)):
				t.Errorf("%s: %s; want %s with %q", veto.Guard, veto.Message, test.guard, test.message)
			}
		})
	}
	broken := scaling.Policy{Namespace: "team", Mode: scaling.Enforce, DisruptionWindows: []scaling.Window{{Schedule: "never", Duration: time.Hour, TimeZone: "UTC"}}}
	if CheckStep(broken, observation(nil), scaling.Operation{}, scaling.Call{Action: scaling.Failover, Instance: "r"}, at("02:30")) == nil {
		t.Error("a failover is allowed although the schedule of the window is invalid")
	}
}

// A pause, another mode or a closed window blocks a step of an operation in progress.
func TestCheckStep_ManualControl(t *testing.T) {
	tagged := map[string]string{scaling.TagOptIn: "team"}
	o := scaling.Observation{Tags: tagged, Instances: []scaling.Instance{{Identifier: "w", Writer: true, Tags: tagged}, {Identifier: "r", Tags: tagged}}}
	night := []scaling.Window{{Schedule: "0 2 * * *", Duration: time.Hour, TimeZone: "UTC"}}
	for _, test := range []struct {
		name  string
		edit  func(*scaling.Policy)
		op    scaling.Operation
		guard string
	}{
		{"nothing changed", func(*scaling.Policy) {}, scaling.Operation{}, ""},
		{"paused", func(p *scaling.Policy) { p.ManualControl.PausedUntil = now.Add(time.Minute) }, scaling.Operation{}, "Paused"},
		{"mode Recommend", func(p *scaling.Policy) { p.Mode = scaling.Recommend }, scaling.Operation{}, "RecommendMode"},
		{"mode Approve does not apply to an operation in progress", func(p *scaling.Policy) { p.Mode = scaling.Approve }, scaling.Operation{}, ""},
		{"window closed", func(p *scaling.Policy) { p.DisruptionWindows = night }, scaling.Operation{}, "DisruptionWindow"},
		{"window closed in an emergency", func(p *scaling.Policy) { p.DisruptionWindows = night }, scaling.Operation{Emergency: true}, "DisruptionWindow"},
		{"window closed in an emergency that may override it", func(p *scaling.Policy) { p.DisruptionWindows, p.Guardrails.AllowEmergencyDisruption = night, true },
			scaling.Operation{Emergency: true}, ""},
	} {
		p := scaling.Policy{Namespace: "team", Mode: scaling.Enforce}
		test.edit(&p)
		veto := CheckStep(p, o, test.op, scaling.Call{Action: scaling.Failover, Instance: "r"}, now)
		if (veto == nil) != (test.guard == "") || veto != nil && veto.Guard != test.guard {
			t.Errorf("%s: got %+v, want %q", test.name, veto, test.guard)
		}
	}
}

// Without a surge reader, no reader serves while the old writer is resized: the only one has become the writer.
func TestReaderCapacity_PromotionTakesOneReader(t *testing.T) {
	in := Input{
		Policy: scaling.Policy{CPU: scaling.CPU{ScaleUp: 70}},
		Observation: scaling.Observation{Engine: "aurora-postgresql", Instances: []scaling.Instance{
			{Identifier: "w", Class: "db.r6g.large", Writer: true}, {Identifier: "r", Class: "db.r6g.xlarge"},
		}},
		Pools: []scaling.PoolAssessment{{Load: scaling.Load{Pool: scaling.Readers, Fresh: true, Demand: 0.1}}},
	}
	surge := scaling.Step{Action: scaling.CreateReader, Instance: "s", InstanceClass: "db.r6g.xlarge", Surge: true}
	promotion := []scaling.Step{
		{Action: scaling.Failover, Instance: "r"}, {Action: scaling.ModifyInstanceClass, Instance: "w", InstanceClass: "db.r6g.xlarge"},
	}
	in.Operation.Steps = promotion
	if message, _, err := readerCapacity(in); err != nil || !strings.Contains(message, "while r is changed, the other readers (0 of 4 vCPUs)") {
		t.Errorf("without a surge reader: %q, %v", message, err)
	}
	in.Operation.Steps = append([]scaling.Step{surge}, promotion...)
	if message, _, err := readerCapacity(in); err != nil || message != "" {
		t.Errorf("with a surge reader: %q, %v", message, err)
	}
	in.Observation.Instances[1].Class = "db.r99g.large"
	if _, _, err := readerCapacity(in); err == nil {
		t.Error("an unknown class is not an error")
	}
}
