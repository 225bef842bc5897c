package backtest

import (
	"context"
	"errors"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/dbscaler/dbscaler/internal/backtest/baseline"
	"github.com/dbscaler/dbscaler/internal/rdssim/model"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

// errPoolNotScaled: an autoscaler does nothing about the pool that is played.
var errPoolNotScaled = errors.New("it does not scale this pool")

// An Aurora reader takes 3 to 8 minutes to be created by Aurora Auto Scaling, as its users report.
const minAuroraCreation, maxAuroraCreation = 3 * time.Minute, 8 * time.Minute

// runBaseline runs another autoscaler under the recorded load, by its own rule and with its own means. The error is errPoolNotScaled where
// it leaves the pool alone.
func runBaseline(ctx context.Context, s Setup, p baseline.Autoscaler) (Run, error) {
	run := Run{ID: p.ID, Name: p.Name, Source: p.Source, Kind: BaselineRun, OtherPlatform: p.Method == baseline.MethodSeamless}
	r, err := baselineLadder(s, p.Method)
	if err != nil {
		return run, err
	}
	scenario, err := s.Scenario()
	if err != nil {
		return run, err
	}
	if p.Method == baseline.MethodReaders {
		scenario.MinCreateDuration, scenario.MaxCreateDuration = metav1.Duration{Duration: minAuroraCreation}, metav1.Duration{Duration: maxAuroraCreation}
	}
	w, err := model.New(scenario)
	if err != nil {
		return run, err
	}
	m := newScorer(w, s)
	a := newBaselineRunner(w, s, p, r, m)
	if p.Method == baseline.MethodSeamless {
		m.billedSize = func() (float64, float64) { return r.sizes[a.billedRung].vcpus, r.sizes[a.billedRung].hourlyCost }
	}
	err = simulate(ctx, s, w, m, a.evaluate)
	return m.result(run), err
}

// baselineLadder are the sizes that an autoscaler can go to by its means.
func baselineLadder(s Setup, means baseline.Method) (sizeLadder, error) {
	switch means {
	case baseline.MethodReaders:
		if s.Pool != scaling.Readers {
			return sizeLadder{}, errPoolNotScaled
		}
		r := s.newSizeLadder(func(x poolSize) bool { return x.InstanceClass == s.InitialShape.InstanceClass })
		return r, nil
	case baseline.MethodClasses:
		return s.newSizeLadder(func(x poolSize) bool { return x.Count == s.InitialShape.Count }), nil
	case baseline.MethodSeamless:
		return s.newSizeLadder(func(poolSize) bool { return true }), nil
	}
	return sizeLadder{}, fmt.Errorf("nobody knows how to scale by %q", means)
}

// baselineRunner is another autoscaler at work.
type baselineRunner struct {
	autoscaler  baseline.Autoscaler
	rule        baseline.Rule
	setup       Setup
	world       *model.World
	ladder      sizeLadder
	recordEvent func(Event)
	observation baseline.Observation
	observer    baselineObserver
	// targetRung is the rung that it is on its way to, billed the one that is paid for; the same as the present one at rest.
	targetRung, billedRung int
	// effectiveAt is when a seamless change has effect.
	effectiveAt time.Time
	// asked names the instances that were asked to change, in order, and created counts the readers that were ever created.
	pendingInstances []string
	createdReaders   int
}

func newBaselineRunner(w *model.World, s Setup, p baseline.Autoscaler, r sizeLadder, m *scorer) *baselineRunner {
	a := &baselineRunner{autoscaler: p, rule: p.NewRule(), setup: s, world: w, ladder: r, recordEvent: m.recordEvent, targetRung: r.startRung, billedRung: r.startRung}
	a.observation = baseline.Observation{LadderVCPUs: r.vcpus(), Rung: r.startRung}
	a.observer = newBaselineObserver(w, s, p)
	return a
}

// evaluate lets the autoscaler look, carries out what it wants, and says when it looks again.
func (a *baselineRunner) evaluate(now time.Time) time.Duration {
	a.advanceChange(now)
	a.observer.observe(now, &a.observation)
	a.observation.Now, a.observation.ChangeInProgress = now, a.targetRung != a.observation.Rung
	if to := a.rule.DesiredRung(a.observation); to != a.observation.Rung && !a.observation.ChangeInProgress {
		a.startChange(min(max(to, 0), len(a.ladder.sizes)-1), now)
	}
	return a.autoscaler.Interval
}

// startChange sets out for another rung.
func (a *baselineRunner) startChange(to int, now time.Time) {
	from := a.ladder.sizes[a.observation.Rung]
	kind := EventScaleUp
	if to < a.observation.Rung {
		kind = EventScaleDown
	}
	a.targetRung = to
	a.recordEvent(Event{Time: now, Kind: kind, Message: fmt.Sprintf("%s → %s, by its rule", from.Shape, a.ladder.sizes[to].Shape)})
	switch a.autoscaler.Method {
	case baseline.MethodReaders:
		a.changeReaderCount(a.ladder.sizes[to].Count - from.Count)
	case baseline.MethodClasses:
		a.pendingInstances = a.poolInstances()
	case baseline.MethodSeamless:
		a.effectiveAt = now.Add(a.autoscaler.ChangeDelay)
		a.billedRung = max(a.billedRung, to) // what is made before the old is broken is paid for meanwhile
	}
	a.advanceChange(now)
}

// advanceChange carries a change further, and ends it.
func (a *baselineRunner) advanceChange(now time.Time) {
	if a.targetRung == a.observation.Rung {
		return
	}
	done := false
	switch a.autoscaler.Method {
	case baseline.MethodReaders:
		done = a.hasTargetReaders()
	case baseline.MethodClasses:
		done = a.resizeInstances()
	case baseline.MethodSeamless:
		if done = !now.Before(a.effectiveAt); done {
			a.setVCPUs()
		}
	}
	if done {
		a.observation.Rung, a.billedRung, a.observation.ChangedAt = a.targetRung, a.targetRung, now
	}
}

func (a *baselineRunner) targetKey() (region, id string) {
	return a.setup.Policy.Target.Scope.Region, a.setup.Policy.Target.Identifier
}

// poolInstances are the instances of the pool, in the order of their creation.
func (a *baselineRunner) poolInstances() []string {
	region, id := a.targetKey()
	var out []string
	a.world.ForEachInstance(region, id, func(i *model.Instance, writer bool) {
		if writer == (a.setup.Pool == scaling.Writer) {
			out = append(out, i.Identifier)
		}
	})
	return out
}

// changeReaderCount adds readers, or removes the newest.
func (a *baselineRunner) changeReaderCount(by int) {
	region, id := a.targetKey()
	for range by {
		a.createdReaders++
		_ = createReader(a.world, region, id, fmt.Sprintf("application-autoscaling-%d", a.createdReaders), a.setup.InitialShape.InstanceClass, lastPromotionTier, nil)
	}
	all := a.poolInstances()
	for n := range -by {
		_, _ = a.world.DeleteInstance(region, all[len(all)-1-n], true, "") // what cannot be now shows as not settled
	}
}

// lastPromotionTier is the promotion tier of readers that Aurora Auto Scaling creates (Aurora user guide).
const lastPromotionTier = 15

// hasTargetReaders says whether the pool consists of as many instances as were wanted, all available.
func (a *baselineRunner) hasTargetReaders() bool {
	region, _ := a.targetKey()
	all := a.poolInstances()
	for _, name := range all {
		if i, err := a.world.Instance(region, name); err != nil || i.Status != scaling.StatusAvailable {
			return false
		}
	}
	return len(all) == a.ladder.sizes[a.targetRung].Count
}

// resizeInstances resizes one instance after the other, and says whether all are done. The writer of a cluster with readers is resized as
// Aurora does it, by a failover to a reader that got the class first.
func (a *baselineRunner) resizeInstances() bool {
	region, id := a.targetKey()
	class := a.ladder.sizes[a.targetRung].InstanceClass
	busy := false
	a.world.ForEachInstance(region, id, func(i *model.Instance, _ bool) {
		busy = busy || i.Status != scaling.StatusAvailable || i.PendingChanges.Class != ""
	})
	for !busy && len(a.pendingInstances) > 0 {
		name := a.pendingInstances[0]
		i, err := a.world.Instance(region, name)
		switch heir := a.promotionCandidate(name); {
		case err != nil || i.Class == class:
			a.pendingInstances = a.pendingInstances[1:]
			continue
		case heir != nil && heir.Class == class:
			if _, err := a.world.FailoverCluster(region, id, heir.Identifier); err == nil {
				a.pendingInstances = a.pendingInstances[1:]
			}
		case heir != nil:
			_, _ = a.world.ModifyInstance(region, heir.Identifier, model.ModifyInstanceRequest{Class: &class, ApplyImmediately: true})
		default:
			_, _ = a.world.ModifyInstance(region, name, model.ModifyInstanceRequest{Class: &class, ApplyImmediately: true})
		}
		return false // what was refused is asked for again at the next look
	}
	return !busy && len(a.pendingInstances) == 0
}

// promotionCandidate is the reader that succeeds an instance, where that is the writer of a cluster that has one.
func (a *baselineRunner) promotionCandidate(name string) *model.Instance {
	region, id := a.targetKey()
	c, err := a.world.Cluster(region, id)
	if err != nil || c.Writer != name {
		return nil
	}
	for _, member := range c.Members {
		if i, err := a.world.Instance(region, member); err == nil && member != name {
			return i
		}
	}
	return nil
}

// setVCPUs gives the instances their share of the vCPUs.
func (a *baselineRunner) setVCPUs() {
	region, _ := a.targetKey()
	all := a.poolInstances()
	for _, name := range all {
		_ = a.world.SetVCPUs(region, name, a.ladder.sizes[a.targetRung].vcpus/float64(len(all))) // there is one, and more than none
	}
}
