package model

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// TestRandomChanges asks for all kinds of things in a random order and at random times, as several people would. Whatever
// happens, a few things hold at every step, and in the end everything is at rest and in service.
func TestRandomChanges(t *testing.T) {
	for seed := range int64(25) {
		d := aurora(1, 2, "db.r6g.large", "db.r6g.large", "db.r6g.xlarge")
		d.Upgrades = []Upgrade{{At: Moment{Offset: 2 * time.Hour}, EngineVersion: "16.2", CostFactor: 1.5}}
		w := world(t, func(s *Scenario) { s.Seed = seed }, d, plain(1, "db.m6g.large", seed%2 == 0))
		random := rand.New(rand.NewPCG(uint64(seed), 2))
		done := map[string]int{}
		for n := range 300 {
			what, err := act(w, random, n)
			var f *Fault
			switch {
			case err == nil:
				done[what]++
			case !errors.As(err, &f):
				t.Fatalf("seed %d: %s: %v is no fault", seed, what, err)
			}
			if problem := inconsistency(w); problem != "" {
				t.Fatalf("seed %d: after %s at %s %s", seed, what, w.Now(), problem)
			}
			pass(w, time.Duration(random.Int64N(int64(2*time.Minute))))
			if problem := inconsistency(w); problem != "" {
				t.Fatalf("seed %d: at %s %s", seed, w.Now(), problem)
			}
		}
		if len(done) < 5 {
			t.Errorf("seed %d: only %v was done", seed, done)
		}
		pass(w, 7*24*time.Hour) // through a maintenance window
		if problem := unrest(w); problem != "" {
			t.Errorf("seed %d: in the end %s", seed, problem)
		}
	}
}

// act asks for something.
func act(w *World, random *rand.Rand, n int) (string, error) {
	instances := w.Instances(ireland)
	id := instances[random.IntN(len(instances))].Identifier
	class := []string{"db.r6g.large", "db.r6g.xlarge", "db.r6g.2xlarge"}[random.IntN(3)]
	var err error
	switch what := random.IntN(7); what {
	case 0, 1:
		_, err = w.ModifyInstance(ireland, id, Modify{Class: &class, ApplyImmediately: what == 0})
		return "modify", err
	case 2:
		_, err = w.CreateInstance(ireland, Create{
			Identifier: fmt.Sprintf("orders-new-%d", n), Cluster: "orders", Engine: "aurora-postgresql", Class: class,
		})
		return "create", err
	case 3:
		if id == "ledger" {
			return "nothing", nil
		}
		_, err = w.DeleteInstance(ireland, id, true, "")
		return "delete", err
	case 4:
		_, err = w.FailoverCluster(ireland, "orders", id)
		return "failover to", err
	case 5:
		_, err = w.FailoverCluster(ireland, "orders", "")
		return "failover", err
	default:
		_, err = w.RebootInstance(ireland, id, random.IntN(2) == 0)
		return "reboot", err
	}
}

// inconsistency says what must never be seen, or nothing.
func inconsistency(w *World) string {
	c := w.clusters[ireland+"/orders"]
	if c.Writer != "" && !slices.Contains(c.Members, c.Writer) {
		return fmt.Sprintf("the writer %s is not one of %v", c.Writer, c.Members)
	}
	for _, s := range w.members {
		writing := s.Cluster != "" && s.group.failing && s.writer()
		switch {
		case s.outages < 0:
			return s.Identifier + " has come into service more often than it left"
		case s.gone != (s.Status == "deleting"):
			return s.Identifier + " is " + s.Status
		case s.Status == available && !s.serving() && !writing:
			return s.Identifier + " is available and serves nobody"
		case s.used > s.usable() || s.used < 0 || s.wanted < s.used:
			return fmt.Sprintf("%s uses %g vCPUs of %g for %g", s.Identifier, s.used, s.vcpus, s.wanted)
		}
	}
	for _, g := range w.groups {
		for _, p := range []*pool{&g.writer, &g.readers} {
			if p.backlog < 0 || p.backlog > p.capacity*patience.Seconds() {
				return fmt.Sprintf("the backlog is %g vCPU seconds at %g vCPUs", p.backlog, p.capacity)
			}
		}
	}
	return ""
}

// unrest says what is still going on, or nothing.
func unrest(w *World) string {
	c := w.clusters[ireland+"/orders"]
	if c.Status != available || len(c.Members) > 0 && c.Writer == "" {
		return fmt.Sprintf("the cluster is %s, with the writer %q", c.Status, c.Writer)
	}
	for _, s := range w.members {
		if s.Status != available || !s.serving() || s.changing || s.Pending != (Pending{}) || s.EngineVersion == "16.1" && s.Cluster != "" {
			return fmt.Sprintf("%s is %+v, out %d times, changing: %t", s.Identifier, s.Instance, s.outages, s.changing)
		}
	}
	return ""
}
