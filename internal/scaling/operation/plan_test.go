package operation

import (
	"regexp"
	"strings"
	"testing"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

func TestPlan_StepsInOrder(t *testing.T) {
	const (
		up, down         = scaling.Up, scaling.Down
		writers, readers = scaling.Writer, scaling.Readers
	)
	for _, test := range []struct {
		name        string
		policy      scaling.Policy
		observation scaling.Observation
		pool        scaling.Pool
		direction   scaling.Direction
		to          scaling.Shape
		want        string
	}{
		{
			"readers to a larger class, with a surge reader", surgePolicy(),
			auroraCluster(writer(large), reader("a", large), reader("b", large)), readers, up, newShape(2, xlarge),
			joinLines(
				"add the surge reader engine-dbscaler-0a1b2c3d-1, a db.r6g.xlarge, at tier 15",
				"resize a to db.r6g.xlarge",
				"resize b to db.r6g.xlarge",
				"remove the reader engine-dbscaler-0a1b2c3d-1, a surge reader"),
		},
		{
			"surge reader smaller than the writer has the lowest tier", surgePolicy(),
			auroraCluster(writer(xlarge2), reader("a", large)), readers, up, newShape(1, xlarge),
			joinLines(
				"add the surge reader engine-dbscaler-0a1b2c3d-1, a db.r6g.xlarge, at tier 15",
				"resize a to db.r6g.xlarge",
				"remove the reader engine-dbscaler-0a1b2c3d-1, a surge reader"),
		},
		{
			"readers to a smaller class, with a surge reader", surgePolicy(),
			auroraCluster(writer(large), reader("a", xlarge), reader("b", xlarge)), readers, down, newShape(2, large),
			joinLines(
				"add the surge reader engine-dbscaler-0a1b2c3d-1, a db.r6g.large, at tier 15",
				"resize a to db.r6g.large",
				"resize b to db.r6g.large",
				"remove the reader engine-dbscaler-0a1b2c3d-1, a surge reader"),
		},
		{
			"readers to a larger class, without surge reader", policyWithoutSurge(),
			auroraCluster(writer(large), reader("a", large), reader("b", large)), readers, up, newShape(2, xlarge),
			joinLines("resize a to db.r6g.xlarge", "resize b to db.r6g.xlarge"),
		},
		{
			"readers of mixed classes are resized by ascending size", surgePolicy(),
			auroraCluster(writer(large), reader("a", xlarge2), reader("b", large), reader("c", large)), readers, up, newShape(3, xlarge),
			joinLines(
				"add the surge reader engine-dbscaler-0a1b2c3d-1, a db.r6g.xlarge, at tier 15",
				"resize b to db.r6g.xlarge",
				"resize c to db.r6g.xlarge",
				"resize a to db.r6g.xlarge",
				"remove the reader engine-dbscaler-0a1b2c3d-1, a surge reader"),
		},
		{
			"readers of the desired class are not resized", policyWithoutSurge(),
			auroraCluster(writer(large), reader("a", xlarge), reader("b", large)), readers, up, newShape(2, xlarge),
			joinLines("resize b to db.r6g.xlarge"),
		},
		{
			"own readers are replaced, and those of others resized", policyWithRoom(4),
			asCluster(auroraCluster(writer(large), reader("a", large), ownReader("b", large, 1))), readers, up, newShape(3, xlarge),
			joinLines(
				"add the reader engine-dbscaler-0a1b2c3d-1, a db.r6g.xlarge, at tier 1",
				"add the reader engine-dbscaler-0a1b2c3d-2, a db.r6g.xlarge, at tier 1",
				"resize a to db.r6g.xlarge",
				"remove the reader b"),
		},
		{
			"without room for another reader own ones are resized", policyWithRoom(1),
			asCluster(auroraCluster(writer(large), reader("a", large), ownReader("b", large, 1))), readers, up, newShape(2, xlarge),
			joinLines(
				"add the surge reader engine-dbscaler-0a1b2c3d-1, a db.r6g.xlarge, at tier 15",
				"resize a to db.r6g.xlarge",
				"resize b to db.r6g.xlarge",
				"remove the reader engine-dbscaler-0a1b2c3d-1, a surge reader"),
		},
		{
			"own readers are replaced before a smaller class", policyWithRoom(2),
			asCluster(auroraCluster(writer(large), reader("a", xlarge), ownReader("b", xlarge, 1))), readers, down, newShape(2, large),
			joinLines(
				"add the reader engine-dbscaler-0a1b2c3d-1, a db.r6g.large, at tier 1",
				"resize a to db.r6g.large",
				"remove the reader b"),
		},
		{
			"more readers", surgePolicy(),
			auroraCluster(writer(large), reader("a", large)), readers, up, newShape(3, large),
			joinLines(
				"add the reader engine-dbscaler-0a1b2c3d-1, a db.r6g.large, at tier 1",
				"add the reader engine-dbscaler-0a1b2c3d-2, a db.r6g.large, at tier 1"),
		},
		{
			"first reader", surgePolicy(), auroraCluster(writer(large)), readers, up, newShape(1, large),
			joinLines("add the reader engine-dbscaler-0a1b2c3d-1, a db.r6g.large, at tier 1"),
		},
		{
			"fewer readers: the newest created by the operator", surgePolicy(),
			auroraCluster(writer(large), reader("a", large), ownReader("b", large, 3), ownReader("c", large, 1), ownReader("d", large, 2)), readers, down, newShape(2, large),
			joinLines("remove the reader c", "remove the reader d"),
		},
		{
			"more and larger readers: the new reader replaces a surge reader", surgePolicy(),
			auroraCluster(writer(large), reader("a", large)), readers, up, newShape(2, xlarge),
			joinLines(
				"add the reader engine-dbscaler-0a1b2c3d-1, a db.r6g.xlarge, at tier 1",
				"resize a to db.r6g.xlarge"),
		},
		{
			"more and smaller readers: a surge reader too", surgePolicy(),
			auroraCluster(writer(large), reader("a", xlarge12)), readers, up, newShape(2, xlarge8),
			joinLines(
				"add the reader engine-dbscaler-0a1b2c3d-1, a db.r6g.8xlarge, at tier 1",
				"add the surge reader engine-dbscaler-0a1b2c3d-2, a db.r6g.8xlarge, at tier 15",
				"resize a to db.r6g.8xlarge",
				"remove the reader engine-dbscaler-0a1b2c3d-2, a surge reader"),
		},
		{
			"fewer and larger readers: deleted readers are not resized", surgePolicy(),
			auroraCluster(writer(large), reader("a", large), ownReader("b", large, 2), ownReader("c", large, 1)), readers, up, newShape(2, xlarge),
			joinLines(
				"add the surge reader engine-dbscaler-0a1b2c3d-1, a db.r6g.xlarge, at tier 15",
				"resize a to db.r6g.xlarge",
				"resize b to db.r6g.xlarge",
				"remove the reader engine-dbscaler-0a1b2c3d-1, a surge reader",
				"remove the reader c"),
		},
		{
			"no surge reader beside fifteen readers", surgePolicy(),
			auroraCluster(append(repeatReader(15, large), writer(large))...), readers, up, newShape(15, xlarge),
			strings.TrimSuffix(strings.Repeat("resize r to db.r6g.xlarge\n", 15), "\n"),
		},
		{
			"no surge reader beside fourteen readers and a new one", surgePolicy(),
			auroraCluster(append(repeatReader(14, xlarge12), writer(large))...), readers, up, newShape(15, xlarge8),
			"add the reader engine-dbscaler-0a1b2c3d-1, a db.r6g.8xlarge, at tier 1" + strings.Repeat("\nresize r to db.r6g.8xlarge", 14),
		},
		{
			"writer to a larger class by promotion", surgePolicy(),
			auroraCluster(writer(large), reader("a", large), reader("b", large)), writers, up, newShape(1, xlarge),
			joinLines(
				"add the surge reader engine-dbscaler-0a1b2c3d-1, a db.r6g.xlarge, at tier 0",
				"resize a to db.r6g.xlarge",
				"fail over to a",
				"resize w to db.r6g.xlarge", // so that it can replace the new writer
				"remove the reader engine-dbscaler-0a1b2c3d-1, a surge reader"),
		},
		{
			"writer to a smaller class by promotion", surgePolicy(), auroraCluster(writer(xlarge), reader("a", xlarge)), writers, down, newShape(1, large),
			joinLines(
				"add the surge reader engine-dbscaler-0a1b2c3d-1, a db.r6g.xlarge, at tier 15",
				"resize a to db.r6g.large",
				"fail over to a",
				"remove the reader engine-dbscaler-0a1b2c3d-1, a surge reader"),
		},
		{
			"writer by promotion of a reader of a third class", surgePolicy(),
			auroraCluster(writer(large), reader("a", xlarge2)), writers, up, newShape(1, xlarge),
			joinLines(
				"add the surge reader engine-dbscaler-0a1b2c3d-1, a db.r6g.2xlarge, at tier 0",
				"resize a to db.r6g.xlarge",
				"fail over to a",
				"resize w to db.r6g.2xlarge",
				"remove the reader engine-dbscaler-0a1b2c3d-1, a surge reader"),
		},
		{
			"writer by promotion of a reader of the desired class", surgePolicy(),
			auroraCluster(writer(large), reader("a", large), reader("b", xlarge)), writers, up, newShape(1, xlarge),
			joinLines(
				"add the surge reader engine-dbscaler-0a1b2c3d-1, a db.r6g.xlarge, at tier 0",
				"fail over to b",
				"resize w to db.r6g.xlarge",
				"remove the reader engine-dbscaler-0a1b2c3d-1, a surge reader"),
		},
		{
			"writer by promotion, without surge reader", policyWithoutSurge(),
			auroraCluster(writer(large), reader("a", large)), writers, up, newShape(1, xlarge),
			joinLines("resize a to db.r6g.xlarge", "fail over to a", "resize w to db.r6g.xlarge"),
		},
		{
			"promotion candidate of the best tier", policyWithoutSurge(),
			auroraCluster(writer(large), withTier(reader("a", xlarge), 2), withTier(reader("b", xlarge), 0), withTier(reader("c", xlarge), 1)), writers, up, newShape(1, xlarge),
			joinLines("fail over to b", "resize w to db.r6g.xlarge", "set the promotion tier of w to 0"),
		},
		{
			"promotion candidate of the best tier before the desired class", policyWithoutSurge(),
			auroraCluster(writer(large), withTier(reader("a", large), 0), withTier(reader("b", xlarge), 15)), writers, up, newShape(1, xlarge),
			joinLines("resize a to db.r6g.xlarge", "fail over to a", "resize w to db.r6g.xlarge", "set the promotion tier of w to 0"),
		},
		{
			"readers of the size of the new writer may have a better tier", policyWithoutSurge(),
			auroraCluster(writer(large), withTier(reader("a", xlarge), 1), withTier(reader("b", xlarge), 1), withTier(reader("c", large), 15)), writers, up, newShape(1, xlarge),
			joinLines("fail over to a", "resize w to db.r6g.xlarge"),
		},
		{
			"surge reader is promoted only without another reader", policyWithoutSurge(),
			auroraCluster(writer(large), withTier(surgeReader("a", xlarge), 0), withTier(reader("b", xlarge), 15)), writers, up, newShape(1, xlarge),
			joinLines("fail over to b", "resize w to db.r6g.xlarge"),
		},
		{
			"Multi-AZ DB cluster as a unit", surgePolicy(), asMultiAZCluster(auroraCluster(writer(large), reader("a", large), reader("b", large))), writers, up,
			newShape(1, xlarge), joinLines("resize the cluster engine to db.r6g.xlarge"),
		},
		{
			"maximum capacity of Serverless v2", surgePolicy(), asServerless(auroraCluster(writer("16 ACU"), reader("a", "16 ACU"))), writers, up,
			newShape(1, "32 ACU"), joinLines("set the maximum capacity of the cluster engine to 32 ACU"),
		},
		{
			"minimum capacity of Serverless v2", surgePolicy(), asServerless(auroraCluster(writer("16 ACU"), reader("a", "16 ACU"))), scaling.MinCapacity, up,
			newShape(1, "0.5 ACU"), joinLines("set the minimum capacity of the cluster engine to 0.5 ACU"),
		},
		{
			"instance with read replicas in place", surgePolicy(),
			asReadReplicas(auroraCluster(writer(large), reader("a", large))), writers, up, newShape(1, xlarge),
			joinLines("resize w to db.r6g.xlarge"),
		},
		{
			"read replicas to a larger class", surgePolicy(),
			asReadReplicas(auroraCluster(writer(large), reader("a", large))), readers, up, newShape(1, xlarge),
			joinLines(
				"add the surge reader engine-dbscaler-0a1b2c3d-1, a db.r6g.xlarge, at tier 15",
				"resize a to db.r6g.xlarge",
				"remove the reader engine-dbscaler-0a1b2c3d-1, a surge reader"),
		},
		{
			"no surge reader beside five read replicas of Oracle", surgePolicy(),
			asOracle(asReadReplicas(auroraCluster(append(repeatReader(5, large), writer(large))...))), readers, up, newShape(5, xlarge),
			strings.TrimSuffix(strings.Repeat("resize r to db.r6g.xlarge\n", 5), "\n"),
		},
		{
			"writer without readers in place", surgePolicy(), auroraCluster(writer(large)), writers, up, newShape(1, xlarge),
			joinLines("resize w to db.r6g.xlarge"),
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			change := newProposal(test.pool, test.direction, test.observation, test.to)
			op, err := Plan(test.policy, test.observation, change, operationID, start)
			if err != nil {
				t.Fatal(err)
			}
			if got := describeSteps(op.Steps); got != test.want {
				t.Errorf("got\n%s\nwant\n%s", got, test.want)
			}
			if op.ID != operationID || op.Pool != test.pool || op.Direction != test.direction || op.To != test.to || op.From != change.From ||
				op.Cause != "test cause" || !op.StartedAt.Equal(start) {
				t.Errorf("got operation %+v", op)
			}
			if op.CurrentStep() != 0 {
				t.Errorf("current step is %d, want 0", op.CurrentStep())
			}
		})
	}
}

// repeatReader returns several readers of one name.
func repeatReader(count int, class string) []scaling.Instance {
	var out []scaling.Instance
	for range count {
		out = append(out, reader("r", class))
	}
	return out
}

func TestPlan_Cleanup(t *testing.T) {
	o := auroraCluster(writer(large), reader("a", large), surgeReader("s", large), ownReader("b", large, 1), surgeReader("t", xlarge))
	op, err := Plan(policyWithoutSurge(), o, newProposal(scaling.Readers, scaling.Cleanup, o, newShape(2, large)), operationID, start)
	if err != nil {
		t.Fatal(err)
	}
	want := joinLines("remove the reader s, a surge reader", "remove the reader t, a surge reader")
	if got := describeSteps(op.Steps); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestPlan_RefusesUnsafeSequences(t *testing.T) {
	second := writer(large)
	second.Identifier = "w2"
	for _, test := range []struct {
		name        string
		observation scaling.Observation
		pool        scaling.Pool
		direction   scaling.Direction
		to          scaling.Shape
		message     string
	}{
		{"readers of somebody else would be deleted", auroraCluster(writer(large), reader("a", large), reader("b", large), ownReader("c", large, 1)),
			scaling.Readers, scaling.Down, newShape(1, large), "2 of 3 readers would be deleted, and dbscaler may delete only 1"},
		{"all readers would be deleted", auroraCluster(writer(large), ownReader("a", large, 1)), scaling.Readers, scaling.Down,
			newShape(0, large), "1 of 1 readers"},
		{"shape already reached", auroraCluster(writer(large), reader("a", large)), scaling.Readers, scaling.Up, newShape(1, large),
			"no step is needed"},
		{"cleanup without surge readers", auroraCluster(writer(large), reader("a", large)), scaling.Readers, scaling.Cleanup,
			newShape(1, large), "no step is needed"},
		{"no writer", auroraCluster(reader("a", large)), scaling.Writer, scaling.Up, newShape(1, xlarge), "engine has 0 writers"},
		{"no instances", auroraCluster(), scaling.Writer, scaling.Up, newShape(1, xlarge), "engine has 0 writers"},
		{"readers of a Multi-AZ DB cluster", asMultiAZCluster(auroraCluster(writer(large), reader("a", large))), scaling.Readers, scaling.Up, newShape(1, xlarge),
			"cannot be resized separately"},
		{"two writers", auroraCluster(writer(large), second, reader("a", large)), scaling.Writer, scaling.Up, newShape(1, xlarge),
			"engine has 2 writers"},
		{"two writers and no reader", auroraCluster(writer(large), second), scaling.Writer, scaling.Up, newShape(1, xlarge),
			"engine has 2 writers"},
	} {
		t.Run(test.name, func(t *testing.T) {
			op, err := Plan(surgePolicy(), test.observation, newProposal(test.pool, test.direction, test.observation, test.to), operationID, start)
			if err == nil || !strings.Contains(err.Error(), test.message) {
				t.Errorf("got steps %q and error %v, want an error with %q", describeSteps(op.Steps), err, test.message)
			}
		})
	}
}

// A DB instance identifier has at most 63 letters, digits and hyphens, begins with a letter, and has neither a hyphen at its
// end nor two in a row (CreateDBInstance, API reference).
func TestPlan_ReaderNames(t *testing.T) {
	valid := regexp.MustCompile(`^[a-z](-?[a-z0-9])*$`)
	for _, name := range []string{"e", "engine", "clinical-engine-production", strings.Repeat("a", 63), strings.Repeat("a-", 31) + "a"} {
		for length := range len(name) + 1 {
			target := strings.TrimRight(name[:length], "-")
			if target == "" {
				continue
			}
			o := auroraCluster(writer(large))
			op := mustPlan(t, policyFor(target), o, scaling.Readers, newShape(15, large))
			seen := map[string]bool{}
			for _, s := range op.Steps {
				if len(s.Instance) > 63 || !valid.MatchString(s.Instance) || seen[s.Instance] {
					t.Errorf("reader of %s: invalid or repeated name %q of length %d", target, s.Instance, len(s.Instance))
				}
				if !strings.Contains(s.Instance, "-dbscaler-"+operationID+"-") {
					t.Errorf("%q does not contain the ID of its operation", s.Instance)
				}
				seen[s.Instance] = true
			}
		}
	}
}
