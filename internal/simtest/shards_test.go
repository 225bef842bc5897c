package simtest

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/internal/shard"
)

// maxShards is the maximum number of shards of a run.
const maxShards = 4

// drawShards divides the policies of one plan in five among shards, whose number changes while the run goes on. Each policy has an account
// of its own, so that shards can share them. It has a random source of its own, so that the rest of a plan does not depend on it.
func drawShards(seed uint64, p *runPlan) {
	r := rand.New(rand.NewPCG(seed, 5))
	if r.IntN(5) > 0 {
		return
	}
	p.shards = 1 + r.IntN(maxShards)
	for n, policy := range p.policies {
		policy.Spec.TargetRef.AccountRef.Name = fmt.Sprintf("account-%d-%d", seed, n)
	}
	p.chaosEvents = append(p.chaosEvents, changeShards)
}

// changeShards changes the number of shards to another one.
func changeShards(s *simulation) {
	changeShardsTo(s, 1+(s.plan.shards+s.random.IntN(maxShards-1))%maxShards)
}

// changeShardsTo changes the number of shards, as a rolling update does: for a while, processes with the old and with the new number run side
// by side, so that two take the same policy, or none does. The old processes do not know of the change.
func changeShardsTo(s *simulation, total int) {
	s.logf("the number of shards changes from %d to %d", s.plan.shards, total)
	for _, m := range s.managers {
		if stop := s.now.Add(s.randomDuration(0, 40*time.Minute)); m.stopsAt.IsZero() || stop.Before(m.stopsAt) {
			m.stopsAt = stop
		}
	}
	s.plan.shards = total
	for index := range total {
		s.startShard(shard.Assignment{Index: index, Total: total}, s.randomDuration(0, 20*time.Minute))
	}
}

// TestShards_TakeTheSamePolicies checks that runs with shards have what they are for: policies that two managers take at once, and
// operations in progress when the number changes.
func TestShards_TakeTheSamePolicies(t *testing.T) {
	overlaps, operating := 0, 0
	for seed := uint64(1); seed <= 60; seed++ {
		p := drawPlan(seed)
		if p.shards == 0 {
			continue
		}
		s := newSimulation(t.Context(), seed, p)
		for n := range p.chaosEvents {
			change := p.chaosEvents[n]
			p.chaosEvents[n] = func(s *simulation) {
				before := len(s.managers)
				change(s)
				if len(s.managers) <= before {
					return
				}
				for _, key := range s.keys {
					policy := s.api.current(key)
					if policy == nil {
						continue
					}
					owners := 0
					for _, m := range s.managers {
						if m.reconciler.Owns(policy) {
							owners++
						}
					}
					if owners > 1 {
						overlaps++
						if policy.Status.Operation != nil {
							operating++
						}
					}
				}
			}
		}
		s.run()
		for _, v := range s.violations {
			t.Errorf("seed %d: %s", seed, v)
		}
	}
	t.Logf("%d times two managers took the same policy, %d times during an operation", overlaps, operating)
	if overlaps < 10 || operating < 2 {
		t.Errorf("%d times two managers took the same policy, %d times during an operation: want at least 10 and 2", overlaps, operating)
	}
}
