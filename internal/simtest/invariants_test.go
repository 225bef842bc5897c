package simtest

import (
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/convert"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

// invariantChecker sees everything that happens, and says what of it never must.
type invariantChecker struct {
	sim *simulation
	// operations are the operations, by their names.
	operations map[string]*trackedOperation
	// externalChangeAt is when somebody else last changed a database; untagged since when it lacks its tag; removed which policies were
	// deleted.
	externalChangeAt, optedOutSince map[string]time.Time
	deletedPolicies                 map[string]bool
	metricGaps                      []interval
	// calls counts what AWS was asked to change, failovers those that it carried out, by database.
	calls     int
	failovers map[string]int
	// writeTimes are when the operator wrote.
	writeTimes []time.Time
}

// countWritesSince counts what the operator wrote after a moment.
func (w *invariantChecker) countWritesSince(t time.Time) int {
	n := len(w.writeTimes)
	for n > 0 && w.writeTimes[n-1].After(t) {
		n--
	}
	return len(w.writeTimes) - n
}

// trackedOperation is an operation and what is known of it.
type trackedOperation struct {
	id, name  string
	startedAt time.Time
	// startVCPUs is the vCPUs of the readers in service when it began, and goal those of the shape that it leads to, when it is about
	// the readers.
	startVCPUs, minVCPUs float64
	hasSurgeReader       bool
	operation            scaling.Operation
	acceptedAt           map[int]time.Time
	failedOver           bool
	ended                bool
}

func newInvariantChecker(s *simulation) *invariantChecker {
	return &invariantChecker{
		sim: s, operations: map[string]*trackedOperation{}, externalChangeAt: map[string]time.Time{}, optedOutSince: map[string]time.Time{},
		deletedPolicies: map[string]bool{}, failovers: map[string]int{},
	}
}

// recordWrite looks at what the operator wrote.
func (w *invariantChecker) recordWrite(key types.NamespacedName) {
	w.writeTimes = append(w.writeTimes, w.sim.now)
	p := w.sim.api.current(key)
	if p != nil && p.Status.Operation != nil {
		w.sim.lastActivityAt = w.sim.now
	}
	for _, t := range w.operations {
		if !t.ended && t.name == key.Name && (p == nil || p.Status.Operation == nil || p.Status.Operation.ID != t.id) {
			t.ended = true
			w.checkCompleted(p, t)
		}
	}
	if p == nil || p.Status.Operation == nil {
		return
	}
	op := convert.Operation(p.Status.Operation)
	if known, ok := w.operations[op.ID]; ok {
		known.operation, known.ended = *op, false
		return
	}
	t := &trackedOperation{
		id: op.ID, name: key.Name, startedAt: w.sim.now, startVCPUs: w.readerVCPUs(key.Name, ""), operation: *op, acceptedAt: map[int]time.Time{},
		hasSurgeReader: slices.ContainsFunc(op.Steps, func(s scaling.Step) bool { return s.Surge && s.Action == scaling.CreateReader }),
	}
	t.minVCPUs = t.startVCPUs
	if op.Pool == scaling.Readers {
		t.minVCPUs = min(t.startVCPUs, float64(op.To.Count)*vcpus(op.To.InstanceClass))
	}
	w.operations[op.ID] = t
	w.checkStarted(p, t)
}

// checkCompleted wants an operation that has succeeded to have removed its surge reader.
func (w *invariantChecker) checkCompleted(p *v1alpha1.DBScalingPolicy, t *trackedOperation) {
	if p == nil || len(p.Status.History) == 0 || p.Status.History[0].ID != t.id || p.Status.History[0].Outcome != v1alpha1.OutcomeSucceeded {
		return
	}
	for _, i := range w.sim.world.Instances(region) {
		if i.Tags[scaling.TagSurge] == t.id {
			w.sim.violationf("operation %s has succeeded, and its surge reader %s is there", t.id, i.Identifier)
		}
	}
}

// checkStarted checks an operation against the policy that it was approved by.
func (w *invariantChecker) checkStarted(p *v1alpha1.DBScalingPolicy, t *trackedOperation) {
	s := w.sim
	policy, err := convert.Policy(p)
	if err != nil {
		s.violationf("%s begins by a policy that cannot be read: %v", t.id, err)
		return
	}
	op := t.operation
	if op.Direction == scaling.Cleanup || !p.DeletionTimestamp.IsZero() {
		return
	}
	desired := policy.ManualControl.DesiredShape(op.Pool, s.Now())
	isOverride := desired != nil && *desired == op.To
	if !isOverride && !policy.Allows(op.Pool, op.To) {
		s.violationf("%s leads %s to %s, which the policy does not allow", t.id, t.name, op.To)
	}
	started, limit := 0, policy.Guardrails.MaxOperationsPerDay
	isDisruptive := op.Pool == scaling.Writer || op.From.InstanceClass != op.To.InstanceClass
	if !isDisruptive {
		limit *= 4
	}
	for _, r := range p.Status.History {
		recent := s.Now().Sub(r.StartTime.Time) < 24*time.Hour && r.Direction != v1alpha1.DirectionCleanup
		wasDisruptive := r.Pool == v1alpha1.PoolWriter || r.From.InstanceClass != r.To.InstanceClass
		if recent && (wasDisruptive || !isDisruptive) {
			started++
		}
	}
	if started > limit && !isOverride {
		s.violationf("%s is operation %d of %s within a day", t.id, started+1, t.name)
	}
	if op.Direction == scaling.Down && !isOverride {
		w.checkScaleDown(policy, t)
		pool := p.Status.Readers
		if op.Pool == scaling.Writer {
			pool = p.Status.Writer
		}
		if pool == nil || pool.LastChangeTime == nil || s.Now().Sub(pool.LastChangeTime.Time) < policy.ScaleDown.Window {
			s.violationf("%s makes the %s of %s smaller, and they have not been what they are for %s", t.id, op.Pool, t.name, policy.ScaleDown.Window)
		}
	}
}

// checkScaleDown wants the demand of the whole window to have been seen, and to fit.
func (w *invariantChecker) checkScaleDown(p scaling.Policy, t *trackedOperation) {
	s := w.sim
	to := float64(t.operation.To.Count) * vcpus(t.operation.To.InstanceClass)
	from := s.now.Add(-p.ScaleDown.Window).Add(5 * time.Minute) // the newest minutes are not published yet
	for _, m := range s.world.Minutes(region, t.name) {
		demand := m.ReaderDemandVCPUs
		if t.operation.Pool == scaling.Writer {
			demand = m.WriterDemandVCPUs
		}
		if m.Time.After(from) && m.Time.Before(s.now.Add(-6*time.Minute)) && demand > 0.8*to {
			s.violationf("%s makes the %s of %s %s, and at %s they were asked for %.1f vCPUs", t.id, t.operation.Pool, t.name, t.operation.To,
				m.Time.Format("15:04"), demand)
			return
		}
	}
	for _, g := range w.metricGaps {
		i, err := s.world.Instance(region, g.instance)
		c, errCluster := s.world.Cluster(region, t.name)
		writer := errCluster == nil && c.Writer == g.instance || g.instance == t.name
		if err != nil || databaseOf(i) != t.name || writer != (t.operation.Pool == scaling.Writer) {
			continue
		}
		missing := overlap(g, from, s.now.Add(-5*time.Minute))
		if since := s.world.Events(region, g.from, s.now); missing >= 3*time.Minute && len(since) == 0 {
			s.violationf("%s makes the %s of %s smaller, and %s published nothing for %s of the window", t.id, t.operation.Pool, t.name, g.instance, missing)
		}
	}
}

func overlap(g interval, from, to time.Time) time.Duration {
	if g.from.After(from) {
		from = g.from
	}
	if g.to.Before(to) {
		to = g.to
	}
	return to.Sub(from)
}

// undisturbedSince says whether nobody else has changed a database since shortly before a moment.
func (w *invariantChecker) undisturbedSince(name string, since time.Time) bool {
	return w.externalChangeAt[name].Before(since.Add(-3 * time.Minute))
}

// readerVCPUs is the vCPUs of a cluster's readers in service, but for one.
func (w *invariantChecker) readerVCPUs(name, but string) float64 {
	total := 0.0
	for _, i := range w.sim.world.Instances(region) {
		truth, _ := w.sim.world.GroundTruth(region, i.Identifier)
		if databaseOf(i) == name && i.Identifier != but && truth.InService && !truth.IsWriter {
			total += truth.VCPUs
		}
	}
	return total
}
