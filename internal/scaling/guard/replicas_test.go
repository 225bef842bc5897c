package guard

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// asReadReplicas makes the target a DB instance, Single-AZ, with read replicas.
func asReadReplicas(in *Input) {
	in.Observation.Kind, in.Observation.Engine, in.Policy.Target.Kind = scaling.DBInstance, "postgres", scaling.DBInstance
}

func bringsLicense(in *Input) {
	asReadReplicas(in)
	in.Observation.LicenseModel = "bring-your-own-license"
}

// connected sets a number of connections over the last two hours.
func connected(count float64) func(*scaling.Instance) {
	return func(i *scaling.Instance) {
		i.Connections = scaling.NewSeries(5*time.Minute, now.Add(-2*time.Hour), slices.Repeat([]float64{count}, 24)...)
	}
}

func refused(r scaling.Refusal) func(*Input) {
	return func(in *Input) {
		r.Message, r.ExpiresAt = "not in this Region", now.Add(time.Hour)
		in.Observation.Refusals = append(in.Observation.Refusals, r)
	}
}

func TestCheck_Replicas(t *testing.T) {
	noWindow := func(in *Input) {
		in.Policy.DisruptionWindows = []scaling.Window{{Start: now.Add(time.Hour), Duration: time.Hour}}
	}
	multiAZ := func(in *Input) { in.Observation.MultiAZ = true }
	for _, test := range []struct {
		name  string
		edits []func(*Input)
		guard string // empty: allowed
		text  string
	}{
		{"read replicas", []func(*Input){asReadReplicas}, "", ""},
		{"no replica possible", []func(*Input){asReadReplicas, func(in *Input) { in.Observation.CannotReplicate = "no backups" }}, "CannotReplicate", "no backups"},
		{"no replica needed", []func(*Input){asReadReplicas, withSteps(resizeStep("a")), func(in *Input) { in.Observation.CannotReplicate = "no backups" },
			func(in *Input) { in.Pools[0].Load.Demand = 0.5 }}, "", ""},
		{"refused", []func(*Input){refused(scaling.Refusal{Pool: scaling.Readers, Action: scaling.ModifyInstanceClass, InstanceClass: xlarge})},
			"RefusedByAWS", "not in this Region"},
		{"another class refused", []func(*Input){refused(scaling.Refusal{Pool: scaling.Readers, Action: scaling.ModifyInstanceClass, InstanceClass: large})}, "", ""},
		{"deletion refused", []func(*Input){refused(scaling.Refusal{Pool: scaling.Readers, Action: scaling.DeleteReader, Instance: "s"})}, "RefusedByAWS", "of s"},
		{"own licence", []func(*Input){bringsLicense}, "LicenseGrowth", "guardrails.licenseGrowth"},
		{"own licence, allowed", []func(*Input){bringsLicense, func(in *Input) { in.Policy.Guardrails.AllowLicenseGrowth = true }}, "", ""},
		{"own licence, fewer vCPUs", []func(*Input){bringsLicense, editInstance(1, func(i *scaling.Instance) { i.Class = xlarge }),
			withSteps(scaling.Step{Action: scaling.ModifyInstanceClass, Instance: "a", InstanceClass: large}), func(in *Input) { in.Pools[0].Load.Demand = 0.5 }}, "", ""},
		{"Single-AZ source outside a window", []func(*Input){asReadReplicas, noWindow}, "DisruptionWindow", "suspends the I/O"},
		{"Multi-AZ source outside a window", []func(*Input){asReadReplicas, multiAZ, noWindow}, "", ""},
		{"Aurora reader outside a window", []func(*Input){noWindow}, "", ""},
		{"a source of others is removed", []func(*Input){asReadReplicas, editInstance(2, createdByOperator),
			editInstance(2, func(i *scaling.Instance) { i.Replicas = []string{"copy"} }), withSteps(deleteStep("b")),
			func(in *Input) { in.Pools[0].Load.Demand = 0.5 }}, "ReaderNotOwned", "copy"},
		{"a replica without clients covers nothing", []func(*Input){asReadReplicas, editInstance(1, connected(5)), editInstance(2, connected(0)),
			withSteps(resizeStep("a")), func(in *Input) { in.Pools[0].Load.Demand = 1 }}, "ReaderCapacity", "0 of 2 vCPUs"},
		{"a replica with clients covers", []func(*Input){asReadReplicas, editInstance(1, connected(5)), editInstance(2, connected(5)),
			withSteps(resizeStep("a")), func(in *Input) { in.Pools[0].Load.Demand = 1 }}, "", ""},
		{"no class for the version", []func(*Input){func(in *Input) { in.Observation.Orderable = []string{} }}, "ClassNotOrderable", "upgrade the engine"},
		{"a feature is missing", []func(*Input){func(in *Input) {
			in.Observation.Orderable = []string{large}
			in.Observation.OrderableGaps = map[string]scaling.OrderableGap{xlarge: {Features: []string{"Performance Insights"}}}
		}}, "ClassNotOrderable", "Performance Insights"},
		{"a zone is missing", []func(*Input){editInstance(1, func(i *scaling.Instance) { i.AvailabilityZone = "c" }), func(in *Input) {
			in.Observation.OrderableGaps = map[string]scaling.OrderableGap{xlarge: {Zones: []string{"c"}}}
		}}, "ClassNotOrderable", "the availability zone of a"},
	} {
		t.Run(test.name, func(t *testing.T) {
			vetoes := Check(approvedInput(test.edits...))
			if test.guard == "" {
				if len(vetoes) > 0 {
					t.Errorf("got %+v", vetoes)
				}
				return
			}
			n := slices.IndexFunc(vetoes, func(v Veto) bool { return v.Guard == test.guard })
			if n < 0 || !strings.Contains(vetoes[n].Message, test.text) {
				t.Errorf("got %+v, want %s with %q", vetoes, test.guard, test.text)
			}
		})
	}
}

// Before each replica of a Single-AZ source, the window is checked again.
func TestCheckStep_ReplicaOfSingleAZSource(t *testing.T) {
	in := approvedInput(asReadReplicas)
	in.Policy.DisruptionWindows = []scaling.Window{{Start: now.Add(time.Hour), Duration: time.Hour}}
	call := scaling.Call{Action: scaling.CreateReader, Instance: "s", InstanceClass: xlarge}
	if veto := CheckStep(in.Policy, in.Observation, in.Operation, call, now); veto == nil || veto.Guard != "DisruptionWindow" {
		t.Errorf("got %+v", veto)
	}
	in.Observation.MultiAZ = true
	if veto := CheckStep(in.Policy, in.Observation, in.Operation, call, now); veto != nil {
		t.Errorf("Multi-AZ: got %+v", veto)
	}
}
