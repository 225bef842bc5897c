package decide

import (
	"strings"
	"testing"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

func TestCheckTarget(t *testing.T) {
	for _, test := range []struct {
		name         string
		edit         func(*scaling.Policy, *scaling.Observation)
		reason       scaling.Reason
		wantContains string
	}{
		{"supported target", func(*scaling.Policy, *scaling.Observation) {}, "", ""},
		{
			"absent database", func(_ *scaling.Policy, o *scaling.Observation) { o.Found = false },
			ReasonTargetNotFound, "Check spec.targetRef",
		},
		{
			"unsupported database", func(_ *scaling.Policy, o *scaling.Observation) { o.Unsupported = "It is an instance of orders" },
			ReasonTargetUnsupported, "It is an instance of orders",
		},
		{
			"serverless cluster of a policy with classes", func(_ *scaling.Policy, o *scaling.Observation) { o.Serverless = true },
			ReasonTargetUnsupported, "in spec.serverless instead",
		},
		{
			"provisioned cluster of a serverless policy", func(p *scaling.Policy, _ *scaling.Observation) { p.Serverless = true },
			ReasonTargetUnsupported, "spec.serverless is for",
		},
		{
			"readers of a Multi-AZ DB cluster", func(_ *scaling.Policy, o *scaling.Observation) { o.ResizedAsUnit = true },
			ReasonTargetUnsupported, "remove spec.readers",
		},
		{
			"reader class that the engine does not run on",
			func(p *scaling.Policy, _ *scaling.Observation) {
				p.Readers.InstanceClasses = []string{large, "db.m6g.large"}
			},
			ReasonClassNotOffered, "spec.readers.instanceClasses: aurora-postgresql does not run on db.m6g.large",
		},
		{
			"writer class that the engine does not run on",
			func(p *scaling.Policy, _ *scaling.Observation) { withWriter("db.m6g.large")(p) },
			ReasonClassNotOffered, "spec.writer.instanceClasses: aurora-postgresql does not run on db.m6g.large",
		},
		{
			"class that the catalog does not know", // the validation of the spec reports it
			func(p *scaling.Policy, _ *scaling.Observation) { p.Readers.InstanceClasses = []string{"db.r99g.large"} }, "", "",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			p, o := newPolicy(), newObservation()
			o.Found, o.Engine = true, "aurora-postgresql"
			test.edit(&p, &o)
			if got := CheckTarget(p, o); got.Reason != test.reason || !strings.Contains(got.Message, test.wantContains) {
				t.Errorf("got %q: %q, want %q: %q", got.Reason, got.Message, test.reason, test.wantContains)
			}
		})
	}
}
