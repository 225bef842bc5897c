package simtest

import (
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/convert"
	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/catalog"
)

// invariantChecker observes every event and reports broken invariants.
type invariantChecker struct {
	sim *simulation
	// operations are the operations, by ID.
	operations map[string]*trackedOperation
	// externalChangeAt is when somebody else last changed a database, and optedOutSince since when it has no opt-in tag.
	externalChangeAt, optedOutSince map[string]time.Time
	deletedPolicies                 map[string]bool
	// deferredSince is when somebody deferred a change that still waits.
	deferredSince map[deferredChange]time.Time
	metricGaps    []interval
	// groupChangedAt is when somebody gave an instance another parameter group, and endpointChangedAt when somebody changed a custom
	// endpoint of a cluster.
	groupChangedAt, endpointChangedAt map[string]time.Time
	// refusals are those that reached the operator.
	refusals []deliveredRefusal
	// raises counts the operations that were given more readers, calls the calls to AWS, failovers the completed ones by database.
	raises    int
	calls     int
	failovers map[string]int
	// writeTimes are the times at which the operator wrote a policy.
	writeTimes []time.Time
}

// countWritesSince counts the writes of the operator after a time.
func (ic *invariantChecker) countWritesSince(t time.Time) int {
	n := len(ic.writeTimes)
	for n > 0 && ic.writeTimes[n-1].After(t) {
		n--
	}
	return len(ic.writeTimes) - n
}

// trackedOperation is an operation and what happened in it.
type trackedOperation struct {
	id, name  string
	startedAt time.Time
	// startVCPUs is the vCPUs of the readers in service at its start, and minVCPUs the minimum during it: the same, or those of the
	// desired shape when that is less.
	startVCPUs, minVCPUs float64
	hasSurgeReader       bool
	operation            scaling.Operation
	acceptedAt           map[string]time.Time // by action, instance and class
	failedOver           bool
	ended                bool
}

// promotesTwice reports whether the operation replaces the writer with a surge reader while the writer is resized. Until that is done,
// no reader is as large as the new writer.
func (t *trackedOperation) promotesTwice() bool {
	failovers := 0
	for _, s := range t.operation.Steps {
		if s.Action == scaling.Failover {
			failovers++
		}
	}
	return failovers > 1
}

func newInvariantChecker(s *simulation) *invariantChecker {
	return &invariantChecker{
		sim: s, operations: map[string]*trackedOperation{}, externalChangeAt: map[string]time.Time{}, optedOutSince: map[string]time.Time{},
		deletedPolicies: map[string]bool{}, deferredSince: map[deferredChange]time.Time{}, failovers: map[string]int{},
		groupChangedAt: map[string]time.Time{}, endpointChangedAt: map[string]time.Time{},
	}
}

// recordWrite checks the operation in the policy that the operator wrote.
func (ic *invariantChecker) recordWrite(key types.NamespacedName) {
	ic.writeTimes = append(ic.writeTimes, ic.sim.now)
	p := ic.sim.api.current(key)
	ic.checkConsent(p)
	if p != nil && p.Status.Operation != nil {
		ic.sim.lastActivityAt = ic.sim.now
	}
	for _, t := range ic.operations {
		if !t.ended && t.name == key.Name && (p == nil || p.Status.Operation == nil || p.Status.Operation.ID != t.id) {
			t.ended = true
			ic.checkCompleted(p, t)
		}
	}
	if p == nil || p.Status.Operation == nil {
		return
	}
	op := convert.Operation(p.Status.Operation)
	if tracked, ok := ic.operations[op.ID]; ok {
		ic.checkRaised(p, tracked, *op)
		tracked.operation, tracked.ended = *op, false
		return
	}
	t := &trackedOperation{
		id: op.ID, name: key.Name, startedAt: ic.sim.now, startVCPUs: ic.readerVCPUs(key.Name, ""), operation: *op, acceptedAt: map[string]time.Time{},
		hasSurgeReader: slices.ContainsFunc(op.Steps, func(s scaling.Step) bool { return s.Surge && s.Action == scaling.CreateReader }),
	}
	t.minVCPUs = t.startVCPUs
	if op.Pool == scaling.Readers {
		t.minVCPUs = min(t.startVCPUs, float64(op.To.Count)*vcpus(op.To.InstanceClass))
	}
	ic.operations[op.ID] = t
	ic.checkStarted(p, t)
}

// checkRaised requires that an operation in progress changes its shape only to more readers of the same class that the policy allows, and
// that it keeps every step.
func (ic *invariantChecker) checkRaised(p *v1alpha1.DBScalingPolicy, t *trackedOperation, op scaling.Operation) {
	before := t.operation
	if op.To == before.To && len(op.Steps) == len(before.Steps) {
		return
	}
	s := ic.sim
	ic.raises++
	policy, err := convert.Policy(p)
	if err != nil || !policy.Allows(op.Pool, op.To) {
		s.violationf("%s is raised to %s, which the policy of %s does not allow: %v", op.ID, op.To, t.name, err)
	}
	added := len(op.Steps) - len(before.Steps)
	if op.Direction != scaling.Up || op.To.InstanceClass != before.To.InstanceClass || op.To.Count-before.To.Count != added || added <= 0 {
		s.violationf("%s is changed from %s to %s with %d more steps", op.ID, before.To, op.To, added)
	}
	kept := 0
	for _, step := range op.Steps {
		if kept < len(before.Steps) && step.Action == before.Steps[kept].Action && step.Instance == before.Steps[kept].Instance {
			kept++
		}
	}
	if kept < len(before.Steps) {
		s.violationf("%s loses step %d when it is raised", op.ID, kept+1)
	}
}

// checkCompleted requires that a successful operation has deleted its surge reader.
func (ic *invariantChecker) checkCompleted(p *v1alpha1.DBScalingPolicy, t *trackedOperation) {
	if p == nil || len(p.Status.History) == 0 || p.Status.History[0].ID != t.id || p.Status.History[0].Outcome != v1alpha1.OutcomeSucceeded {
		return
	}
	for _, i := range ic.sim.world.Instances(region) {
		if i.Tags[scaling.TagSurge] == t.id && databaseOf(i) == t.name { // not its copy in a green environment
			ic.sim.violationf("operation %s has succeeded, and its surge reader %s still exists", t.id, i.Identifier)
		}
	}
}

// checkStarted checks a new operation against its policy.
func (ic *invariantChecker) checkStarted(p *v1alpha1.DBScalingPolicy, t *trackedOperation) {
	s := ic.sim
	policy, err := convert.Policy(p)
	if err != nil {
		s.violationf("%s starts with an invalid policy: %v", t.id, err)
		return
	}
	op := t.operation
	if op.Direction == scaling.Cleanup || !p.DeletionTimestamp.IsZero() {
		return
	}
	desired := policy.ManualControl.DesiredShape(op.Pool, s.Now())
	isOverride := desired != nil && *desired == op.To
	if !isOverride && !policy.Allows(op.Pool, op.To) {
		s.violationf("%s changes %s to %s, which the policy does not allow", t.id, t.name, op.To)
	}
	started, limit := 0, policy.Guardrails.MaxOperationsPerDay
	isDisruptive := !isCapacity(op.To.InstanceClass) && (op.Pool == scaling.Writer || op.From.InstanceClass != op.To.InstanceClass)
	if !isDisruptive {
		limit *= 4
	}
	for _, r := range p.Status.History {
		counts := r.Direction != v1alpha1.DirectionCleanup && r.Effect != v1alpha1.EffectNone
		recent := s.Now().Sub(r.StartTime.Time) < 24*time.Hour && counts
		wasDisruptive := !isCapacity(r.To.InstanceClass) &&
			(r.Pool == v1alpha1.PoolWriter || r.From.InstanceClass != r.To.InstanceClass)
		if recent && (wasDisruptive || !isDisruptive) {
			started++
		}
	}
	if started > limit && !isOverride {
		s.violationf("%s is operation %d of %s within a day", t.id, started+1, t.name)
	}
	if op.Direction == scaling.Down && !isOverride && op.Pool != scaling.MinCapacity { // a lower minimum takes no capacity away
		if !s.hasStaticReaders(t.name) || op.Pool == scaling.Writer { // they share the load of the reader endpoint
			ic.checkScaleDown(policy, t)
		}
		pool := p.Status.Readers
		if op.Pool == scaling.Writer {
			pool = p.Status.Writer
		}
		if pool == nil || pool.LastChangeTime == nil || s.Now().Sub(pool.LastChangeTime.Time) < policy.ScaleDown.Window {
			s.violationf("%s scales down the %s of %s, whose shape has not been stable for %s", t.id, op.Pool, t.name, policy.ScaleDown.Window)
		}
	}
}

// isCapacity reports whether a class is a capacity of Serverless v2, whose change interrupts nothing.
func isCapacity(class string) bool {
	_, ok := catalog.ParseACUs(class)
	return ok
}

// checkScaleDown requires that the demand of the whole window is known and fits the desired shape.
func (ic *invariantChecker) checkScaleDown(p scaling.Policy, t *trackedOperation) {
	s := ic.sim
	to := float64(t.operation.To.Count) * vcpus(t.operation.To.InstanceClass)
	from := s.now.Add(-p.ScaleDown.Window).Add(5 * time.Minute) // the last minutes are not published yet
	for _, m := range s.world.Minutes(region, t.name) {
		demand := m.ReaderDemandVCPUs
		if t.operation.Pool == scaling.Writer {
			demand = m.WriterDemandVCPUs
		}
		inWindow := m.Time.After(from) && m.Time.Before(s.now.Add(-6*time.Minute))
		if inWindow && !ic.checkClientCapacity(t, demand) {
			s.violationf("%s changes the readers of %s to %s, and those with clients do not carry the %.1f vCPUs of %s", t.id, t.name,
				t.operation.To, demand, m.Time.Format("15:04"))
			return
		}
		if inWindow && demand > 0.8*to {
			s.violationf("%s changes the %s of %s to %s, and at %s their demand was %.1f vCPUs", t.id, t.operation.Pool, t.name, t.operation.To,
				m.Time.Format("15:04"), demand)
			return
		}
	}
	for _, g := range ic.metricGaps {
		i, err := s.world.Instance(region, g.instance)
		c, errCluster := s.world.Cluster(region, t.name)
		writer := errCluster == nil && c.Writer == g.instance || g.instance == t.name
		if err != nil || databaseOf(i) != t.name || writer != (t.operation.Pool == scaling.Writer) {
			continue
		}
		missing := overlap(g, from, s.now.Add(-5*time.Minute))
		if events := s.world.Events(region, g.from, s.now); missing >= 3*time.Minute && len(events) == 0 {
			s.violationf("%s scales down the %s of %s, and %s published no samples for %s of the window", t.id, t.operation.Pool, t.name, g.instance, missing)
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

// undisturbedSince reports whether nobody else has changed a database since shortly before a time.
func (ic *invariantChecker) undisturbedSince(name string, since time.Time) bool {
	return ic.externalChangeAt[name].Before(since.Add(-3 * time.Minute))
}

// readerVCPUs returns the vCPUs of the readers in service of a cluster, except one.
func (ic *invariantChecker) readerVCPUs(name, except string) float64 {
	total := 0.0
	for _, i := range ic.sim.world.Instances(region) {
		actual, _ := ic.sim.world.GroundTruth(region, i.Identifier)
		if databaseOf(i) == name && i.Identifier != except && actual.InService && !actual.IsWriter {
			total += actual.VCPUs
		}
	}
	return total
}
