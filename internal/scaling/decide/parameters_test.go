package decide

import (
	"strings"
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// withParameters sets the user parameters of every instance.
func withParameters(o scaling.Observation, parameters scaling.Parameters) scaling.Observation {
	for n := range o.Instances {
		o.Instances[n].Parameters = parameters
	}
	return o
}

func userParameters(name, value string) scaling.Parameters {
	return scaling.Parameters{Values: map[string]string{name: value}}
}

// A smaller class must hold what the parameter groups set to a fixed value, and its limits are those of the groups.
func TestScaleDown_UserParameters(t *testing.T) {
	trusting := newPolicy(withPreference(scaling.Vertical))
	trusting.Guardrails.TrustUnreadableParameters = true
	for _, test := range []struct {
		name        string
		policy      scaling.Policy
		parameters  scaling.Parameters
		connections float64
		want        scaling.Verdict
		message     string
	}{
		{"defaults", newPolicy(withPreference(scaling.Vertical)), scaling.Parameters{}, 1500, scaling.VerdictChosen, ""},
		{"max_connections that the smaller class holds", newPolicy(withPreference(scaling.Vertical)), userParameters("max_connections", "1700"), 1500,
			scaling.VerdictChosen, ""},
		{"max_connections above what the smaller class holds", newPolicy(withPreference(scaling.Vertical)), userParameters("max_connections", "3000"), 10,
			scaling.VerdictParametersDoNotFit, "max_connections is set to 3000, and db.r6g.large holds 1712"},
		{"connections in use exceed the fixed max_connections", newPolicy(withPreference(scaling.Vertical)), userParameters("max_connections", "1600"), 1500,
			scaling.VerdictInsufficientConnections, "too few connections"},
		{"a formula allows more connections", newPolicy(withPreference(scaling.Vertical)),
			userParameters("max_connections", "{DBInstanceClassMemory/4765696}"), 3000, scaling.VerdictChosen, ""},
		{"shared_buffers above the memory of the smaller class", newPolicy(withPreference(scaling.Vertical)), userParameters("shared_buffers", "2621440"), 10,
			scaling.VerdictParametersDoNotFit, "shared_buffers is 20.0 GiB, and db.r6g.large has 15.2 GiB"},
		{"a formula that cannot be evaluated", newPolicy(withPreference(scaling.Vertical)), userParameters("shared_buffers", "{AllocatedStorage}"), 10,
			scaling.VerdictParametersUnknown, "AllocatedStorage"},
		{"parameters that could not be read", newPolicy(withPreference(scaling.Vertical)), scaling.Parameters{Unknown: "rds:DescribeDBParameters: access denied"}, 10,
			scaling.VerdictParametersUnknown, "rds:DescribeDBParameters: access denied"},
		{"unreadable parameters are trusted", trusting, scaling.Parameters{Unknown: "access denied"}, 10, scaling.VerdictChosen, ""},
		{"a value that does not fit is never trusted", trusting, userParameters("max_connections", "3000"), 10, scaling.VerdictParametersDoNotFit, "3000"},
	} {
		o := withParameters(withFreeResources(newObservation(writer(large, constantLoad(50)), ownReader("a", xlarge, constantLoad(10))), 20, test.connections), test.parameters)
		d := Evaluate(test.policy, o, now)
		if got := verdictOf(t, d, shape(1, large)); got != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
		if !strings.Contains(d.Hold.Message, test.message) || test.message != "" && d.Hold.Reason != scaling.ReasonAtMinimum {
			t.Errorf("%s: hold %q: %s; want %q", test.name, d.Hold.Reason, d.Hold.Message, test.message)
		}
	}
}

// Unknown parameters rule out a smaller class, not fewer readers of the same class.
func TestScaleDown_UnknownParametersAllowFewerReaders(t *testing.T) {
	o := withParameters(newObservation(twoReaders(large, constantLoad(10))...), scaling.Parameters{Unknown: "access denied"})
	if p := onlyProposal(t, Evaluate(newPolicy(), o, now)); p.To != shape(1, large) {
		t.Errorf("got %s", p.To)
	}
}

// A fixed buffer pool does not shrink with the class: what is beside it must fit.
func TestScaleDown_FixedCacheReplacesTheRatio(t *testing.T) {
	// Of 32 GiB, 10 GiB are buffers and 12 GiB are free: 10 GiB are in use beside the buffers. Of 16 GiB, 0.8 stay free and 10 are
	// buffers, so that 5.2 GiB fit.
	for free, want := range map[float64]scaling.Verdict{12: scaling.VerdictInsufficientMemory, 17: scaling.VerdictChosen} {
		o := withParameters(withFreeResources(newObservation(ownReader("a", xlarge, constantLoad(10))), free, 10), userParameters("shared_buffers", "1310720"))
		if got := verdictOf(t, Evaluate(newPolicy(withPreference(scaling.Vertical)), o, now), shape(1, large)); got != want {
			t.Errorf("%.0f GiB free: %s, want %s", free, got, want)
		}
	}
}

// asPostgresReplicas makes the target an instance of PostgreSQL with read replicas.
func asPostgresReplicas(o scaling.Observation) scaling.Observation {
	o.Kind, o.Engine = scaling.DBInstance, "postgres"
	return o
}

// A read replica of PostgreSQL must allow as many connections as its source: replicas scale up first, and down last.
func TestEvaluate_StandbyConnections(t *testing.T) {
	both := newPolicy(withWriter(large, xlarge, xlarge2, xlarge4), withPreference(scaling.Vertical))
	busy, idle := writer(large, constantLoad(90)), writer(xlarge, constantLoad(10))
	for _, test := range []struct {
		name        string
		policy      scaling.Policy
		observation scaling.Observation
		want        string
	}{
		{"replicas first", both, newObservation(busy, ownReader("a", large, constantLoad(40))), "Readers 1 × db.r6g.xlarge"},
		{"the replica is large enough", both, newObservation(busy, ownReader("a", xlarge, constantLoad(40))), "Writer 1 × db.r6g.xlarge"},
		{"a fixed max_connections needs no order", both,
			withParameters(newObservation(busy, ownReader("a", large, constantLoad(40))), userParameters("max_connections", "400")), "Writer 1 × db.r6g.xlarge"},
		{"from 2xlarge on the default is 5000", both, newObservation(writer(xlarge2, constantLoad(80)), ownReader("a", xlarge2, constantLoad(40))),
			"Writer 1 × db.r6g.4xlarge"},
		{"the source scales down first", both, withFreeResources(newObservation(idle, ownReader("a", xlarge, constantLoad(10))), 20, 10), "Writer 1 × db.r6g.large"},
		{"a replica stays as large as a busy source", both, newObservation(writer(xlarge, constantLoad(50)), ownReader("a", xlarge, constantLoad(10))), ""},
		{"replicas that the policy does not scale hold the source back", newPolicy(withoutReaders, withWriter(large, xlarge)),
			newObservation(busy, ownReader("a", large, constantLoad(40))), ""},
		{"a replica that is too small already may stay so", newPolicy(withWriter(xlarge, xlarge2), withReaders(1, 4, large)),
			newObservation(writer(xlarge, constantLoad(50)), ownReader("a", large, constantLoad(80))), "Readers 2 × db.r6g.large"},
	} {
		d := Evaluate(test.policy, asPostgresReplicas(test.observation), now)
		got := ""
		for _, proposal := range d.Proposals {
			got += ", " + string(proposal.Pool) + " " + proposal.To.String()
		}
		got = strings.TrimPrefix(got, ", ")
		if got != test.want {
			t.Errorf("%s: got %q (%s), want %q", test.name, got, d.Hold.Message, test.want)
		}
	}
}

// static puts readers into the static list of a custom endpoint.
func static(o scaling.Observation, members ...string) scaling.Observation {
	o.CustomEndpoints = []scaling.CustomEndpoint{{Identifier: "analytics", StaticMembers: members}}
	return o
}

// The load of readers in static lists is not that of the pool, and neither their number nor their class changes.
func TestEvaluate_StaticReaders(t *testing.T) {
	busy := func(name string) scaling.Instance { return foreignReader(name, xlarge4, constantLoad(95)) }
	t.Run("their load is not counted", func(t *testing.T) {
		d := Evaluate(newPolicy(), static(newObservation(writer(large, constantLoad(50)), ownReader("a", large, constantLoad(50)), busy("b")), "b"), now)
		if len(d.Proposals) > 0 || d.Pools[0].Load.Capacity != 2 || d.Hold.Reason != scaling.ReasonWithinThresholds {
			t.Errorf("got %+v, hold %+v", d.Proposals, d.Hold)
		}
	})
	t.Run("the others scale up without them", func(t *testing.T) {
		d := Evaluate(newPolicy(), static(newObservation(ownReader("a", large, constantLoad(90)), busy("b")), "b"), now)
		if p := onlyProposal(t, d); p.From != shape(1, large) {
			t.Errorf("got %s → %s", p.From, p.To)
		}
	})
	t.Run("nothing is added beside them", func(t *testing.T) {
		d := Evaluate(newPolicy(), static(newObservation(writer(large, constantLoad(50)), busy("b")), "b"), now)
		if len(d.Proposals) > 0 || d.Hold.Reason != scaling.ReasonStaticEndpoints {
			t.Errorf("got %+v, hold %+v", d.Proposals, d.Hold)
		}
		o := newObservation(writer(large, constantLoad(50)), busy("b"))
		if pool, missing := PoolWithoutSamples(o, d.Pools, now); missing {
			t.Errorf("samples of the pool %s are said to be missing", pool)
		}
	})
	t.Run("an override is carried out", func(t *testing.T) {
		p := newPolicy(withOverride(&scaling.Shape{InstanceClass: large, Count: 1}, nil, time.Hour))
		if got := onlyProposal(t, Evaluate(p, static(newObservation(writer(large, constantLoad(50)), busy("b")), "b"), now)); got.To != shape(1, large) {
			t.Errorf("got %s", got.To)
		}
	})
}

// After a Region switch the new primary is scaled up, and not down for half a day.
func TestEvaluate_RegionSwitch(t *testing.T) {
	p := newPolicy(withWriter(large, xlarge, xlarge2))
	for _, test := range []struct {
		promotedAgo time.Duration
		load        float64
		want        scaling.Reason
	}{
		{11 * time.Hour, 5, scaling.ReasonRegionSwitch},
		{13 * time.Hour, 5, scaling.ReasonScaleDown},
		{11 * time.Hour, 95, scaling.ReasonScaleUp},
	} {
		o := newObservation(writer(xlarge, constantLoad(test.load)))
		o.PromotedAt = now.Add(-test.promotedAgo)
		d := Evaluate(newPolicy(withoutReaders, withWriter(p.Writer.InstanceClasses...)), o, now)
		if got := reason(d); got != test.want {
			t.Errorf("%s ago at %.0f %%: %s (%s), want %s", test.promotedAgo, test.load, got, d.Hold.Message, test.want)
		}
	}
}
