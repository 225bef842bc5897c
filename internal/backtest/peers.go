package backtest

import (
	"context"
	"errors"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/dbscaler/dbscaler/internal/backtest/peer"
	"github.com/dbscaler/dbscaler/internal/rdssim/model"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

// errNotForPool: an autoscaler does nothing about the pool that is played.
var errNotForPool = errors.New("it does not scale this pool")

// An Aurora reader takes 3 to 8 minutes to be created by Aurora Auto Scaling, as its users report.
const auroraLeast, auroraMost = 3 * time.Minute, 8 * time.Minute

// playPeer runs another autoscaler under the recorded load, by its own rule and with its own means. The error is errNotForPool where
// it leaves the pool alone.
func playPeer(ctx context.Context, s Setup, p peer.Peer) (Run, error) {
	run := Run{ID: p.ID, Name: p.Name, Source: p.Source, Kind: Peer, Elsewhere: p.Means == peer.Seamless}
	r, err := rungsOf(s, p.Means)
	if err != nil {
		return run, err
	}
	scenario, err := s.Scenario()
	if err != nil {
		return run, err
	}
	if p.Means == peer.Readers {
		scenario.MinCreateDuration, scenario.MaxCreateDuration = metav1.Duration{Duration: auroraLeast}, metav1.Duration{Duration: auroraMost}
	}
	w, err := model.New(scenario)
	if err != nil {
		return run, err
	}
	m := newMeter(w, s)
	a := newAgent(w, s, p, r, m)
	if p.Means == peer.Seamless {
		m.billed = func() (float64, float64) { return r.sizes[a.billed].vcpus, r.sizes[a.billed].cost }
	}
	err = drive(ctx, s, w, m, a.look)
	return m.result(run), err
}

// rungsOf are the sizes that an autoscaler can go to by its means.
func rungsOf(s Setup, means peer.Means) (rungs, error) {
	switch means {
	case peer.Readers:
		if s.Pool != scaling.Readers {
			return rungs{}, errNotForPool
		}
		r := s.ladderOf(func(x size) bool { return x.InstanceClass == s.Start.InstanceClass })
		return r, nil
	case peer.Classes:
		return s.ladderOf(func(x size) bool { return x.Count == s.Start.Count }), nil
	case peer.Seamless:
		return s.ladderOf(func(size) bool { return true }), nil
	}
	return rungs{}, fmt.Errorf("nobody knows how to scale by %q", means)
}

// agent is another autoscaler at work.
type agent struct {
	peer  peer.Peer
	rule  peer.Rule
	setup Setup
	world *model.World
	rungs rungs
	tell  func(Event)
	view  peer.View
	eyes  eyes
	// target is the rung that it is on its way to, billed the one that is paid for; the same as the present one at rest.
	target, billed int
	// due is when a seamless change has effect.
	due time.Time
	// asked names the instances that were asked to change, in order, and created counts the readers that were ever created.
	queue   []string
	created int
}

func newAgent(w *model.World, s Setup, p peer.Peer, r rungs, m *meter) *agent {
	a := &agent{peer: p, rule: p.New(), setup: s, world: w, rungs: r, tell: m.tell, target: r.start, billed: r.start}
	a.view = peer.View{Ladder: r.vcpuLadder(), Rung: r.start}
	a.eyes = newEyes(w, s, p)
	return a
}

// look lets the autoscaler look, carries out what it wants, and says when it looks again.
func (a *agent) look(now time.Time) time.Duration {
	a.goOn(now)
	a.eyes.look(now, &a.view)
	a.view.Now, a.view.Busy = now, a.target != a.view.Rung
	if to := a.rule.Look(a.view); to != a.view.Rung && !a.view.Busy {
		a.begin(min(max(to, 0), len(a.rungs.sizes)-1), now)
	}
	return a.peer.Every
}

// begin sets out for another rung.
func (a *agent) begin(to int, now time.Time) {
	from := a.rungs.sizes[a.view.Rung]
	kind := Grew
	if to < a.view.Rung {
		kind = Shrank
	}
	a.target = to
	a.tell(Event{At: now, Kind: kind, Text: fmt.Sprintf("%s → %s, by its rule", from.Shape, a.rungs.sizes[to].Shape)})
	switch a.peer.Means {
	case peer.Readers:
		a.count(a.rungs.sizes[to].Count - from.Count)
	case peer.Classes:
		a.queue = a.members()
	case peer.Seamless:
		a.due = now.Add(a.peer.Delay)
		a.billed = max(a.billed, to) // what is made before the old is broken is paid for meanwhile
	}
	a.goOn(now)
}

// goOn carries a change further, and ends it.
func (a *agent) goOn(now time.Time) {
	if a.target == a.view.Rung {
		return
	}
	done := false
	switch a.peer.Means {
	case peer.Readers:
		done = a.settled()
	case peer.Classes:
		done = a.roll()
	case peer.Seamless:
		if done = !now.Before(a.due); done {
			a.morph()
		}
	}
	if done {
		a.view.Rung, a.billed, a.view.Changed = a.target, a.target, now
	}
}

func (a *agent) where() (region, id string) {
	return a.setup.Policy.Target.Scope.Region, a.setup.Policy.Target.Identifier
}

// members are the instances of the pool, in the order of their creation.
func (a *agent) members() []string {
	region, id := a.where()
	var out []string
	a.world.ForEachInstance(region, id, func(i *model.Instance, writer bool) {
		if writer == (a.setup.Pool == scaling.Writer) {
			out = append(out, i.Identifier)
		}
	})
	return out
}

// count adds readers, or removes the newest.
func (a *agent) count(by int) {
	region, id := a.where()
	for range by {
		a.created++
		_ = create(a.world, region, id, fmt.Sprintf("application-autoscaling-%d", a.created), a.setup.Start.InstanceClass, lastTier, nil)
	}
	all := a.members()
	for n := range -by {
		_, _ = a.world.DeleteInstance(region, all[len(all)-1-n], true, "") // what cannot be now shows as not settled
	}
}

// lastTier is the promotion tier of readers that Aurora Auto Scaling creates (Aurora user guide).
const lastTier = 15

// settled says whether the pool consists of as many instances as were wanted, all available.
func (a *agent) settled() bool {
	region, _ := a.where()
	all := a.members()
	for _, name := range all {
		if i, err := a.world.Instance(region, name); err != nil || i.Status != scaling.StatusAvailable {
			return false
		}
	}
	return len(all) == a.rungs.sizes[a.target].Count
}

// roll resizes one instance after the other, and says whether all are done. The writer of a cluster with readers is resized as
// Aurora does it, by a failover to a reader that got the class first.
func (a *agent) roll() bool {
	region, id := a.where()
	class := a.rungs.sizes[a.target].InstanceClass
	busy := false
	a.world.ForEachInstance(region, id, func(i *model.Instance, _ bool) {
		busy = busy || i.Status != scaling.StatusAvailable || i.PendingChanges.Class != ""
	})
	for !busy && len(a.queue) > 0 {
		name := a.queue[0]
		i, err := a.world.Instance(region, name)
		switch heir := a.heir(name); {
		case err != nil || i.Class == class:
			a.queue = a.queue[1:]
			continue
		case heir != nil && heir.Class == class:
			if _, err := a.world.FailoverCluster(region, id, heir.Identifier); err == nil {
				a.queue = a.queue[1:]
			}
		case heir != nil:
			_, _ = a.world.ModifyInstance(region, heir.Identifier, model.ModifyInstanceRequest{Class: &class, ApplyImmediately: true})
		default:
			_, _ = a.world.ModifyInstance(region, name, model.ModifyInstanceRequest{Class: &class, ApplyImmediately: true})
		}
		return false // what was refused is asked for again at the next look
	}
	return !busy && len(a.queue) == 0
}

// heir is the reader that succeeds an instance, where that is the writer of a cluster that has one.
func (a *agent) heir(name string) *model.Instance {
	region, id := a.where()
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

// morph gives the instances their share of the vCPUs.
func (a *agent) morph() {
	region, _ := a.where()
	all := a.members()
	for _, name := range all {
		_ = a.world.SetVCPUs(region, name, a.rungs.sizes[a.target].vcpus/float64(len(all))) // there is one, and more than none
	}
}
