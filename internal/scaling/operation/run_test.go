package operation

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// planCase is a change of shape whose operation must complete.
type planCase struct {
	name        string
	policy      scaling.Policy
	observation scaling.Observation
	pool        scaling.Pool
	direction   scaling.Direction
	to          scaling.Shape
}

func planCases() []planCase {
	const (
		up, down         = scaling.Up, scaling.Down
		writers, readers = scaling.Writer, scaling.Readers
	)
	one := auroraCluster(writer(large), reader("a", large))
	two := auroraCluster(writer(large), reader("a", large), reader("b", large))
	big := auroraCluster(writer(xlarge2), reader("a", xlarge), reader("b", xlarge))
	grown := auroraCluster(writer(large), reader("a", xlarge), reader("b", xlarge))
	mixed := auroraCluster(writer(large), reader("a", large), reader("b", xlarge), ownReader("c", xlarge2, 1))
	many := auroraCluster(writer(large), reader("a", large), ownReader("b", large, 3), ownReader("c", large, 1), ownReader("d", large, 2))
	return []planCase{
		{"one reader to a larger class", surgePolicy(), one, readers, up, newShape(1, xlarge)},
		{"readers to a larger class", surgePolicy(), two, readers, up, newShape(2, xlarge)},
		{"readers to a larger class, without surge reader", policyWithoutSurge(), two, readers, up, newShape(2, xlarge)},
		{"readers to a smaller class", surgePolicy(), big, readers, down, newShape(2, large)},
		{"readers to a smaller class, without surge reader", policyWithoutSurge(), big, readers, down, newShape(2, large)},
		{"more readers", surgePolicy(), one, readers, up, newShape(4, large)},
		{"first readers", surgePolicy(), auroraCluster(writer(large)), readers, up, newShape(2, large)},
		{"one reader fewer", surgePolicy(), many, readers, down, newShape(3, large)},
		{"several readers fewer", surgePolicy(), many, readers, down, newShape(1, large)},
		{"more and larger readers", surgePolicy(), one, readers, up, newShape(3, xlarge)},
		{"more and smaller readers", surgePolicy(), auroraCluster(writer(large), reader("a", xlarge12)), readers, up,
			newShape(2, xlarge8)},
		{"fewer and larger readers", surgePolicy(), many, readers, up, newShape(2, xlarge2)},
		{"readers of mixed classes", surgePolicy(), mixed, readers, up, newShape(3, xlarge2)},
		{"own readers of mixed classes are replaced", policyWithRoom(4), asCluster(mixed), readers, down, newShape(3, large)},
		{"own readers are replaced by more and larger ones", policyWithRoom(8), asCluster(many), readers, up, newShape(5, xlarge)},
		{"own readers are replaced as far as there is room", policyWithRoom(4), asCluster(many), readers, up, newShape(4, xlarge)},
		{"own readers are replaced by fewer ones", policyWithRoom(4), asCluster(many), readers, up, newShape(2, xlarge2)},
		{"writer by promotion", surgePolicy(), two, writers, up, newShape(1, xlarge)},
		{"writer by promotion of the only reader", surgePolicy(), one, writers, up, newShape(1, xlarge)},
		{"writer by promotion, without surge reader", policyWithoutSurge(), two, writers, up, newShape(1, xlarge)},
		{"writer by promotion of a reader of the desired class", surgePolicy(), grown, writers, up, newShape(1, xlarge)},
		{"writer by promotion of a reader of the desired class, without surge reader", policyWithoutSurge(), grown, writers, up,
			newShape(1, xlarge)},
		{"writer by promotion of a reader of a mixed pool", surgePolicy(), mixed, writers, up, newShape(1, xlarge)},
		{"writer without a reader of its parameter group", surgePolicy(),
			auroraCluster(withGroup(writer(large), "oltp"), withGroup(reader("a", large), "olap"), reader("b", large)), writers, up, newShape(1, xlarge)},
		{"writer to a smaller class, with readers in static lists", surgePolicy(),
			withStaticMembers(auroraCluster(writer(xlarge), reader("a", large)), "a"), writers, down, newShape(1, large)},
		{"writer by promotion of the reader of its parameter group", surgePolicy(),
			auroraCluster(withGroup(writer(large), "oltp"), reader("a", xlarge), withGroup(reader("b", large), "oltp")), writers, up, newShape(1, xlarge)},
		{"writer to a smaller class", surgePolicy(), big, writers, down, newShape(1, xlarge)},
		{"writer to a class smaller than the readers", surgePolicy(), big, writers, down, newShape(1, large)},
		{"instance with read replicas", surgePolicy(), asReadReplicas(two), writers, up, newShape(1, xlarge)},
		{"read replicas to a larger class", surgePolicy(), asReadReplicas(two), readers, up, newShape(2, xlarge)},
		{"writer without readers", surgePolicy(), auroraCluster(writer(large)), writers, up, newShape(1, xlarge)},
		{"leftover surge readers", surgePolicy(), auroraCluster(writer(large), reader("a", large), surgeReader("s", large), surgeReader("t", large)),
			readers, scaling.Cleanup, newShape(1, large)},
	}
}

// start plans the operation and returns it with the fake cluster, which checks the capacity that surge readers guarantee.
func (c planCase) start(t *testing.T) (scaling.Operation, *fakeCluster) {
	t.Helper()
	op, err := Plan(c.policy, c.observation, newProposal(c.pool, c.direction, c.observation, c.to), operationID, start)
	if err != nil {
		t.Fatal(err)
	}
	cluster := newFakeCluster(t, c.observation)
	if c.policy.Guardrails.SurgeReaders > 0 {
		cluster.minReaderVCPUs = cluster.readerVCPUs()
		if c.pool == scaling.Readers {
			cluster.minReaderVCPUs = min(cluster.minReaderVCPUs, c.to.Count*mustVCPUs(t, c.to.InstanceClass))
		}
		cluster.checkPromotion = c.pool == scaling.Writer && c.direction == scaling.Up && len(c.observation.PromotionCandidates(c.to.InstanceClass)) > 0 &&
			canPromoteReader(c.observation)
	}
	return op, cluster
}

// assertReached checks that the operation succeeded and left exactly the desired shape.
func (c planCase) assertReached(t *testing.T, cluster *fakeCluster, progress Progress) {
	t.Helper()
	if progress.Outcome != Succeeded {
		t.Fatalf("operation %s: %s", progress.Outcome, progress.Message)
	}
	o := cluster.observe()
	if got := o.Shape(c.pool); got != c.to {
		t.Errorf("the %s are %s, want %s", c.pool, got, c.to)
	}
	for _, i := range o.Instances {
		if i.SurgeOperation() != "" {
			t.Errorf("the surge reader %s is still there", i.Identifier)
		}
	}
	if c.pool == scaling.Writer {
		if before := newFakeCluster(t, c.observation).readerVCPUs(); cluster.readerVCPUs() < before {
			t.Errorf("the readers had %d vCPUs and have %d", before, cluster.readerVCPUs())
		}
	}
	if n := progress.Operation.CurrentStep(); n != len(progress.Operation.Steps) {
		t.Errorf("succeeded at step %d of %d", n, len(progress.Operation.Steps))
	}
}

func TestNext_EveryPlanCompletes(t *testing.T) {
	for _, test := range planCases() {
		t.Run(test.name, func(t *testing.T) {
			op, cluster := test.start(t)
			progress := cluster.run(op, noDisturbance())
			test.assertReached(t, cluster, progress)
			if len(cluster.requests) != len(op.Steps) {
				t.Errorf("%d calls for %d steps: %q", len(cluster.requests), len(op.Steps), cluster.requests)
			}
			for n, s := range progress.Operation.Steps {
				if s.Attempts != 1 || s.StartedAt.IsZero() || s.CompletedAt.Before(s.StartedAt) {
					t.Errorf("step %d: %+v", n+1, s)
				}
				if n == 0 {
					continue
				}
				previous := progress.Operation.Steps[n-1]
				if s.Action == scaling.CreateReader {
					if !s.StartedAt.Before(previous.CompletedAt) {
						t.Errorf("the reader of step %d is not requested while that of step %d is created", n+1, n)
					}
				} else if s.StartedAt.Before(previous.CompletedAt) {
					t.Errorf("step %d starts before step %d is done", n+1, n)
				}
			}
		})
	}
}

// Each call in turn never reaches AWS. It is requested once more.
func TestNext_RetriesLostCall(t *testing.T) {
	for _, test := range planCases() {
		op, _ := test.start(t)
		for lost := range op.Steps {
			t.Run(fmt.Sprintf("%s, step %d", test.name, lost+1), func(t *testing.T) {
				op, cluster := test.start(t)
				disturbance := noDisturbance()
				disturbance.isLost = func(n int) bool { return n == lost }
				progress := cluster.run(op, disturbance)
				test.assertReached(t, cluster, progress)
				for n, s := range progress.Operation.Steps {
					want := 1
					if n == lost {
						want = 2
					}
					if s.Attempts != want {
						t.Errorf("step %d was requested %d times, want %d", n+1, s.Attempts, want)
					}
				}
				interval := stepRetryInterval
				if progress.Operation.Steps[lost].Action == scaling.Failover {
					interval = failoverRetryInterval
				}
				if s := progress.Operation.Steps[lost]; s.LastAttemptAt.Sub(s.StartedAt) != interval {
					t.Errorf("requested again after %s, want %s", s.LastAttemptAt.Sub(s.StartedAt), interval)
				}
			})
		}
	}
}

// Random durations of changes, a lost call and periods without the operator: the invariants of the fake cluster hold at every
// tick, and the operation completes.
func TestNext_EveryPlanCompletesUnderDisturbance(t *testing.T) {
	for _, test := range planCases() {
		t.Run(test.name, func(t *testing.T) {
			for seed := range uint64(50) {
				random := rand.New(rand.NewPCG(seed, 0))
				op, cluster := test.start(t)
				cluster.duration = func(a scaling.Action) int { return 1 + random.IntN(2*typicalTicks(a)) }
				lost := random.IntN(8)
				progress := cluster.run(op, disturbance{
					isLost: func(n int) bool { return n == lost },
					idleTicks: func(int) int {
						if random.IntN(20) > 0 {
							return 0
						}
						return random.IntN(40)
					},
				})
				test.assertReached(t, cluster, progress)
				if t.Failed() {
					t.Fatalf("seed %d", seed)
				}
			}
		})
	}
}

// The values of status.decision.message during a promotion.
func TestNext_MessagesOfPromotion(t *testing.T) {
	o := auroraCluster(writer(large), reader("a", xlarge))
	op := mustPlan(t, surgePolicy(), o, scaling.Writer, newShape(1, xlarge))
	cluster := newFakeCluster(t, o)
	var messages []string
	for {
		progress := Next("platform/engine", op, cluster.observe(), cluster.now)
		op = progress.Operation
		if n := len(messages); n == 0 || messages[n-1][len("10:00:00 "):] != progress.Message {
			messages = append(messages, cluster.now.Format(time.TimeOnly)+" "+progress.Message)
		}
		if progress.Outcome != Running || len(messages) > 100 {
			break
		}
		if progress.Call != nil {
			cluster.execute(*progress.Call)
		}
		cluster.tick()
	}
	want := []string{
		"10:00:00 Step 1 of 4: add the surge reader engine-dbscaler-0a1b2c3d-1, a db.r6g.xlarge",
		"10:00:15 Waiting for the new reader engine-dbscaler-0a1b2c3d-1; it is creating",
		"10:07:45 Waiting for the first replica lag sample of the new reader engine-dbscaler-0a1b2c3d-1",
		"10:08:15 Waiting for the replica lag of the new reader engine-dbscaler-0a1b2c3d-1 to fall to 5 s",
		"10:08:45 Confirming with a second observation: add the surge reader engine-dbscaler-0a1b2c3d-1, a db.r6g.xlarge",
		"10:09:00 Step 2 of 4: fail over to a",
		"10:09:15 Waiting for a to take over as the writer",
		"10:10:00 Confirming with a second observation: fail over to a",
		"10:10:15 Step 3 of 4: resize w to db.r6g.xlarge",
		"10:10:30 Waiting for w to become db.r6g.xlarge; it is available",
		"10:10:45 Waiting for w to become db.r6g.xlarge; it is modifying",
		"10:20:45 Confirming with a second observation: resize w to db.r6g.xlarge",
		"10:21:00 Waiting to remove the reader engine-dbscaler-0a1b2c3d-1: its clients have 5 minutes to disconnect",
		"10:26:00 Step 4 of 4: remove the reader engine-dbscaler-0a1b2c3d-1",
		"10:26:15 Waiting for the effect of the request to remove the reader engine-dbscaler-0a1b2c3d-1",
		"10:26:30 Waiting for the deletion of engine-dbscaler-0a1b2c3d-1",
		"10:29:30 Confirming with a second observation: remove the reader engine-dbscaler-0a1b2c3d-1",
		"10:29:45 Writer: 1 × db.r6g.large → 1 × db.r6g.xlarge",
	}
	if !slices.Equal(messages, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(messages, "\n"), strings.Join(want, "\n"))
	}
}
