package model

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// TestRandomChanges_KeepInvariants asks for all kinds of things in a random order and at random times, as several people would. Whatever
// happens, a few things hold at every step, and in the end everything is at rest and in service.
func TestRandomChanges_KeepInvariants(t *testing.T) {
	for seed := range int64(25) {
		d := auroraCluster(1, 2, "db.r6g.large", "db.r6g.large", "db.r6g.xlarge")
		d.Upgrades = []EngineUpgrade{{At: Instant{Offset: 2 * time.Hour}, EngineVersion: "16.2", CostFactor: 1.5}}
		w := newWorld(t, func(s *Scenario) { s.Seed = seed }, d, plainInstance(1, "db.m6g.large", seed%2 == 0))
		random := rand.New(rand.NewPCG(uint64(seed), 2))
		done := map[string]int{}
		for n := range 300 {
			what, err := applyRandomChange(w, random, n)
			var f *APIError
			switch {
			case err == nil:
				done[what]++
			case !errors.As(err, &f):
				t.Fatalf("seed %d: %s: %v is no fault", seed, what, err)
			}
			if problem := findInconsistency(w); problem != "" {
				t.Fatalf("seed %d: after %s at %s %s", seed, what, w.Now(), problem)
			}
			advance(w, time.Duration(random.Int64N(int64(2*time.Minute))))
			if problem := findInconsistency(w); problem != "" {
				t.Fatalf("seed %d: at %s %s", seed, w.Now(), problem)
			}
		}
		if len(done) < 5 {
			t.Errorf("seed %d: only %v was done", seed, done)
		}
		advance(w, 7*24*time.Hour) // through a maintenance window
		if problem := findUnfinishedChange(w); problem != "" {
			t.Errorf("seed %d: in the end %s", seed, problem)
		}
	}
}

// applyRandomChange asks for something.
func applyRandomChange(w *World, random *rand.Rand, n int) (string, error) {
	instances := w.Instances(testRegion)
	id := instances[random.IntN(len(instances))].Identifier
	class := []string{"db.r6g.large", "db.r6g.xlarge", "db.r6g.2xlarge"}[random.IntN(3)]
	var err error
	switch what := random.IntN(7); what {
	case 0, 1:
		_, err = w.ModifyInstance(testRegion, id, ModifyInstanceRequest{Class: &class, ApplyImmediately: what == 0})
		return "modify", err
	case 2:
		_, err = w.CreateInstance(testRegion, CreateInstanceRequest{
			Identifier: fmt.Sprintf("orders-new-%d", n), Cluster: "orders", Engine: "aurora-postgresql", Class: class,
		})
		return "create", err
	case 3:
		if id == "ledger" {
			return "nothing", nil
		}
		_, err = w.DeleteInstance(testRegion, id, true, "")
		return "delete", err
	case 4:
		_, err = w.FailoverCluster(testRegion, "orders", id)
		return "failover to", err
	case 5:
		_, err = w.FailoverCluster(testRegion, "orders", "")
		return "failover", err
	default:
		_, err = w.RebootInstance(testRegion, id, random.IntN(2) == 0)
		return "reboot", err
	}
}

// findInconsistency says what must never be seen, or nothing.
func findInconsistency(w *World) string {
	c := w.clusters[testRegion+"/orders"]
	if c.Writer != "" && !slices.Contains(c.Members, c.Writer) {
		return fmt.Sprintf("the writer %s is not one of %v", c.Writer, c.Members)
	}
	for _, s := range w.instances {
		writing := s.Cluster != "" && s.group.failoverInProgress && s.isWriter()
		switch {
		case s.outageCount < 0:
			return s.Identifier + " has come into service more often than it left"
		case s.isDeleting != (s.Status == "deleting"):
			return s.Identifier + " is " + s.Status
		case s.Status == statusAvailable && !s.isInService() && !writing:
			return s.Identifier + " is available and serves nobody"
		case s.usedVCPUs > s.usableVCPUs() || s.usedVCPUs < 0 || s.requestedVCPUs < s.usedVCPUs:
			return fmt.Sprintf("%s uses %g vCPUs of %g for %g", s.Identifier, s.usedVCPUs, s.vcpus, s.requestedVCPUs)
		}
	}
	for _, g := range w.groups {
		for _, p := range []*pool{&g.writer, &g.readers} {
			if p.backlogVCPUSeconds < 0 || p.backlogVCPUSeconds > p.lastCapacityVCPUs*clientTimeout.Seconds() {
				return fmt.Sprintf("the backlog is %g vCPU seconds at %g vCPUs", p.backlogVCPUSeconds, p.lastCapacityVCPUs)
			}
		}
	}
	return ""
}

// findUnfinishedChange says what is still going on, or nothing.
func findUnfinishedChange(w *World) string {
	c := w.clusters[testRegion+"/orders"]
	if c.Status != statusAvailable || len(c.Members) > 0 && c.Writer == "" {
		return fmt.Sprintf("the cluster is %s, with the writer %q", c.Status, c.Writer)
	}
	for _, s := range w.instances {
		if s.Status != statusAvailable || !s.isInService() || s.changeInProgress || s.PendingChanges != (PendingChanges{}) || s.EngineVersion == "16.1" && s.Cluster != "" {
			return fmt.Sprintf("%s is %+v, out %d times, changing: %t", s.Identifier, s.Instance, s.outageCount, s.changeInProgress)
		}
	}
	return ""
}
