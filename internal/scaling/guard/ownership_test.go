package guard

import (
	"slices"
	"strings"
	"testing"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// declareClass lets an object declare the class of an instance.
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
		name  string
		edits []func(*Input)
		veto  string // none when it is empty
		says  string
	}{
		{"nobody else", nil, "", ""},
		{"an instance that would be resized is declared", []func(*Input){declareClass("b", large)}, "DeclaredElsewhere",
			"ACK's DBInstance platform/b declares that b is db.r6g.large, and would change it back. To let this policy decide, do this"},
		{"it is declared as what it is to become", []func(*Input){declareClass("b", xlarge)}, "", ""},
		{"another instance is declared", []func(*Input){declareClass("w", large)}, "", ""},
		{"a reader that would be removed is declared", []func(*Input){
			declareClass("a", large), editInstance(1, createdByOperator), scaleDown, targetShape(1, large), withSteps(deleteStep("a")), editLoad(func(l *scaling.Load) { l.Demand = 1 }),
		}, "DeclaredElsewhere", "would create it again"},
		{"only readers are added", []func(*Input){declareClass("a", large), targetShape(3, large), withSteps(createStep("s"))}, "", ""},
		{"nobody knows", []func(*Input){declarationsUnknown}, "DeclaredElsewhere", "timeout"},
		{"nobody knows, and only readers are added", []func(*Input){declarationsUnknown, targetShape(3, large), withSteps(createStep("s"))}, "", ""},
		{"its own surge reader goes all the same", []func(*Input){
			surgeCleanup, withSteps(deleteStep("s")), func(in *Input) { in.Observation.OwnershipConflict = "it was reverted twice" },
		}, "", ""},
		{"hands off", []func(*Input){func(in *Input) { in.Observation.OwnershipConflict = "it was reverted twice" }}, "OwnershipConflict", "reverted twice"},
		{"hands off holds an override back too", []func(*Input){
			override(3, xlarge), func(in *Input) { in.Observation.OwnershipConflict = "it was reverted twice" },
		}, "OwnershipConflict", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			vetoes := Check(approvedInput(test.edits...))
			n := slices.IndexFunc(vetoes, func(v Veto) bool { return v.Guard == test.veto })
			switch {
			case test.veto == "" && len(vetoes) > 0:
				t.Errorf("it is held back by %+v", vetoes)
			case test.veto != "" && n < 0:
				t.Errorf("%s does not hold it back: %+v", test.veto, vetoes)
			case test.veto != "" && !strings.Contains(vetoes[n].Message, test.says):
				t.Errorf("it says %q, want %q in it", vetoes[n].Message, test.says)
			}
		})
	}
}
