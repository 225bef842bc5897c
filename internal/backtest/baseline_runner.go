package backtest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/dbscaler/dbscaler/internal/backtest/baseline"
	"github.com/dbscaler/dbscaler/internal/rdssim/model"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

// errPoolNotScaled says that an autoscaler does not scale the recorded pool.
var errPoolNotScaled = errors.New("the autoscaler does not scale this pool")

// Aurora Auto Scaling takes 3 to 8 minutes to create a reader, as its users report.
const minAuroraCreation, maxAuroraCreation = 3 * time.Minute, 8 * time.Minute

// RunBaseline simulates another autoscaler, which its ID names, under the whole recorded load. It calls onEvaluate with the simulated world
// before each evaluation of the autoscaler's rule, and at the end. The error says which part of the setup cannot be simulated, that the ID
// is unknown, that the autoscaler does not scale the pool, or that the context ended.
func RunBaseline(ctx context.Context, s Setup, id string, onEvaluate func(*model.World)) (Run, error) {
	s, err := s.validated()
	if err != nil {
		return Run{}, err
	}
	if err := s.checkInitialCount(); err != nil {
		return Run{}, err
	}
	all := baseline.All()
	n := slices.IndexFunc(all, func(autoscaler baseline.Autoscaler) bool { return autoscaler.ID == id })
	if n < 0 {
		return Run{}, fmt.Errorf("unknown autoscaler %q: give the ID of a baseline", id)
	}
	return runObservedBaseline(ctx, s, all[n], onEvaluate)
}

// runBaseline is runObservedBaseline without an observer.
func runBaseline(ctx context.Context, s Setup, autoscaler baseline.Autoscaler) (Run, error) {
	return runObservedBaseline(ctx, s, autoscaler, func(*model.World) {})
}

// runObservedBaseline simulates another autoscaler under the recorded load, with its own rule and its own method of scaling. The error is
// errPoolNotScaled if the autoscaler does not scale the pool.
func runObservedBaseline(ctx context.Context, s Setup, autoscaler baseline.Autoscaler, onEvaluate func(*model.World)) (Run, error) {
	run := Run{
		ID: autoscaler.ID, Name: autoscaler.Name, Source: autoscaler.Source, Kind: BaselineRun,
		OtherPlatform: autoscaler.Method == baseline.MethodSeamless,
	}
	ladder, err := baselineLadder(s, autoscaler.Method)
	if err != nil {
		return run, err
	}
	scenario, err := s.Scenario()
	if err != nil {
		return run, err
	}
	if autoscaler.Method == baseline.MethodReaders {
		scenario.MinCreateDuration = metav1.Duration{Duration: minAuroraCreation}
		scenario.MaxCreateDuration = metav1.Duration{Duration: maxAuroraCreation}
	}
	world, err := model.New(scenario)
	if err != nil {
		return run, err
	}
	sc := newScorer(world, s)
	runner := newBaselineRunner(world, s, autoscaler, ladder, sc)
	if autoscaler.Method == baseline.MethodSeamless {
		sc.billedSize = func() (float64, float64) {
			return ladder.sizes[runner.billedIndex].vcpus, ladder.sizes[runner.billedIndex].hourlyCost
		}
	}
	err = simulate(ctx, s, world, sc, func(now time.Time) time.Duration {
		onEvaluate(world)
		return runner.evaluate(now)
	})
	onEvaluate(world)
	return sc.result(run), err
}

// baselineLadder has the sizes that an autoscaler can reach with its method of scaling.
func baselineLadder(s Setup, method baseline.Method) (sizeLadder, error) {
	switch method {
	case baseline.MethodReaders:
		if s.Pool != scaling.Readers {
			return sizeLadder{}, errPoolNotScaled
		}
		return s.newSizeLadder(func(x poolSize) bool { return x.InstanceClass == s.InitialShape.InstanceClass }), nil
	case baseline.MethodClasses:
		return s.newSizeLadder(func(x poolSize) bool { return x.Count == s.InitialShape.Count }), nil
	case baseline.MethodSeamless:
		return s.newSizeLadder(func(poolSize) bool { return true }), nil
	}
	return sizeLadder{}, fmt.Errorf("unknown method of scaling %q", method)
}

// baselineRunner simulates another autoscaler.
type baselineRunner struct {
	autoscaler  baseline.Autoscaler
	rule        baseline.Rule
	setup       Setup
	world       *model.World
	ladder      sizeLadder
	recordEvent func(Event)
	observation baseline.Observation
	observer    baselineObserver
	// targetIndex is the size that the change in progress leads to, billedIndex the size that is paid for. Without a change, both are the
	// current size.
	targetIndex, billedIndex int
	// effectiveAt is when a seamless change takes effect.
	effectiveAt time.Time
	// pendingInstances are the instances that still have to be resized, in this order.
	pendingInstances []string
	// createdReaders is the number of readers that were ever created. It makes their names unique.
	createdReaders int
}

func newBaselineRunner(world *model.World, s Setup, autoscaler baseline.Autoscaler, ladder sizeLadder, sc *scorer) *baselineRunner {
	return &baselineRunner{
		autoscaler: autoscaler, rule: autoscaler.NewRule(), setup: s, world: world, ladder: ladder, recordEvent: sc.recordEvent,
		observation: baseline.Observation{LadderVCPUs: ladder.vcpus(), SizeIndex: ladder.startIndex},
		observer:    newBaselineObserver(world, s, autoscaler), targetIndex: ladder.startIndex, billedIndex: ladder.startIndex,
	}
}

// evaluate runs the autoscaler's rule once and starts the change that it requests. It returns the time until the next evaluation.
func (b *baselineRunner) evaluate(now time.Time) time.Duration {
	b.advanceChange(now)
	b.observer.observe(now, &b.observation)
	b.observation.Now, b.observation.ChangeInProgress = now, b.targetIndex != b.observation.SizeIndex
	if index := b.rule.DesiredSizeIndex(b.observation); index != b.observation.SizeIndex && !b.observation.ChangeInProgress {
		b.startChange(min(max(index, 0), len(b.ladder.sizes)-1), now)
	}
	return b.autoscaler.Interval
}

// startChange starts the change to another size.
func (b *baselineRunner) startChange(index int, now time.Time) {
	from := b.ladder.sizes[b.observation.SizeIndex]
	kind := EventScaleUp
	if index < b.observation.SizeIndex {
		kind = EventScaleDown
	}
	b.targetIndex = index
	b.recordEvent(Event{Time: now, Kind: kind, Message: fmt.Sprintf("%s → %s, by its rule", from.Shape, b.ladder.sizes[index].Shape)})
	switch b.autoscaler.Method {
	case baseline.MethodReaders:
		b.changeReaderCount(b.ladder.sizes[index].Count - from.Count)
	case baseline.MethodClasses:
		b.pendingInstances = b.poolInstances()
	case baseline.MethodSeamless:
		b.effectiveAt = now.Add(b.autoscaler.ChangeDelay)
		b.billedIndex = max(b.billedIndex, index) // make before break: the larger size is paid for during the change
	}
	b.advanceChange(now)
}

// advanceChange continues the change in progress, and ends it when it is complete.
func (b *baselineRunner) advanceChange(now time.Time) {
	if b.targetIndex == b.observation.SizeIndex {
		return
	}
	done := false
	switch b.autoscaler.Method {
	case baseline.MethodReaders:
		done = b.hasTargetReaders()
	case baseline.MethodClasses:
		done = b.resizeInstances()
	case baseline.MethodSeamless:
		if done = !now.Before(b.effectiveAt); done {
			b.setVCPUs()
		}
	}
	if done {
		b.observation.SizeIndex, b.billedIndex, b.observation.ChangedAt = b.targetIndex, b.targetIndex, now
	}
}

// targetKey identifies the target in the simulated world.
func (b *baselineRunner) targetKey() (region, id string) {
	return b.setup.Policy.Target.Scope.Region, b.setup.Policy.Target.Identifier
}

// poolInstances are the names of the pool's instances, in the order of their creation.
func (b *baselineRunner) poolInstances() []string {
	region, id := b.targetKey()
	var out []string
	b.world.ForEachInstance(region, id, func(i *model.Instance, writer bool) {
		if writer == (b.setup.Pool == scaling.Writer) {
			out = append(out, i.Identifier)
		}
	})
	return out
}

// changeReaderCount creates readers, or deletes the newest ones if the change is negative.
func (b *baselineRunner) changeReaderCount(delta int) {
	region, id := b.targetKey()
	for range delta {
		b.createdReaders++
		name := fmt.Sprintf("application-autoscaling-%d", b.createdReaders)
		_ = createReader(b.world, region, id, name, b.setup.InitialShape.InstanceClass, lastPromotionTier, nil)
	}
	readers := b.poolInstances()
	for n := range -delta {
		_, _ = b.world.DeleteInstance(region, readers[len(readers)-1-n], true, "") // hasTargetReaders stays false if it fails
	}
}

// lastPromotionTier is the promotion tier of readers that Aurora Auto Scaling creates (Aurora user guide).
const lastPromotionTier = 15

// hasTargetReaders reports whether the pool has the target number of readers, all available.
func (b *baselineRunner) hasTargetReaders() bool {
	region, _ := b.targetKey()
	readers := b.poolInstances()
	for _, name := range readers {
		if i, err := b.world.Instance(region, name); err != nil || i.Status != scaling.StatusAvailable {
			return false
		}
	}
	return len(readers) == b.ladder.sizes[b.targetIndex].Count
}

// resizeInstances resizes one instance after the other, and reports whether all are resized. The writer of a cluster with readers is
// replaced by a failover to a reader that is resized first.
func (b *baselineRunner) resizeInstances() bool {
	region, id := b.targetKey()
	class := b.ladder.sizes[b.targetIndex].InstanceClass
	busy := false
	b.world.ForEachInstance(region, id, func(i *model.Instance, _ bool) {
		busy = busy || i.Status != scaling.StatusAvailable || i.PendingChanges.Class != ""
	})
	for !busy && len(b.pendingInstances) > 0 {
		name := b.pendingInstances[0]
		i, err := b.world.Instance(region, name)
		switch candidate := b.promotionCandidate(name); {
		case err != nil || i.Class == class:
			b.pendingInstances = b.pendingInstances[1:]
			continue
		case candidate != nil && candidate.Class == class:
			if _, err := b.world.FailoverCluster(region, id, candidate.Identifier); err == nil {
				b.pendingInstances = b.pendingInstances[1:]
			}
		case candidate != nil:
			_, _ = b.world.ModifyInstance(region, candidate.Identifier, model.ModifyInstanceRequest{Class: &class, ApplyImmediately: true})
		default:
			_, _ = b.world.ModifyInstance(region, name, model.ModifyInstanceRequest{Class: &class, ApplyImmediately: true})
		}
		return false // a refused call is repeated at the next evaluation
	}
	return !busy && len(b.pendingInstances) == 0
}

// promotionCandidate is the reader that a failover promotes if the instance is the writer of a cluster with readers; otherwise nil.
func (b *baselineRunner) promotionCandidate(name string) *model.Instance {
	region, id := b.targetKey()
	cluster, err := b.world.Cluster(region, id)
	if err != nil || cluster.Writer != name {
		return nil
	}
	for _, member := range cluster.Members {
		if i, err := b.world.Instance(region, member); err == nil && member != name {
			return i
		}
	}
	return nil
}

// setVCPUs gives each instance an equal share of the target vCPUs.
func (b *baselineRunner) setVCPUs() {
	region, _ := b.targetKey()
	instances := b.poolInstances()
	for _, name := range instances {
		// It cannot fail: the instance exists, and its share is positive.
		_ = b.world.SetVCPUs(region, name, b.ladder.sizes[b.targetIndex].vcpus/float64(len(instances)))
	}
}
