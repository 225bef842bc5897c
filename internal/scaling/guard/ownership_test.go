package guard

import (
	"slices"
	"strings"
	"testing"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// declareClass adds an object that declares the class of an instance.
func declareClass(instance, class string) func(*Input) {
	return func(in *Input) {
		in.Observation.Declarations = append(in.Observation.Declarations, scaling.ClassDeclaration{
			Instance: instance, InstanceClass: class, DeclaredBy: "ACK's DBInstance platform/" + instance, Remedy: "do this",
		})
	}
}

func declarationsUnknown(in *Input) { in.Observation.DeclarationsUnknown = "timeout" }

func TestCheck_OtherOwners(t *testing.T) {
	for _, test := range []struct {
		name    string
		edits   []func(*Input)
		guard   string // empty: no veto
		message string
	}{
		{"no declarations", nil, "", ""},
		{"other class of a resized instance declared", []func(*Input){declareClass("b", large)}, "DeclaredElsewhere",
			"ACK's DBInstance platform/b declares that b is db.r6g.large and would revert the change. To let this policy decide, do this"},
		{"desired class declared", []func(*Input){declareClass("b", xlarge)}, "", ""},
		{"unchanged instance declared", []func(*Input){declareClass("w", large)}, "", ""},
		{"deleted reader declared", []func(*Input){
			declareClass("a", large), editInstance(1, createdByOperator), scaleDown, targetShape(1, large), withSteps(deleteStep("a")), editLoad(func(l *scaling.Load) { l.Demand = 1 }),
		}, "DeclaredElsewhere", "would recreate it"},
		{"new reader only", []func(*Input){declareClass("a", large), targetShape(3, large), withSteps(createStep("s"))}, "", ""},
		{"declarations unknown", []func(*Input){declarationsUnknown}, "DeclaredElsewhere", "timeout"},
		{"declarations unknown, new reader only", []func(*Input){declarationsUnknown, targetShape(3, large), withSteps(createStep("s"))}, "", ""},
		{"cleanup in an ownership conflict", []func(*Input){
			surgeCleanup, withSteps(deleteStep("s")), func(in *Input) { in.Observation.OwnershipConflict = "reverted twice" },
		}, "", ""},
		{"ownership conflict", []func(*Input){func(in *Input) { in.Observation.OwnershipConflict = "reverted twice" }}, "OwnershipConflict", "reverted twice"},
		{"override in an ownership conflict", []func(*Input){
			override(3, xlarge), func(in *Input) { in.Observation.OwnershipConflict = "reverted twice" },
		}, "OwnershipConflict", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			vetoes := Check(approvedInput(test.edits...))
			n := slices.IndexFunc(vetoes, func(v Veto) bool { return v.Guard == test.guard })
			switch {
			case test.guard == "" && len(vetoes) > 0:
				t.Errorf("got vetoes %+v, want none", vetoes)
			case test.guard != "" && n < 0:
				t.Errorf("no veto by %s: %+v", test.guard, vetoes)
			case test.guard != "" && !strings.Contains(vetoes[n].Message, test.message):
				t.Errorf("got %q, want %q in it", vetoes[n].Message, test.message)
			}
		})
	}
}
