package simtest

import (
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/convert"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

// witness sees everything that happens, and says what of it never must.
type witness struct {
	sim *sim
	// trials are the operations, by their names.
	trials map[string]*trial
	// meddled is when somebody else last changed a database; untagged since when it lacks its tag; removed which policies were
	// deleted.
	meddled, untagged map[string]time.Time
	removed           map[string]bool
	gaps              []stretch
	// calls counts what AWS was asked to change, failovers those that it carried out, by database.
	calls     int
	failovers map[string]int
	// writes are when the operator wrote.
	writes []time.Time
}

// writesSince counts what the operator wrote after a moment.
func (w *witness) writesSince(t time.Time) int {
	n := len(w.writes)
	for n > 0 && w.writes[n-1].After(t) {
		n--
	}
	return len(w.writes) - n
}

// trial is an operation and what is known of it.
type trial struct {
	id, name string
	began    time.Time
	// start is the vCPUs of the readers in service when it began, and goal those of the shape that it leads to, when it is about
	// the readers.
	start, goal float64
	surge       bool
	op          scaling.Operation
	accepted    map[int]time.Time
	failedOver  bool
	ended       bool
}

func newWitness(s *sim) *witness {
	return &witness{
		sim: s, trials: map[string]*trial{}, meddled: map[string]time.Time{}, untagged: map[string]time.Time{},
		removed: map[string]bool{}, failovers: map[string]int{},
	}
}

// written looks at what the operator wrote.
func (w *witness) written(key types.NamespacedName) {
	w.writes = append(w.writes, w.sim.now)
	p := w.sim.store.get(key)
	if p != nil && p.Status.Operation != nil {
		w.sim.stirred = w.sim.now
	}
	for _, t := range w.trials {
		if !t.ended && t.name == key.Name && (p == nil || p.Status.Operation == nil || p.Status.Operation.ID != t.id) {
			t.ended = true
			w.ended(p, t)
		}
	}
	if p == nil || p.Status.Operation == nil {
		return
	}
	op := convert.Operation(p.Status.Operation)
	if known, ok := w.trials[op.ID]; ok {
		known.op, known.ended = *op, false
		return
	}
	t := &trial{
		id: op.ID, name: key.Name, began: w.sim.now, start: w.readers(key.Name, ""), op: *op, accepted: map[int]time.Time{},
		surge: slices.ContainsFunc(op.Steps, func(s scaling.Step) bool { return s.Surge && s.Action == scaling.CreateReader }),
	}
	t.goal = t.start
	if op.Pool == scaling.Readers {
		t.goal = min(t.start, float64(op.To.Count)*vcpus(op.To.InstanceClass))
	}
	w.trials[op.ID] = t
	w.begins(p, t)
}

// ended wants an operation that has succeeded to have removed its surge reader.
func (w *witness) ended(p *v1alpha1.DBScalingPolicy, t *trial) {
	if p == nil || len(p.Status.History) == 0 || p.Status.History[0].ID != t.id || p.Status.History[0].Outcome != v1alpha1.OutcomeSucceeded {
		return
	}
	for _, i := range w.sim.world.Instances(region) {
		if i.Tags[scaling.TagSurge] == t.id {
			w.sim.violate("operation %s has succeeded, and its surge reader %s is there", t.id, i.Identifier)
		}
	}
}

// begins checks an operation against the policy that it was approved by.
func (w *witness) begins(p *v1alpha1.DBScalingPolicy, t *trial) {
	s := w.sim
	policy, err := convert.Policy(p)
	if err != nil {
		s.violate("%s begins by a policy that cannot be read: %v", t.id, err)
		return
	}
	op := t.op
	if op.Direction == scaling.Cleanup || !p.DeletionTimestamp.IsZero() {
		return
	}
	wanted := policy.ManualControl.DesiredShape(op.Pool, s.Now())
	byHand := wanted != nil && *wanted == op.To
	if !byHand && !policy.Allows(op.Pool, op.To) {
		s.violate("%s leads %s to %s, which the policy does not allow", t.id, t.name, op.To)
	}
	started, most := 0, policy.Guardrails.MaxOperationsPerDay
	interrupts := op.Pool == scaling.Writer || op.From.InstanceClass != op.To.InstanceClass
	if !interrupts {
		most *= 4
	}
	for _, r := range p.Status.History {
		recent := s.Now().Sub(r.StartTime.Time) < 24*time.Hour && r.Direction != v1alpha1.DirectionCleanup
		interrupted := r.Pool == v1alpha1.PoolWriter || r.From.InstanceClass != r.To.InstanceClass
		if recent && (interrupted || !interrupts) {
			started++
		}
	}
	if started > most && !byHand {
		s.violate("%s is operation %d of %s within a day", t.id, started+1, t.name)
	}
	if op.Direction == scaling.Down && !byHand {
		w.mayShrink(policy, t)
		pool := p.Status.Readers
		if op.Pool == scaling.Writer {
			pool = p.Status.Writer
		}
		if pool == nil || pool.Since == nil || s.Now().Sub(pool.Since.Time) < policy.ScaleDown.Window {
			s.violate("%s makes the %s of %s smaller, and they have not been what they are for %s", t.id, op.Pool, t.name, policy.ScaleDown.Window)
		}
	}
}

// mayShrink wants the demand of the whole window to have been seen, and to fit.
func (w *witness) mayShrink(p scaling.Policy, t *trial) {
	s := w.sim
	to := float64(t.op.To.Count) * vcpus(t.op.To.InstanceClass)
	from := s.now.Add(-p.ScaleDown.Window).Add(5 * time.Minute) // the newest minutes are not published yet
	for _, m := range s.world.Minutes(region, t.name) {
		demand := m.ReaderDemandVCPUs
		if t.op.Pool == scaling.Writer {
			demand = m.WriterDemandVCPUs
		}
		if m.Time.After(from) && m.Time.Before(s.now.Add(-6*time.Minute)) && demand > 0.8*to {
			s.violate("%s makes the %s of %s %s, and at %s they were asked for %.1f vCPUs", t.id, t.op.Pool, t.name, t.op.To,
				m.Time.Format("15:04"), demand)
			return
		}
	}
	for _, g := range w.gaps {
		i, err := s.world.Instance(region, g.instance)
		c, errCluster := s.world.Cluster(region, t.name)
		writer := errCluster == nil && c.Writer == g.instance || g.instance == t.name
		if err != nil || of(i) != t.name || writer != (t.op.Pool == scaling.Writer) {
			continue
		}
		blind := overlap(g, from, s.now.Add(-5*time.Minute))
		if since := s.world.Events(region, g.from, s.now); blind >= 3*time.Minute && len(since) == 0 {
			s.violate("%s makes the %s of %s smaller, and %s published nothing for %s of the window", t.id, t.op.Pool, t.name, g.instance, blind)
		}
	}
}

func overlap(g stretch, from, to time.Time) time.Duration {
	if g.from.After(from) {
		from = g.from
	}
	if g.to.Before(to) {
		to = g.to
	}
	return to.Sub(from)
}

// calm says whether nobody else has changed a database since shortly before a moment.
func (w *witness) calm(name string, since time.Time) bool {
	return w.meddled[name].Before(since.Add(-3 * time.Minute))
}

// readers is the vCPUs of a cluster's readers in service, but for one.
func (w *witness) readers(name, but string) float64 {
	total := 0.0
	for _, i := range w.sim.world.Instances(region) {
		truth, _ := w.sim.world.GroundTruth(region, i.Identifier)
		if of(i) == name && i.Identifier != but && truth.InService && !truth.IsWriter {
			total += truth.VCPUs
		}
	}
	return total
}
