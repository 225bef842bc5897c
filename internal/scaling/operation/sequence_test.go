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

// way is a change of shape that must work out.
type way struct {
	name        string
	policy      scaling.Policy
	observation scaling.Observation
	pool        scaling.Pool
	direction   scaling.Direction
	to          scaling.Shape
}

func ways() []way {
	const (
		up, down         = scaling.Up, scaling.Down
		writers, readers = scaling.Writer, scaling.Readers
	)
	one := cluster(writer(large), reader("a", large))
	two := cluster(writer(large), reader("a", large), reader("b", large))
	big := cluster(writer(xlarge2), reader("a", xlarge), reader("b", xlarge))
	grown := cluster(writer(large), reader("a", xlarge), reader("b", xlarge))
	mixed := cluster(writer(large), reader("a", large), reader("b", xlarge), own("c", xlarge2, 1))
	many := cluster(writer(large), reader("a", large), own("b", large, 3), own("c", large, 1), own("d", large, 2))
	return []way{
		{"one reader vertically", policy(), one, readers, up, shape(1, xlarge)},
		{"readers vertically", policy(), two, readers, up, shape(2, xlarge)},
		{"readers vertically, without surge", withoutSurge(), two, readers, up, shape(2, xlarge)},
		{"readers vertically down", policy(), big, readers, down, shape(2, large)},
		{"readers vertically down, without surge", withoutSurge(), big, readers, down, shape(2, large)},
		{"readers horizontally", policy(), one, readers, up, shape(4, large)},
		{"the first readers", policy(), cluster(writer(large)), readers, up, shape(2, large)},
		{"readers horizontally down", policy(), many, readers, down, shape(3, large)},
		{"readers horizontally down, by several", policy(), many, readers, down, shape(1, large)},
		{"readers more and larger", policy(), one, readers, up, shape(3, xlarge)},
		{"readers more and smaller", policy(), cluster(writer(large), reader("a", xlarge12)), readers, up,
			shape(2, xlarge8)},
		{"readers fewer and larger", policy(), many, readers, up, shape(2, xlarge2)},
		{"readers of mixed classes", policy(), mixed, readers, up, shape(3, xlarge2)},
		{"the writer by promotion", policy(), two, writers, up, shape(1, xlarge)},
		{"the writer by promotion of the only reader", policy(), one, writers, up, shape(1, xlarge)},
		{"the writer by promotion, without surge", withoutSurge(), two, writers, up, shape(1, xlarge)},
		{"the writer by promotion of a reader of the class", policy(), grown, writers, up, shape(1, xlarge)},
		{"the writer by promotion of a reader of the class, without surge", withoutSurge(), grown, writers, up,
			shape(1, xlarge)},
		{"the writer by promotion, of mixed readers", policy(), mixed, writers, up, shape(1, xlarge)},
		{"the writer down", policy(), big, writers, down, shape(1, xlarge)},
		{"the writer down, below the readers", policy(), big, writers, down, shape(1, large)},
		{"an instance with read replicas", policy(), replicated(two), writers, up, shape(1, xlarge)},
		{"read replicas vertically", policy(), replicated(two), readers, up, shape(2, xlarge)},
		{"the writer alone", policy(), cluster(writer(large)), writers, up, shape(1, xlarge)},
		{"what was left over", policy(), cluster(writer(large), reader("a", large), surge("s", large), surge("t", large)),
			readers, scaling.Cleanup, shape(1, large)},
	}
}

// plan is the operation of a way and the world that it happens in, with the floor that surge readers promise.
func (w way) plan(t *testing.T) (scaling.Operation, *world) {
	t.Helper()
	op, err := Plan(w.policy, w.observation, proposal(w.pool, w.direction, w.observation, w.to), id, start)
	if err != nil {
		t.Fatal(err)
	}
	world := newWorld(t, w.observation)
	if w.policy.Guardrails.SurgeReaders > 0 {
		world.floor = world.readers()
		if w.pool == scaling.Readers {
			world.floor = min(world.floor, w.to.Count*vcpus(t, w.to.InstanceClass))
		}
		world.succession = w.pool == scaling.Writer && w.direction == scaling.Up && succeeds(w.observation)
	}
	return op, world
}

// arrived says whether a world has become what was planned, and nothing else.
func (w way) arrived(t *testing.T, world *world, progress Progress) {
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
		if before := newWorld(t, w.observation).readers(); world.readers() < before {
			t.Errorf("the readers had %d vCPUs and have %d", before, world.readers())
		}
	}
	if n := progress.Operation.CurrentStep(); n != len(progress.Operation.Steps) {
		t.Errorf("it succeeded at step %d of %d", n, len(progress.Operation.Steps))
	}
}

func TestEveryWayArrives(t *testing.T) {
	for _, way := range ways() {
		t.Run(way.name, func(t *testing.T) {
			op, world := way.plan(t)
			progress := world.run(op, none())
			way.arrived(t, world, progress)
			if len(world.accepted) != len(op.Steps) {
				t.Errorf("%d calls for %d steps: %q", len(world.accepted), len(op.Steps), world.accepted)
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
func TestALostCallIsAskedForAgain(t *testing.T) {
	for _, way := range ways() {
		op, _ := way.plan(t)
		for lost := range op.Steps {
			t.Run(fmt.Sprintf("%s, step %d", way.name, lost+1), func(t *testing.T) {
				op, world := way.plan(t)
				trouble := none()
				trouble.loses = func(n int) bool { return n == lost }
				progress := world.run(op, trouble)
				way.arrived(t, world, progress)
				for n, s := range progress.Operation.Steps {
					want := 1
					if n == lost {
						want = 2
					}
					if s.Attempts != want {
						t.Errorf("step %d was asked for %d times, want %d", n+1, s.Attempts, want)
					}
				}
				quiet := settle
				if progress.Operation.Steps[lost].Action == scaling.Failover {
					quiet = settleFailover
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
func TestEveryWayArrivesInRandomWorlds(t *testing.T) {
	for _, way := range ways() {
		t.Run(way.name, func(t *testing.T) {
			for seed := range uint64(50) {
				random := rand.New(rand.NewPCG(seed, 0))
				op, world := way.plan(t)
				world.takes = func(a scaling.Action) int { return 1 + random.IntN(2*usual(a)) }
				lost := random.IntN(8)
				progress := world.run(op, trouble{
					loses: func(n int) bool { return n == lost },
					sleeps: func(int) int {
						if random.IntN(20) > 0 {
							return 0
						}
						return random.IntN(40)
					},
				})
				way.arrived(t, world, progress)
				if t.Failed() {
					t.Fatalf("with seed %d", seed)
				}
			}
		})
	}
}

// The writer of a cluster follows its reader to the next class, as a person who watches status.decision.message reads it.
func TestTheStoryOfAPromotion(t *testing.T) {
	o := cluster(writer(large), reader("a", xlarge))
	op := planned(t, policy(), o, scaling.Writer, shape(1, xlarge))
	world := newWorld(t, o)
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
