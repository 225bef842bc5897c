package guard

import (
	"strings"
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

func failoverStep(name string) scaling.Step {
	return scaling.Step{Action: scaling.Failover, Instance: name}
}

func withGroup(group string) func(*scaling.Instance) {
	return func(i *scaling.Instance) { i.ParameterGroups = []string{group} }
}

func staticMembers(members ...string) func(*Input) {
	return func(in *Input) {
		in.Observation.CustomEndpoints = []scaling.CustomEndpoint{{Identifier: "analytics", StaticMembers: members}}
	}
}

func endpointsUnknown(in *Input) {
	in.Observation.CustomEndpointsUnknown = "rds:DescribeDBClusterEndpoints: access denied"
}

func engineVersion(engine, version string) func(*Input) {
	return func(in *Input) { in.Observation.Engine, in.Observation.EngineVersion = engine, version }
}

func TestCheck_PromotionCandidate(t *testing.T) {
	promotion := withSteps(createStep("s"), resizeStep("a"), failoverStep("a"), resizeStep("w"), deleteStep("s"))
	base := []func(*Input){writerScaleUp, promotion, editInstance(1, caughtUp)}
	always := disruptionWindows(scaling.Window{Schedule: "* * * * *", Duration: time.Hour, TimeZone: "UTC"})
	own := editInstance(2, createdByOperator)
	for _, test := range []struct {
		name           string
		edits          []func(*Input)
		guard, message string
	}{
		{"same parameter group", append(base, editInstance(0, withGroup("oltp")), editInstance(1, withGroup("oltp"))), "", ""},
		{"another parameter group", append(base, editInstance(0, withGroup("oltp")), editInstance(1, withGroup("olap"))), "PromotionCandidate",
			"a has the DB parameter group olap, and the writer w has oltp"},
		{"in a static list", append(base, staticMembers("a")), "CustomEndpoints", "a is in the static list of the custom endpoint analytics"},
		{"endpoints unknown", append(base, endpointsUnknown), "CustomEndpoints", "access denied"},
		{"endpoints unknown, no reader is resized", append(base, withSteps(failoverStep("a")), endpointsUnknown), "PromotionCandidate", "access denied"},
		{"Aurora PostgreSQL whose readers restart", append(base, engineVersion("aurora-postgresql", "14.6")), "PromotionCandidate", "restarts every reader"},
		{"in a window that the owner chose", append(base, engineVersion("aurora-postgresql", "14.6"), always), "", ""},
		{"Aurora PostgreSQL whose readers stay", append(base, engineVersion("aurora-postgresql", "14.7")), "", ""},
		{"Aurora MySQL whose readers restart", append(base, engineVersion("aurora-mysql", "5.7.mysql_aurora.2.09.3")), "PromotionCandidate", "2.09.3"},
		{"Aurora MySQL whose readers stay", append(base, engineVersion("aurora-mysql", "5.7.mysql_aurora.2.10.0")), "", ""},
		{"Aurora MySQL 3", append(base, engineVersion("aurora-mysql", "8.0.mysql_aurora.3.04.1")), "", ""},
		{"deletion of a reader in a static list", []func(*Input){withSteps(deleteStep("b")), own, staticMembers("b")}, "CustomEndpoints", "b is in"},
		{"deletion of a reader, endpoints unknown", []func(*Input){withSteps(deleteStep("b")), own, endpointsUnknown}, "CustomEndpoints", "could not be read"},
		{"a new reader, endpoints unknown", []func(*Input){addReaderOnly, endpointsUnknown}, "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			veto := firstVeto(approvedInput(test.edits...))
			switch {
			case test.guard == "" && veto == nil:
			case veto == nil || veto.Guard != test.guard || !strings.Contains(veto.Message, test.message):
				t.Errorf("got %+v, want %q with %q", veto, test.guard, test.message)
			}
		})
	}
}

// The readers in static lists serve other clients: the pool must keep a reader of its own in service.
func TestCheck_StaticReadersAreNoCapacity(t *testing.T) {
	in := approvedInput(withSteps(resizeStep("a")), staticMembers("b"))
	if veto := firstVeto(in); veto == nil || veto.Guard != "MinimumReaders" {
		t.Errorf("got %+v", veto)
	}
}

// A surge reader that was left over can be removed although only readers in static lists remain: there was none before it.
func TestCheck_CleanupLeavesStaticReaders(t *testing.T) {
	surge := editInstance(1, func(i *scaling.Instance) {
		i.Tags = map[string]string{scaling.TagCreatedBy: scaling.TagCreatedByValue, scaling.TagSurge: "0a1b2c3d"}
	})
	in := approvedInput(withSteps(deleteStep("a")), surge, staticMembers("b"), func(in *Input) { in.Proposal.Direction = scaling.Cleanup })
	static := &in.Observation.Instances[2]
	static.CPU = scaling.NewSeries(time.Minute, in.Now.Add(-time.Minute), 10)
	for n := range in.Pools {
		in.Pools[n].Load.Demand = 0.1
	}
	if veto := firstVeto(in); veto != nil {
		t.Errorf("idle static reader: got %+v", veto)
	}
	static.CPU = scaling.NewSeries(time.Minute, in.Now.Add(-time.Minute), 99)
	if veto := firstVeto(in); veto == nil || veto.Guard != "ReaderCapacity" {
		t.Errorf("busy static reader: got %+v", veto)
	}
	static.CPU = scaling.Series{}
	if veto := firstVeto(in); veto == nil || veto.Guard != "ReaderCapacity" {
		t.Errorf("static reader without samples: got %+v", veto)
	}
	in.Proposal.Direction = scaling.Down
	if veto := firstVeto(in); veto == nil || veto.Guard != "MinimumReaders" {
		t.Errorf("scale-down: got %+v", veto)
	}
}

// While an operation is in progress, somebody may change the candidate or its endpoints.
func TestCheckStep_PromotionCandidate(t *testing.T) {
	replacement := scaling.Operation{Steps: []scaling.Step{createStep("s"), failoverStep("s"), resizeStep("w"), failoverStep("w"), deleteStep("s")}}
	in := func(edits ...func(*Input)) Input { return approvedInput(edits...) }
	becomesReader := func(in *Input) { in.Observation.Instances[0].Writer, in.Observation.Instances[1].Writer = false, true }
	for _, test := range []struct {
		name   string
		in     Input
		op     scaling.Operation
		action scaling.Action
		target string
		guard  string
	}{
		{"promotion", in(), scaling.Operation{}, scaling.Failover, "a", ""},
		{"another parameter group since", in(editInstance(1, withGroup("olap"))), scaling.Operation{}, scaling.Failover, "a", "PromotionCandidate"},
		{"in a static list since", in(staticMembers("a")), scaling.Operation{}, scaling.Failover, "a", "PromotionCandidate"},
		{"resize of a reader in a static list since", in(staticMembers("a")), scaling.Operation{}, scaling.ModifyInstanceClass, "a", "CustomEndpoints"},
		{"resize of the replaced writer, which a list names", in(becomesReader, staticMembers("w")), replacement, scaling.ModifyInstanceClass, "w", ""},
		{"promotion of the replaced writer, which a list names", in(becomesReader, staticMembers("w")), replacement, scaling.Failover, "w", ""},
		{"the replaced writer has another parameter group since", in(becomesReader, editInstance(0, withGroup("olap"))), replacement, scaling.Failover, "w",
			"PromotionCandidate"},
	} {
		veto := CheckStep(test.in.Policy, test.in.Observation, test.op, scaling.Call{Action: test.action, Instance: test.target}, now)
		if (veto == nil) != (test.guard == "") || veto != nil && veto.Guard != test.guard {
			t.Errorf("%s: got %+v, want %q", test.name, veto, test.guard)
		}
	}
}

func TestCheck_BlueGreenDeployment(t *testing.T) {
	blueGreen := func(role scaling.BlueGreenRole, status string) func(*Input) {
		return func(in *Input) {
			in.Observation.BlueGreen = &scaling.BlueGreenDeployment{Name: "upgrade", Role: role, Status: status}
		}
	}
	emergency := func(in *Input) { in.Proposal.Emergency = true }
	unknown := func(in *Input) { in.Observation.BlueGreenUnknown = "access denied" }
	for _, test := range []struct {
		name    string
		edits   []func(*Input)
		message string
	}{
		{"none", nil, ""},
		{"production", []func(*Input){blueGreen(scaling.BlueRole, "AVAILABLE")}, "upgrade exists (AVAILABLE)"},
		{"production, being copied", []func(*Input){blueGreen(scaling.BlueRole, "PROVISIONING")}, "PROVISIONING"},
		{"emergency of production", []func(*Input){blueGreen(scaling.BlueRole, "AVAILABLE"), emergency}, ""},
		{"emergency during the switchover", []func(*Input){blueGreen(scaling.BlueRole, "SWITCHOVER_IN_PROGRESS"), emergency}, "SWITCHOVER_IN_PROGRESS"},
		{"emergency of the copy", []func(*Input){blueGreen(scaling.GreenRole, "AVAILABLE"), emergency}, "is the green environment"},
		{"cleanup", []func(*Input){blueGreen(scaling.BlueRole, "AVAILABLE"), surgeCleanup}, "upgrade exists"},
		{"unknown", []func(*Input){unknown}, "access denied"},
		{"emergency, unknown", []func(*Input){unknown, emergency}, ""},
	} {
		message, _, err := blueGreenDeployment(approvedInput(test.edits...))
		if err != nil {
			message = err.Error()
		}
		if (message == "") != (test.message == "") || !strings.Contains(message, test.message) {
			t.Errorf("%s: got %q, want %q", test.name, message, test.message)
		}
	}
	in := approvedInput(blueGreen(scaling.BlueRole, "AVAILABLE"))
	call := scaling.Call{Action: scaling.ModifyInstanceClass, Instance: "a"}
	if veto := CheckStep(in.Policy, in.Observation, scaling.Operation{}, call, now); veto == nil || veto.Guard != "BlueGreenDeployment" {
		t.Errorf("a step of an operation in progress: %+v", veto)
	}
	if veto := CheckStep(in.Policy, in.Observation, scaling.Operation{Emergency: true}, call, now); veto != nil {
		t.Errorf("a step of an emergency: %+v", veto)
	}
}
