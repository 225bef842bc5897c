package operation

import (
	"strings"
	"testing"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

func withGroup(i scaling.Instance, group string) scaling.Instance {
	i.ParameterGroups = []string{group}
	return i
}

func withStaticMembers(o scaling.Observation, members ...string) scaling.Observation {
	o.CustomEndpoints = []scaling.CustomEndpoint{{Identifier: "analytics", StaticMembers: members}}
	return o
}

// withClusterCache sets the parameters of the writer.
func withClusterCache(o scaling.Observation, parameters scaling.Parameters) scaling.Observation {
	for n := range o.Instances {
		if o.Instances[n].Writer {
			o.Instances[n].Parameters = parameters
		}
	}
	return o
}

func TestPlan_PromotionCandidate(t *testing.T) {
	replacement := joinLines(
		"add the surge reader engine-dbscaler-0a1b2c3d-1, a db.r6g.xlarge, at tier 15",
		"fail over to engine-dbscaler-0a1b2c3d-1",
		"resize w to db.r6g.xlarge",
		"fail over to w",
		"remove the reader engine-dbscaler-0a1b2c3d-1, a surge reader")
	for _, test := range []struct {
		name        string
		policy      scaling.Policy
		observation scaling.Observation
		want        string
	}{
		{"the reader with the parameter group of the writer, whatever the tier", policyWithoutSurge(), auroraCluster(
			withGroup(writer(large), "oltp"), withTier(withGroup(reader("a", xlarge), "olap"), 0), withTier(withGroup(reader("b", xlarge), "oltp"), 14),
		), joinLines("fail over to b", "resize w to db.r6g.xlarge")},
		{"a reader in a static list is not promoted", policyWithoutSurge(), withStaticMembers(auroraCluster(
			writer(large), withTier(reader("a", xlarge), 0), withTier(reader("b", xlarge), 1)), "a"), joinLines("fail over to b", "resize w to db.r6g.xlarge")},
		{"tier 15 only without another", policyWithoutSurge(), auroraCluster(
			writer(large), withTier(reader("a", xlarge), 15)), joinLines("fail over to a", "resize w to db.r6g.xlarge")},
		{"no reader has the parameter group of the writer", surgePolicy(), auroraCluster(
			withGroup(writer(large), "oltp"), withGroup(reader("a", xlarge), "olap")), replacement},
		{"every reader is in a static list", surgePolicy(), withStaticMembers(auroraCluster(
			writer(large), reader("a", xlarge), reader("b", xlarge)), "a", "b"), replacement},
	} {
		t.Run(test.name, func(t *testing.T) {
			change := newProposal(scaling.Writer, scaling.Up, test.observation, newShape(1, xlarge))
			op, err := Plan(test.policy, test.observation, change, operationID, start)
			if err != nil {
				t.Fatal(err)
			}
			if got := describeSteps(op.Steps); got != test.want {
				t.Errorf("got\n%s\nwant\n%s", got, test.want)
			}
		})
	}
}

// Without a candidate and without a surge reader there is no safe plan, and the error says of each reader why.
func TestPlan_NoPromotionCandidate(t *testing.T) {
	o := withStaticMembers(auroraCluster(withGroup(writer(large), "oltp"), withGroup(reader("a", xlarge), "olap"), withGroup(reader("b", xlarge), "oltp")), "b")
	_, err := Plan(policyWithoutSurge(), o, newProposal(scaling.Writer, scaling.Up, o, newShape(1, xlarge)), operationID, start)
	for _, part := range []string{"a has the DB parameter group olap, and the writer w has oltp", "b is in the static list of the custom endpoint analytics",
		"guardrails.surgeReaders"} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("got %v, want an error with %q", err, part)
		}
	}
}

// The surge reader is first in line after the failover, except where it would displace the partner of cluster cache management.
func TestPlan_SurgeTier(t *testing.T) {
	o := auroraCluster(writer(large), withTier(reader("a", large), 0))
	for _, test := range []struct {
		name       string
		parameters scaling.Parameters
		want       int
	}{
		{"off", scaling.Parameters{}, 0},
		{"on", scaling.Parameters{Values: map[string]string{"apg_ccm_enabled": "1"}}, 1},
		{"unknown", scaling.Parameters{Unknown: "access denied"}, 1},
	} {
		observation := withClusterCache(o, test.parameters)
		op, err := Plan(surgePolicy(), observation, newProposal(scaling.Writer, scaling.Up, observation, newShape(1, xlarge)), operationID, start)
		if err != nil || op.Steps[0].PromotionTier != test.want {
			t.Errorf("%s: got %+v and error %v, want tier %d", test.name, op.Steps[0], err, test.want)
		}
	}
}

// Readers in static lists do not belong to the pool: they are neither resized nor removed, and count towards AWS's limit only.
func TestPlan_StaticReaders(t *testing.T) {
	o := withStaticMembers(auroraCluster(writer(large), reader("a", large), ownReader("b", large, 1), ownReader("c", large, 2)), "c")
	proposal := newProposal(scaling.Readers, scaling.Down, o, newShape(1, large))
	op, err := Plan(surgePolicy(), o, proposal, operationID, start)
	if want := joinLines("remove the reader b"); err != nil || describeSteps(op.Steps) != want {
		t.Errorf("got %q and error %v, want %q", describeSteps(op.Steps), err, want)
	}
	op, err = Plan(policyWithoutSurge(), o, newProposal(scaling.Readers, scaling.Up, o, newShape(2, xlarge)), operationID, start)
	if want := joinLines("resize a to db.r6g.xlarge", "resize b to db.r6g.xlarge"); err != nil || describeSteps(op.Steps) != want {
		t.Errorf("got %q and error %v, want %q", describeSteps(op.Steps), err, want)
	}
}
