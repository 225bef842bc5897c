package model

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// TestRandomChanges_KeepInvariants makes random requests at random times, as several clients would. Invariants must hold after
// every step, and in the end every change must be complete and every instance in service.
func TestRandomChanges_KeepInvariants(t *testing.T) {
	for seed := range int64(25) {
		d := auroraCluster(1, 2, "db.r6g.large", "db.r6g.large", "db.r6g.xlarge")
		d.Upgrades = []EngineUpgrade{{At: Instant{Offset: 2 * time.Hour}, EngineVersion: "16.2", CostFactor: 1.5}}
		w := newWorld(t, func(s *Scenario) { s.Seed = seed }, d, standaloneInstance(1, "db.m6g.large", seed%2 == 0))
		random := rand.New(rand.NewPCG(uint64(seed), 2))
		accepted := map[string]int{}
		for n := range 300 {
			kind, err := applyRandomChange(w, random, n)
			var apiErr *APIError
			switch {
			case err == nil:
				accepted[kind]++
			case !errors.As(err, &apiErr):
				t.Fatalf("seed %d: %s: %v is not an APIError", seed, kind, err)
			}
			if violation := findInconsistency(w); violation != "" {
				t.Fatalf("seed %d: after %s at %s: %s", seed, kind, w.Now(), violation)
			}
			advance(w, time.Duration(random.Int64N(int64(2*time.Minute))))
			if violation := findInconsistency(w); violation != "" {
				t.Fatalf("seed %d: at %s: %s", seed, w.Now(), violation)
			}
		}
		if len(accepted) < 5 {
			t.Errorf("seed %d: got only %v accepted, want at least 5 kinds of change", seed, accepted)
		}
		advance(w, 7*24*time.Hour) // through a maintenance window
		if violation := findUnfinishedChange(w); violation != "" {
			t.Errorf("seed %d: at the end: %s", seed, violation)
		}
	}
}

// applyRandomChange makes a random request, and returns its kind.
func applyRandomChange(w *World, random *rand.Rand, n int) (string, error) {
	instances := w.Instances(testRegion)
	id := instances[random.IntN(len(instances))].Identifier
	class := []string{"db.r6g.large", "db.r6g.xlarge", "db.r6g.2xlarge"}[random.IntN(3)]
	var err error
	switch kind := random.IntN(7); kind {
	case 0, 1:
		_, err = w.ModifyInstance(testRegion, id, ModifyInstanceRequest{Class: &class, ApplyImmediately: kind == 0})
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

// findInconsistency returns a violated invariant, or an empty string.
func findInconsistency(w *World) string {
	c := w.clusters[testRegion+"/orders"]
	if c.Writer != "" && !slices.Contains(c.Members, c.Writer) {
		return fmt.Sprintf("the writer %s is not among the members %v", c.Writer, c.Members)
	}
	for _, s := range w.instances {
		writing := s.Cluster != "" && s.group.failoverInProgress && s.isWriter()
		switch {
		case s.outageCount < 0:
			return s.Identifier + " has a negative number of outages"
		case s.isDeleting != (s.Status == "deleting"):
			return s.Identifier + " is " + s.Status
		case s.Status == statusAvailable && !s.isInService() && !writing:
			return s.Identifier + " is available and out of service"
		case s.usedVCPUs > s.usableVCPUs() || s.usedVCPUs < 0 || s.requestedVCPUs < s.usedVCPUs:
			return fmt.Sprintf("%s uses %g vCPUs of %g for %g", s.Identifier, s.usedVCPUs, s.vcpus, s.requestedVCPUs)
		}
	}
	for _, g := range w.groups {
		for _, p := range []*pool{&g.writer, &g.readers} {
			if p.backlogVCPUSeconds < 0 || p.backlogVCPUSeconds > p.lastCapacityVCPUs*clientTimeout.Seconds() {
				return fmt.Sprintf("got backlog %g vCPU seconds at %g vCPUs", p.backlogVCPUSeconds, p.lastCapacityVCPUs)
			}
		}
	}
	return ""
}

// findUnfinishedChange returns a change that has not completed, or an empty string.
func findUnfinishedChange(w *World) string {
	c := w.clusters[testRegion+"/orders"]
	if c.Status != statusAvailable || len(c.Members) > 0 && c.Writer == "" {
		return fmt.Sprintf("got cluster %s, with the writer %q", c.Status, c.Writer)
	}
	for _, s := range w.instances {
		if s.Status != statusAvailable || !s.isInService() || s.changeInProgress || s.PendingChanges != (PendingChanges{}) || s.EngineVersion == "16.1" && s.Cluster != "" {
			return fmt.Sprintf("%s: got %+v with %d outages, change in progress %t", s.Identifier, s.Instance, s.outageCount, s.changeInProgress)
		}
	}
	return ""
}
