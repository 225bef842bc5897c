package guard

import (
	"slices"
	"strings"
	"testing"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// claim lets an object declare the class of an instance.
func claim(instance, class string) func(*Input) {
	return func(in *Input) {
		in.Observation.Declarations = append(in.Observation.Declarations, scaling.ClassDeclaration{
			Instance: instance, InstanceClass: class, DeclaredBy: "ACK's DBInstance platform/" + instance, Remedy: "do this",
		})
	}
}

func unknownClaims(in *Input) { in.Observation.DeclarationsUnknown = "timeout" }

func TestOwners(t *testing.T) {
	for _, test := range []struct {
		name  string
		edits []func(*Input)
		veto  string // none when it is empty
		says  string
	}{
		{"nobody else", nil, "", ""},
		{"an instance that would be resized is declared", []func(*Input){claim("b", large)}, "DeclaredElsewhere",
			"ACK's DBInstance platform/b declares that b is db.r6g.large, and would change it back. To let this policy decide, do this"},
		{"it is declared as what it is to become", []func(*Input){claim("b", xlarge)}, "", ""},
		{"another instance is declared", []func(*Input){claim("w", large)}, "", ""},
		{"a reader that would be removed is declared", []func(*Input){
			claim("a", large), instance(1, own), down, to(1, large), steps(remove("a")), load(func(l *scaling.Load) { l.Demand = 1 }),
		}, "DeclaredElsewhere", "would create it again"},
		{"only readers are added", []func(*Input){claim("a", large), to(3, large), steps(create("s"))}, "", ""},
		{"nobody knows", []func(*Input){unknownClaims}, "DeclaredElsewhere", "timeout"},
		{"nobody knows, and only readers are added", []func(*Input){unknownClaims, to(3, large), steps(create("s"))}, "", ""},
		{"its own surge reader goes all the same", []func(*Input){
			cleanup, steps(remove("s")), func(in *Input) { in.Observation.OwnershipConflict = "it was reverted twice" },
		}, "", ""},
		{"hands off", []func(*Input){func(in *Input) { in.Observation.OwnershipConflict = "it was reverted twice" }}, "OwnershipConflict", "reverted twice"},
		{"hands off holds an override back too", []func(*Input){
			override(3, xlarge), func(in *Input) { in.Observation.OwnershipConflict = "it was reverted twice" },
		}, "OwnershipConflict", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			vetoes := Check(readersUp(test.edits...))
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
