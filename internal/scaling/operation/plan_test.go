package operation

import (
	"regexp"
	"strings"
	"testing"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

func TestPlan(t *testing.T) {
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
			"readers, vertically up", surgePolicy(),
			auroraCluster(writer(large), reader("a", large), reader("b", large)), readers, up, newShape(2, xlarge),
			joinLines(
				"add the surge reader engine-dbscaler-0a1b2c3d-1, a db.r6g.xlarge, at tier 15",
				"resize a to db.r6g.xlarge",
				"resize b to db.r6g.xlarge",
				"remove the reader engine-dbscaler-0a1b2c3d-1, which was a surge reader"),
		},
		{
			"a reader smaller than the writer is promoted last", surgePolicy(),
			auroraCluster(writer(xlarge2), reader("a", large)), readers, up, newShape(1, xlarge),
			joinLines(
				"add the surge reader engine-dbscaler-0a1b2c3d-1, a db.r6g.xlarge, at tier 15",
				"resize a to db.r6g.xlarge",
				"remove the reader engine-dbscaler-0a1b2c3d-1, which was a surge reader"),
		},
		{
			"readers, vertically down", surgePolicy(),
			auroraCluster(writer(large), reader("a", xlarge), reader("b", xlarge)), readers, down, newShape(2, large),
			joinLines(
				"add the surge reader engine-dbscaler-0a1b2c3d-1, a db.r6g.large, at tier 15",
				"resize a to db.r6g.large",
				"resize b to db.r6g.large",
				"remove the reader engine-dbscaler-0a1b2c3d-1, which was a surge reader"),
		},
		{
			"readers, vertically, without surge", policyWithoutSurge(),
			auroraCluster(writer(large), reader("a", large), reader("b", large)), readers, up, newShape(2, xlarge),
			joinLines("resize a to db.r6g.xlarge", "resize b to db.r6g.xlarge"),
		},
		{
			"readers of mixed classes: the largest last, when the others have grown", surgePolicy(),
			auroraCluster(writer(large), reader("a", xlarge2), reader("b", large), reader("c", large)), readers, up, newShape(3, xlarge),
			joinLines(
				"add the surge reader engine-dbscaler-0a1b2c3d-1, a db.r6g.xlarge, at tier 15",
				"resize b to db.r6g.xlarge",
				"resize c to db.r6g.xlarge",
				"resize a to db.r6g.xlarge",
				"remove the reader engine-dbscaler-0a1b2c3d-1, which was a surge reader"),
		},
		{
			"only those that differ are resized", policyWithoutSurge(),
			auroraCluster(writer(large), reader("a", xlarge), reader("b", large)), readers, up, newShape(2, xlarge),
			joinLines("resize b to db.r6g.xlarge"),
		},
		{
			"readers, horizontally up", surgePolicy(),
			auroraCluster(writer(large), reader("a", large)), readers, up, newShape(3, large),
			joinLines(
				"add the reader engine-dbscaler-0a1b2c3d-1, a db.r6g.large, at tier 1",
				"add the reader engine-dbscaler-0a1b2c3d-2, a db.r6g.large, at tier 1"),
		},
		{
			"the first reader", surgePolicy(), auroraCluster(writer(large)), readers, up, newShape(1, large),
			joinLines("add the reader engine-dbscaler-0a1b2c3d-1, a db.r6g.large, at tier 1"),
		},
		{
			"readers, horizontally down: the newest of the operator's own", surgePolicy(),
			auroraCluster(writer(large), reader("a", large), ownReader("b", large, 3), ownReader("c", large, 1), ownReader("d", large, 2)), readers, down, newShape(2, large),
			joinLines("remove the reader c", "remove the reader d"),
		},
		{
			"readers, more and larger: the new one stands in", surgePolicy(),
			auroraCluster(writer(large), reader("a", large)), readers, up, newShape(2, xlarge),
			joinLines(
				"add the reader engine-dbscaler-0a1b2c3d-1, a db.r6g.xlarge, at tier 1",
				"resize a to db.r6g.xlarge"),
		},
		{
			"readers, more and smaller: a surge reader as well", surgePolicy(),
			auroraCluster(writer(large), reader("a", xlarge12)), readers, up, newShape(2, xlarge8),
			joinLines(
				"add the reader engine-dbscaler-0a1b2c3d-1, a db.r6g.8xlarge, at tier 1",
				"add the surge reader engine-dbscaler-0a1b2c3d-2, a db.r6g.8xlarge, at tier 15",
				"resize a to db.r6g.8xlarge",
				"remove the reader engine-dbscaler-0a1b2c3d-2, which was a surge reader"),
		},
		{
			"readers, fewer and larger: those that go are not resized", surgePolicy(),
			auroraCluster(writer(large), reader("a", large), ownReader("b", large, 2), ownReader("c", large, 1)), readers, up, newShape(2, xlarge),
			joinLines(
				"add the surge reader engine-dbscaler-0a1b2c3d-1, a db.r6g.xlarge, at tier 15",
				"resize a to db.r6g.xlarge",
				"resize b to db.r6g.xlarge",
				"remove the reader engine-dbscaler-0a1b2c3d-1, which was a surge reader",
				"remove the reader c"),
		},
		{
			"fifteen readers leave no room for a surge reader", surgePolicy(),
			auroraCluster(append(repeatReader(15, large), writer(large))...), readers, up, newShape(15, xlarge),
			strings.TrimSuffix(strings.Repeat("resize r to db.r6g.xlarge\n", 15), "\n"),
		},
		{
			"nor do fourteen and the one that is added", surgePolicy(),
			auroraCluster(append(repeatReader(14, xlarge12), writer(large))...), readers, up, newShape(15, xlarge8),
			"add the reader engine-dbscaler-0a1b2c3d-1, a db.r6g.8xlarge, at tier 1" + strings.Repeat("\nresize r to db.r6g.8xlarge", 14),
		},
		{
			"the writer, by promoting a reader", surgePolicy(),
			auroraCluster(writer(large), reader("a", large), reader("b", large)), writers, up, newShape(1, xlarge),
			joinLines(
				"add the surge reader engine-dbscaler-0a1b2c3d-1, a db.r6g.xlarge, at tier 0",
				"resize a to db.r6g.xlarge",
				"fail over to a",
				"resize w to db.r6g.xlarge", // so that it could succeed the new writer
				"remove the reader engine-dbscaler-0a1b2c3d-1, which was a surge reader"),
		},
		{
			"the writer, down", surgePolicy(), auroraCluster(writer(xlarge), reader("a", xlarge)), writers, down, newShape(1, large),
			joinLines(
				"add the surge reader engine-dbscaler-0a1b2c3d-1, a db.r6g.xlarge, at tier 15",
				"resize a to db.r6g.large",
				"fail over to a",
				"remove the reader engine-dbscaler-0a1b2c3d-1, which was a surge reader"),
		},
		{
			"the writer, by promoting a reader of a third class", surgePolicy(),
			auroraCluster(writer(large), reader("a", xlarge2)), writers, up, newShape(1, xlarge),
			joinLines(
				"add the surge reader engine-dbscaler-0a1b2c3d-1, a db.r6g.2xlarge, at tier 0",
				"resize a to db.r6g.xlarge",
				"fail over to a",
				"resize w to db.r6g.2xlarge",
				"remove the reader engine-dbscaler-0a1b2c3d-1, which was a surge reader"),
		},
		{
			"the writer, by promoting a reader that has the class already", surgePolicy(),
			auroraCluster(writer(large), reader("a", large), reader("b", xlarge)), writers, up, newShape(1, xlarge),
			joinLines(
				"add the surge reader engine-dbscaler-0a1b2c3d-1, a db.r6g.xlarge, at tier 0",
				"fail over to b",
				"resize w to db.r6g.xlarge",
				"remove the reader engine-dbscaler-0a1b2c3d-1, which was a surge reader"),
		},
		{
			"the writer, without surge", policyWithoutSurge(),
			auroraCluster(writer(large), reader("a", large)), writers, up, newShape(1, xlarge),
			joinLines("resize a to db.r6g.xlarge", "fail over to a", "resize w to db.r6g.xlarge"),
		},
		{
			"the heir is the one of the best tier", policyWithoutSurge(),
			auroraCluster(writer(large), withTier(reader("a", xlarge), 2), withTier(reader("b", xlarge), 0), withTier(reader("c", xlarge), 1)), writers, up, newShape(1, xlarge),
			joinLines("fail over to b", "resize w to db.r6g.xlarge", "set the promotion tier of w to 0"),
		},
		{
			"the heir of the right class goes before the best tier", policyWithoutSurge(),
			auroraCluster(writer(large), withTier(reader("a", large), 0), withTier(reader("b", xlarge), 15)), writers, up, newShape(1, xlarge),
			joinLines("fail over to b", "resize w to db.r6g.xlarge", "set the promotion tier of w to 0"), // a would come before it
		},
		{
			"readers as large as the new writer may come first", policyWithoutSurge(),
			auroraCluster(writer(large), withTier(reader("a", xlarge), 1), withTier(reader("b", xlarge), 1), withTier(reader("c", large), 15)), writers, up, newShape(1, xlarge),
			joinLines("fail over to a", "resize w to db.r6g.xlarge"),
		},
		{
			"a surge reader is no heir while there is another", policyWithoutSurge(),
			auroraCluster(writer(large), withTier(surgeReader("a", xlarge), 0), withTier(reader("b", xlarge), 15)), writers, up, newShape(1, xlarge),
			joinLines("fail over to b", "resize w to db.r6g.xlarge"),
		},
		{
			"a Multi-AZ DB cluster: as a whole", surgePolicy(), asMultiAZCluster(auroraCluster(writer(large), reader("a", large), reader("b", large))), writers, up,
			newShape(1, xlarge), joinLines("resize the cluster engine to db.r6g.xlarge"),
		},
		{
			"Serverless v2: its maximum capacity", surgePolicy(), asServerless(auroraCluster(writer("16 ACU"), reader("a", "16 ACU"))), writers, up,
			newShape(1, "32 ACU"), joinLines("let the cluster engine scale up to 32 ACU"),
		},
		{
			"an instance with read replicas: in place, since none of them can succeed it", surgePolicy(),
			asReadReplicas(auroraCluster(writer(large), reader("a", large))), writers, up, newShape(1, xlarge),
			joinLines("resize w to db.r6g.xlarge"),
		},
		{
			"read replicas, vertically up", surgePolicy(),
			asReadReplicas(auroraCluster(writer(large), reader("a", large))), readers, up, newShape(1, xlarge),
			joinLines(
				"add the surge reader engine-dbscaler-0a1b2c3d-1, a db.r6g.xlarge, at tier 15",
				"resize a to db.r6g.xlarge",
				"remove the reader engine-dbscaler-0a1b2c3d-1, which was a surge reader"),
		},
		{
			"five read replicas of Oracle leave no room for a surge reader", surgePolicy(),
			asOracle(asReadReplicas(auroraCluster(append(repeatReader(5, large), writer(large))...))), readers, up, newShape(5, xlarge),
			strings.TrimSuffix(strings.Repeat("resize r to db.r6g.xlarge\n", 5), "\n"),
		},
		{
			"the writer alone", surgePolicy(), auroraCluster(writer(large)), writers, up, newShape(1, xlarge),
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
				op.Reason != "because" || !op.StartedAt.Equal(start) {
				t.Errorf("the operation is %+v", op)
			}
			if op.CurrentStep() != 0 {
				t.Errorf("it begins with step %d", op.CurrentStep())
			}
		})
	}
}

// repeatReader readers. Aurora allows fifteen.
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
	want := joinLines("remove the reader s, which was a surge reader", "remove the reader t, which was a surge reader")
	if got := describeSteps(op.Steps); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestPlan_Errors(t *testing.T) {
	second := writer(large)
	second.Identifier = "w2"
	for _, test := range []struct {
		name        string
		observation scaling.Observation
		pool        scaling.Pool
		direction   scaling.Direction
		to          scaling.Shape
		says        string
	}{
		{"readers of others would go", auroraCluster(writer(large), reader("a", large), reader("b", large), ownReader("c", large, 1)),
			scaling.Readers, scaling.Down, newShape(1, large), "2 of 3 readers would have to go, and dbscaler created only 1"},
		{"every reader would go", auroraCluster(writer(large), ownReader("a", large, 1)), scaling.Readers, scaling.Down,
			newShape(0, large), "1 of 1 readers"},
		{"it is so already", auroraCluster(writer(large), reader("a", large)), scaling.Readers, scaling.Up, newShape(1, large),
			"nothing would have to change"},
		{"nothing is left over", auroraCluster(writer(large), reader("a", large)), scaling.Readers, scaling.Cleanup,
			newShape(1, large), "nothing would have to change"},
		{"no writer", auroraCluster(reader("a", large)), scaling.Writer, scaling.Up, newShape(1, xlarge), "engine has 0 writers"},
		{"no instance", auroraCluster(), scaling.Writer, scaling.Up, newShape(1, xlarge), "engine has 0 writers"},
		{"readers of a Multi-AZ DB cluster", asMultiAZCluster(auroraCluster(writer(large), reader("a", large))), scaling.Readers, scaling.Up, newShape(1, xlarge),
			"resized as a whole"},
		{"two writers", auroraCluster(writer(large), second, reader("a", large)), scaling.Writer, scaling.Up, newShape(1, xlarge),
			"engine has 2 writers"},
		{"two writers and no reader", auroraCluster(writer(large), second), scaling.Writer, scaling.Up, newShape(1, xlarge),
			"engine has 2 writers"},
	} {
		t.Run(test.name, func(t *testing.T) {
			op, err := Plan(surgePolicy(), test.observation, newProposal(test.pool, test.direction, test.observation, test.to), operationID, start)
			if err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("got the steps %q and the error %v, want an error that says %q", describeSteps(op.Steps), err, test.says)
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
			cluster63 := strings.TrimRight(name[:length], "-")
			if cluster63 == "" {
				continue
			}
			o := auroraCluster(writer(large))
			op := mustPlan(t, policyFor(cluster63), o, scaling.Readers, newShape(15, large))
			seen := map[string]bool{}
			for _, s := range op.Steps {
				if len(s.Instance) > 63 || !valid.MatchString(s.Instance) || seen[s.Instance] {
					t.Errorf("a reader of %s is named %q, a name of %d", cluster63, s.Instance, len(s.Instance))
				}
				if !strings.Contains(s.Instance, "-dbscaler-"+operationID+"-") {
					t.Errorf("%q does not name its operation", s.Instance)
				}
				seen[s.Instance] = true
			}
		}
	}
}
