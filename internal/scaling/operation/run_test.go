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

// planCase is a change of shape that must work out.
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
		{"one reader vertically", surgePolicy(), one, readers, up, newShape(1, xlarge)},
		{"readers vertically", surgePolicy(), two, readers, up, newShape(2, xlarge)},
		{"readers vertically, without surge", policyWithoutSurge(), two, readers, up, newShape(2, xlarge)},
		{"readers vertically down", surgePolicy(), big, readers, down, newShape(2, large)},
		{"readers vertically down, without surge", policyWithoutSurge(), big, readers, down, newShape(2, large)},
		{"readers horizontally", surgePolicy(), one, readers, up, newShape(4, large)},
		{"the first readers", surgePolicy(), auroraCluster(writer(large)), readers, up, newShape(2, large)},
		{"readers horizontally down", surgePolicy(), many, readers, down, newShape(3, large)},
		{"readers horizontally down, by several", surgePolicy(), many, readers, down, newShape(1, large)},
		{"readers more and larger", surgePolicy(), one, readers, up, newShape(3, xlarge)},
		{"readers more and smaller", surgePolicy(), auroraCluster(writer(large), reader("a", xlarge12)), readers, up,
			newShape(2, xlarge8)},
		{"readers fewer and larger", surgePolicy(), many, readers, up, newShape(2, xlarge2)},
		{"readers of mixed classes", surgePolicy(), mixed, readers, up, newShape(3, xlarge2)},
		{"the writer by promotion", surgePolicy(), two, writers, up, newShape(1, xlarge)},
		{"the writer by promotion of the only reader", surgePolicy(), one, writers, up, newShape(1, xlarge)},
		{"the writer by promotion, without surge", policyWithoutSurge(), two, writers, up, newShape(1, xlarge)},
		{"the writer by promotion of a reader of the class", surgePolicy(), grown, writers, up, newShape(1, xlarge)},
		{"the writer by promotion of a reader of the class, without surge", policyWithoutSurge(), grown, writers, up,
			newShape(1, xlarge)},
		{"the writer by promotion, of mixed readers", surgePolicy(), mixed, writers, up, newShape(1, xlarge)},
		{"the writer down", surgePolicy(), big, writers, down, newShape(1, xlarge)},
		{"the writer down, below the readers", surgePolicy(), big, writers, down, newShape(1, large)},
		{"an instance with read replicas", surgePolicy(), asReadReplicas(two), writers, up, newShape(1, xlarge)},
		{"read replicas vertically", surgePolicy(), asReadReplicas(two), readers, up, newShape(2, xlarge)},
		{"the writer alone", surgePolicy(), auroraCluster(writer(large)), writers, up, newShape(1, xlarge)},
		{"what was left over", surgePolicy(), auroraCluster(writer(large), reader("a", large), surgeReader("s", large), surgeReader("t", large)),
			readers, scaling.Cleanup, newShape(1, large)},
	}
}

// start is the operation of a way and the world that it happens in, with the floor that surge readers promise.
func (w planCase) start(t *testing.T) (scaling.Operation, *fakeCluster) {
	t.Helper()
	op, err := Plan(w.policy, w.observation, newProposal(w.pool, w.direction, w.observation, w.to), operationID, start)
	if err != nil {
		t.Fatal(err)
	}
	world := newFakeCluster(t, w.observation)
	if w.policy.Guardrails.SurgeReaders > 0 {
		world.minReaderVCPUs = world.readerVCPUs()
		if w.pool == scaling.Readers {
			world.minReaderVCPUs = min(world.minReaderVCPUs, w.to.Count*mustVCPUs(t, w.to.InstanceClass))
		}
		world.checkPromotion = w.pool == scaling.Writer && w.direction == scaling.Up && canPromoteReader(w.observation)
	}
	return op, world
}

// assertReached says whether a world has become what was planned, and nothing else.
func (w planCase) assertReached(t *testing.T, world *fakeCluster, progress Progress) {
	t.Helper()
	if progress.Outcome != Succeeded {
		t.Fatalf("it %s: %s", progress.Outcome, progress.Message)
	}
	o := world.observe()
	if got := o.Shape(w.pool); got != w.to {
		t.Errorf("the %s are %s, want %s", w.pool, got, w.to)
	}
	for _, i := range o.Instances {
		if i.SurgeOperation() != "" {
			t.Errorf("the surge reader %s is still there", i.Identifier)
		}
	}
	if w.pool == scaling.Writer {
		if before := newFakeCluster(t, w.observation).readerVCPUs(); world.readerVCPUs() < before {
			t.Errorf("the readers had %d vCPUs and have %d", before, world.readerVCPUs())
		}
	}
	if n := progress.Operation.CurrentStep(); n != len(progress.Operation.Steps) {
		t.Errorf("it succeeded at step %d of %d", n, len(progress.Operation.Steps))
	}
}

func TestNext_EveryPlanCompletes(t *testing.T) {
	for _, way := range planCases() {
		t.Run(way.name, func(t *testing.T) {
			op, world := way.start(t)
			progress := world.run(op, noDisturbance())
			way.assertReached(t, world, progress)
			if len(world.requests) != len(op.Steps) {
				t.Errorf("%d calls for %d steps: %q", len(world.requests), len(op.Steps), world.requests)
			}
			for n, s := range progress.Operation.Steps {
				if s.Attempts != 1 || s.StartedAt.IsZero() || s.CompletedAt.Before(s.StartedAt) {
					t.Errorf("step %d: %+v", n+1, s)
				}
				if n > 0 && s.StartedAt.Before(progress.Operation.Steps[n-1].CompletedAt) {
					t.Errorf("step %d begins before step %d is done", n+1, n)
				}
			}
		})
	}
}

// Every call in turn never reaches AWS. It is asked for again, once.
func TestNext_RetriesLostCall(t *testing.T) {
	for _, way := range planCases() {
		op, _ := way.start(t)
		for lost := range op.Steps {
			t.Run(fmt.Sprintf("%s, step %d", way.name, lost+1), func(t *testing.T) {
				op, world := way.start(t)
				trouble := noDisturbance()
				trouble.isLost = func(n int) bool { return n == lost }
				progress := world.run(op, trouble)
				way.assertReached(t, world, progress)
				for n, s := range progress.Operation.Steps {
					want := 1
					if n == lost {
						want = 2
					}
					if s.Attempts != want {
						t.Errorf("step %d was asked for %d times, want %d", n+1, s.Attempts, want)
					}
				}
				quiet := retryInterval
				if progress.Operation.Steps[lost].Action == scaling.Failover {
					quiet = failoverRetryInterval
				}
				if s := progress.Operation.Steps[lost]; s.LastAttemptAt.Sub(s.StartedAt) != quiet {
					t.Errorf("it was asked for again after %s, want %s", s.LastAttemptAt.Sub(s.StartedAt), quiet)
				}
			})
		}
	}
}

// AWS takes its time or none, a call is lost, and the operator is away for a while: whatever happens in whichever order,
// the rules that the world checks hold at every tick, and the operation arrives.
func TestNext_EveryPlanCompletesUnderDisturbance(t *testing.T) {
	for _, way := range planCases() {
		t.Run(way.name, func(t *testing.T) {
			for seed := range uint64(50) {
				random := rand.New(rand.NewPCG(seed, 0))
				op, world := way.start(t)
				world.duration = func(a scaling.Action) int { return 1 + random.IntN(2*typicalTicks(a)) }
				lost := random.IntN(8)
				progress := world.run(op, disturbance{
					isLost: func(n int) bool { return n == lost },
					idleTicks: func(int) int {
						if random.IntN(20) > 0 {
							return 0
						}
						return random.IntN(40)
					},
				})
				way.assertReached(t, world, progress)
				if t.Failed() {
					t.Fatalf("with seed %d", seed)
				}
			}
		})
	}
}

// The writer of a cluster follows its reader to the next class, as a person who watches status.decision.message reads it.
func TestNext_MessagesOfPromotion(t *testing.T) {
	o := auroraCluster(writer(large), reader("a", xlarge))
	op := mustPlan(t, surgePolicy(), o, scaling.Writer, newShape(1, xlarge))
	world := newFakeCluster(t, o)
	var story []string
	for {
		progress := Next("platform/engine", op, world.observe(), world.now)
		op = progress.Operation
		if n := len(story); n == 0 || story[n-1][len("10:00:00 "):] != progress.Message {
			story = append(story, world.now.Format(time.TimeOnly)+" "+progress.Message)
		}
		if progress.Outcome != Running || len(story) > 100 {
			break
		}
		if progress.Call != nil {
			world.execute(*progress.Call)
		}
		world.tick()
	}
	want := []string{
		"10:00:00 Step 1 of 4: add the surge reader engine-dbscaler-0a1b2c3d-1, a db.r6g.xlarge",
		"10:00:15 Waiting for the new reader engine-dbscaler-0a1b2c3d-1; it is creating",
		"10:07:45 Waiting for the first replica lag of the new reader engine-dbscaler-0a1b2c3d-1",
		"10:08:15 Waiting for the new reader engine-dbscaler-0a1b2c3d-1 to be less than 5s behind the writer",
		"10:08:45 Looking once more whether it is done: add the surge reader engine-dbscaler-0a1b2c3d-1, a db.r6g.xlarge",
		"10:09:00 Step 2 of 4: fail over to a",
		"10:09:15 Waiting for a to take over as the writer",
		"10:10:00 Looking once more whether it is done: fail over to a",
		"10:10:15 Step 3 of 4: resize w to db.r6g.xlarge",
		"10:10:30 Waiting for w to become db.r6g.xlarge; it is available",
		"10:10:45 Waiting for w to become db.r6g.xlarge; it is modifying",
		"10:20:45 Looking once more whether it is done: resize w to db.r6g.xlarge",
		"10:21:00 Waiting to begin remove the reader engine-dbscaler-0a1b2c3d-1: its clients have 5m0s to leave it",
		"10:26:00 Step 4 of 4: remove the reader engine-dbscaler-0a1b2c3d-1",
		"10:26:15 remove the reader engine-dbscaler-0a1b2c3d-1",
		"10:26:30 Waiting for engine-dbscaler-0a1b2c3d-1 to be gone",
		"10:29:30 Looking once more whether it is done: remove the reader engine-dbscaler-0a1b2c3d-1",
		"10:29:45 Writer: 1 × db.r6g.large → 1 × db.r6g.xlarge",
	}
	if !slices.Equal(story, want) {
		t.Errorf("the story is\n%s\nwant\n%s", strings.Join(story, "\n"), strings.Join(want, "\n"))
	}
}
