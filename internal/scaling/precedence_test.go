package scaling

import (
	"testing"
	"time"
)

func TestPrecedingPolicy(t *testing.T) {
	created := time.Date(2024, 2, 5, 8, 0, 0, 0, time.UTC)
	target := Target{Kind: DBCluster, Identifier: "orders", Scope: Scope{Region: "eu-west-1"}}
	own := PolicyIdentity{UID: "1", Name: "b/own", CreatedAt: created, Target: target, TargetARN: "arn:orders"}
	older := PolicyIdentity{UID: "2", Name: "c/older", CreatedAt: created.Add(-time.Second), Target: target, TargetARN: "arn:orders"}
	for _, test := range []struct {
		name string
		edit func(*PolicyIdentity)
		want string
	}{
		{"older policy precedes", func(*PolicyIdentity) {}, "c/older"},
		{"younger policy does not precede", func(p *PolicyIdentity) { p.CreatedAt = created.Add(time.Second) }, ""},
		{"same age, first by name precedes", func(p *PolicyIdentity) { p.CreatedAt, p.Name = created, "a/other" }, "a/other"},
		{"same age, last by name does not precede", func(p *PolicyIdentity) { p.CreatedAt = created }, ""},
		{"the policy itself does not precede", func(p *PolicyIdentity) { p.UID = own.UID }, ""},
		{"policy being deleted does not precede", func(p *PolicyIdentity) { p.Deleting = true }, ""},
		{"policy of another database does not precede", func(p *PolicyIdentity) { p.Target.Identifier = "users" }, ""},
		{"same ARN through another role precedes", func(p *PolicyIdentity) { p.Target.Scope.RoleARN = "arn:role" }, "c/older"},
		{"same role through another account object precedes", func(p *PolicyIdentity) { p.Target.Scope.Account, p.TargetARN = "other", "" }, "c/older"},
		{
			"same ARN of a policy that may not use its account precedes",
			func(p *PolicyIdentity) { p.Unresolved = true }, "c/older",
		},
		{
			"unknown ARN of a policy that may not use its account does not precede",
			func(p *PolicyIdentity) { p.Unresolved, p.TargetARN = true, "" }, "",
		},
		{
			"another ARN through another role does not precede",
			func(p *PolicyIdentity) { p.Target.Scope.RoleARN, p.TargetARN = "arn:role", "arn:elsewhere" }, "",
		},
		{
			"unknown ARN through another role does not precede",
			func(p *PolicyIdentity) { p.Target.Scope.RoleARN, p.TargetARN = "arn:role", "" }, "",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			other := older
			test.edit(&other)
			if got := PrecedingPolicy(own, []PolicyIdentity{own, other}); got != test.want {
				t.Errorf("preceding policy is %q, want %q", got, test.want)
			}
		})
	}
}
