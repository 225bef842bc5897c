package decide

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// readReplicas makes the target a DB instance with read replicas.
func readReplicas(instances ...scaling.Instance) scaling.Observation {
	o := newObservation(append([]scaling.Instance{writer(large, constantLoad(20))}, instances...)...)
	o.Kind, o.Engine = scaling.DBInstance, "postgres"
	return o
}

// withoutClients is a replica to which no client was connected for five hours.
func withoutClients(i scaling.Instance) scaling.Instance {
	i.Connections = fiveMinuteSeries(0)
	return i
}

func withReplicas(i scaling.Instance, names ...string) scaling.Instance {
	i.Replicas = names
	return i
}

// A pool of read replicas grows by its hottest replica; the mean would be within the thresholds. The readers of a cluster share a
// reader endpoint, so that the mean counts.
func TestEvaluate_GrowsByHottestReplica(t *testing.T) {
	p := newPolicy(withPreference(scaling.Vertical))
	hot, idle := foreignReader("a", large, constantLoad(80)), foreignReader("b", large, constantLoad(10))
	d := Evaluate(p, readReplicas(hot, idle), now)
	proposal := onlyProposal(t, d)
	if proposal.To != shape(2, xlarge) || proposal.Emergency || !strings.Contains(proposal.Cause, "as busy as the hottest") {
		t.Errorf("the proposal is %+v", proposal)
	}
	if load := d.Pools[0].Load; math.Round(load.UtilizationPercent) != 80 || load.Demand != 3.2 || !load.ByHottest {
		t.Errorf("the load is %+v", load)
	}
	if got := reason(Evaluate(p, newObservation(writer(large, constantLoad(20)), hot, idle), now)); got != scaling.ReasonWithinThresholds {
		t.Errorf("the cluster: got %s", got)
	}
}

// One saturated replica of several is no emergency: the others do not need one.
func TestEvaluate_OneSaturatedReplicaIsNoEmergency(t *testing.T) {
	saturated := foreignReader("a", large, constantLoad(100))
	d := Evaluate(newPolicy(), readReplicas(saturated, foreignReader("b", large, constantLoad(20))), now)
	if p := onlyProposal(t, d); p.Emergency || p.Direction != scaling.Up {
		t.Errorf("the proposal is %+v", p)
	}
	if d := Evaluate(newPolicy(), readReplicas(saturated), now); !onlyProposal(t, d).Emergency {
		t.Error("a saturated only replica is no emergency")
	}
}

// A replica without clients is no capacity: the others must carry the load, no further replica is added, and the decision says why.
func TestEvaluate_ReplicaWithoutClients(t *testing.T) {
	busy := foreignReader("a", large, constantLoad(80))
	unused := withoutClients(ownReader("b", large, constantLoad(2)))
	d := Evaluate(newPolicy(withPreference(scaling.Horizontal)), readReplicas(busy, unused), now)
	proposal := onlyProposal(t, d)
	if proposal.To != shape(1, xlarge) || !strings.Contains(proposal.Cause, "no client is connected: b") {
		t.Errorf("the proposal is %+v", proposal)
	}
	if load := d.Pools[0].Load; load.Capacity != 2 || math.Round(load.UtilizationPercent) != 80 || !slices.Equal(load.WithoutClients, []string{"b"}) {
		t.Errorf("the load is %+v", load)
	}
	d = Evaluate(newPolicy(withReaders(1, 4, large)), readReplicas(busy, unused), now)
	if d.Hold.Reason != scaling.ReasonNoSuitableShape || !strings.Contains(d.Hold.Message, "no client connects to one that is there (b)") {
		t.Errorf("the largest class: %+v, %+v", d.Hold, d.Proposals)
	}
	unknown := unused
	unknown.Connections = scaling.Series{}
	if load := Evaluate(newPolicy(), readReplicas(busy, unknown), now).Pools[0].Load; load.Capacity != 4 || load.WithoutClients != nil {
		t.Errorf("connections that are not known: %+v", load)
	}
}

// A replica without clients does not let another one shrink or go, and is itself the first to go.
func TestEvaluate_ScaleDownWithReplicaWithoutClients(t *testing.T) {
	quiet := func(percent float64) scaling.Series { return constantLoad(percent) }
	unused := withoutClients(ownReader("b", xlarge, quiet(1)))
	p := newPolicy(withReaders(1, 4, large, xlarge))
	// Together they would be at 15 %: half the vCPUs would carry that. The one with clients needs all of its own.
	d := Evaluate(p, readReplicas(foreignReader("a", xlarge, quiet(30)), unused), now)
	proposal := onlyProposal(t, d)
	if proposal.Direction != scaling.Down || proposal.To != shape(1, xlarge) {
		t.Errorf("the proposal is %+v", proposal)
	}
	d = Evaluate(newPolicy(withReaders(2, 4, large, xlarge)), readReplicas(foreignReader("a", xlarge, quiet(30)), unused), now)
	if len(d.Proposals) > 0 {
		t.Errorf("with two replicas at least: %+v", d.Proposals)
	}
}

// A replica that others replicate from is not removed.
func TestEvaluate_KeepsSourceOfReplicas(t *testing.T) {
	p := newPolicy(withReaders(1, 4, large))
	middle, other := withReplicas(ownReader("b", large, constantLoad(5)), "c"), foreignReader("a", large, constantLoad(5))
	middle.FreeableMemory, other.FreeableMemory = fiveMinuteSeries(12<<30), fiveMinuteSeries(12<<30)
	if d := Evaluate(p, readReplicas(other, middle), now); len(d.Proposals) > 0 {
		t.Errorf("got %+v", d.Proposals)
	}
	middle.Replicas = nil
	if got := onlyProposal(t, Evaluate(p, readReplicas(other, middle), now)); got.To != shape(1, large) {
		t.Errorf("without replicas of its own: got %+v", got)
	}
}

// No replica is proposed where AWS creates none; the hold says why and what to do.
func TestEvaluate_CannotReplicate(t *testing.T) {
	o := readReplicas(foreignReader("a", large, constantLoad(90)))
	o.CannotReplicate = "its automated backups are off; set a backup retention period"
	d := Evaluate(newPolicy(withPreference(scaling.Horizontal)), o, now)
	if got := onlyProposal(t, d); got.To.Count != 1 || got.To.InstanceClass == large {
		t.Errorf("got %+v", got)
	}
	d = Evaluate(newPolicy(withReaders(1, 4, large)), o, now)
	if d.Hold.Reason != scaling.ReasonNoSuitableShape || !strings.Contains(d.Hold.Message, o.CannotReplicate) {
		t.Errorf("got %+v", d.Hold)
	}
	d = Evaluate(newPolicy(withReaders(3, 4, large)), readReplicas(), now) // below the minimum
	if got := reason(d); got != scaling.ReasonBelowMinimum {
		t.Errorf("below the minimum, without an obstacle: got %s", got)
	}
}

// A class that AWS refused is left out, and another one is chosen. When every one is refused the hold has the words of AWS.
func TestEvaluate_Refused(t *testing.T) {
	o := newObservation(writer(xlarge4, constantLoad(20)), foreignReader("a", large, constantLoad(90)))
	refusal := scaling.Refusal{
		Pool: scaling.Readers, Action: scaling.ModifyInstanceClass, InstanceClass: xlarge, Message: "not with this storage", ExpiresAt: now.Add(time.Hour),
	}
	p := newPolicy(withPreference(scaling.Vertical), withReaders(1, 1, large, xlarge, xlarge2))
	o.Refusals = []scaling.Refusal{refusal}
	if got := onlyProposal(t, Evaluate(p, o, now)); got.To != shape(1, xlarge2) {
		t.Errorf("one class refused: got %+v", got)
	}
	refusal.InstanceClass = ""
	o.Refusals = []scaling.Refusal{refusal}
	d := Evaluate(p, o, now)
	if d.Hold.Reason != scaling.ReasonNoSuitableShape || !strings.Contains(d.Hold.Message, "not with this storage") ||
		!strings.Contains(d.Hold.Message, "2026-02-05T11:00:00Z") {
		t.Errorf("every class refused: %+v", d.Hold)
	}
	o.Refusals[0].ExpiresAt = now
	if got := onlyProposal(t, Evaluate(p, o, now)); got.To != shape(1, xlarge) {
		t.Errorf("expired: got %+v", got)
	}
}

// The hold says that the engine version is the cause when AWS offers no class for it, or which feature a class lacks.
func TestEvaluate_NotOrderableMessages(t *testing.T) {
	p := newPolicy(withReaders(1, 1, large, xlarge))
	o := newObservation(writer(large, constantLoad(20)), foreignReader("a", large, constantLoad(90)))
	o.EngineVersion, o.Orderable = "11.9", []string{}
	if d := Evaluate(p, o, now); !strings.Contains(d.Hold.Message, "aurora-postgresql 11.9 any more. Upgrade the engine") {
		t.Errorf("no class: %+v", d.Hold)
	}
	o.Orderable = []string{large}
	o.OrderableGaps = map[string]scaling.OrderableGap{xlarge: {Features: []string{"Performance Insights"}}}
	if d := Evaluate(p, o, now); !strings.Contains(d.Hold.Message, "db.r6g.xlarge lacks Performance Insights") {
		t.Errorf("a feature: %+v", d.Hold)
	}
	o.Orderable, o.Instances[1].AvailabilityZone = []string{large, xlarge}, "eu-west-1c"
	o.OrderableGaps = map[string]scaling.OrderableGap{xlarge: {Zones: []string{"eu-west-1c"}}}
	if d := Evaluate(p, o, now); d.Hold.Reason != scaling.ReasonNoSuitableShape {
		t.Errorf("a zone: %+v, %+v", d.Hold, d.Proposals)
	}
}

// New replicas have no clients: they do not let a replica with clients shrink, neither to save cost nor while the pool grows.
func TestEvaluate_NewReplicasLetNoneShrink(t *testing.T) {
	quiet := foreignReader("a", xlarge4, constantLoad(20))
	for _, test := range []struct {
		name string
		p    scaling.Policy
		o    scaling.Observation
	}{
		{"to save cost", newPolicy(withReaders(1, 4, large, xlarge)), readReplicas(quiet)},
		{"while the pool grows", newPolicy(withReaders(1, 12, large), withPreference(scaling.Horizontal)), readReplicas(foreignReader("a", xlarge4, constantLoad(80)))},
	} {
		if d := Evaluate(test.p, test.o, now); len(d.Proposals) > 0 {
			t.Errorf("%s: got %+v", test.name, d.Proposals)
		}
		test.o.Kind = scaling.DBCluster
		if d := Evaluate(test.p, test.o, now); len(d.Proposals) == 0 {
			t.Errorf("%s, in a cluster: %+v", test.name, d.Hold)
		}
	}
}
