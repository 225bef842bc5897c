package guard

import (
	"fmt"
	"strings"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/catalog"
)

// optInTagMissing asks the owner's consent of the target and of each instance that would be changed.
func optInTagMissing(in Input) (string, time.Duration, error) {
	var missing []string
	if !scaling.OptedIn(in.Observation.Tags, in.Policy.Namespace) {
		missing = append(missing, in.Policy.Target.Identifier)
	}
	for _, s := range in.Operation.Steps {
		i, exists := in.Observation.Instance(s.Instance)
		if exists && !i.Own() && !scaling.OptedIn(i.Tags, in.Policy.Namespace) && i.Identifier != in.Policy.Target.Identifier {
			missing = append(missing, i.Identifier)
		}
	}
	if len(missing) == 0 {
		return "", 0, nil
	}
	return fmt.Sprintf("the AWS tag %s=%s is missing on %s: add it to let this policy change it",
		scaling.TagOptIn, in.Policy.Namespace, strings.Join(missing, ", ")), 0, nil
}

// metricsStale wants fresh samples of the pool for anything but reaching the minimum.
func metricsStale(in Input) (string, time.Duration, error) {
	if in.Proposal.Reason == scaling.ReasonBelowMinimum {
		return "", 0, nil
	}
	for _, l := range in.Load {
		if l.Pool == in.Proposal.Pool && l.Fresh && in.Now.Sub(l.Newest) <= scaling.Stale {
			return "", 0, nil
		}
	}
	return fmt.Sprintf("there are no CPU samples of the last %s", scaling.Stale), 0, nil
}

// databaseBusy lets only one thing happen to a database at a time, whoever does it.
func databaseBusy(in Input) (string, time.Duration, error) {
	if in.Observation.Status != scaling.Available {
		return fmt.Sprintf("%s is %s", in.Policy.Target.Identifier, in.Observation.Status), 0, nil
	}
	for _, i := range in.Observation.Instances {
		if scaling.Broken(i.Status) {
			return fmt.Sprintf("%s is %s, which it does not leave by itself: repair or remove it", i.Identifier, i.Status), 0, nil
		}
		if !i.Available() {
			return fmt.Sprintf("%s is %s", i.Identifier, i.Status), 0, nil
		}
	}
	return "", 0, nil
}

// pendingModifications keeps changes that others have put off from being applied along with ours: ApplyImmediately
// applies everything that waits (ModifyDBInstance, API reference).
func pendingModifications(in Input) (string, time.Duration, error) {
	for _, i := range in.Observation.Instances {
		waiting := i.PendingOther
		if i.PendingClass != "" {
			waiting = append([]string{"DBInstanceClass " + i.PendingClass}, waiting...)
		}
		if len(waiting) > 0 {
			return fmt.Sprintf("%s has modifications that wait for its maintenance window (%s), which a change now would apply: "+
				"apply or withdraw them", i.Identifier, strings.Join(waiting, ", ")), 0, nil
		}
	}
	return "", 0, nil
}

// foreignReader keeps the operator from deleting what it did not create, and the last reader.
func foreignReader(in Input) (string, time.Duration, error) {
	left := len(in.Observation.Pool(scaling.Readers))
	for _, s := range in.Operation.Steps {
		if s.Action == scaling.CreateReader {
			left++
		}
		if s.Action != scaling.DeleteReader {
			continue
		}
		left--
		if i, exists := in.Observation.Instance(s.Instance); exists && (!i.Own() || i.Writer) {
			return fmt.Sprintf("%s was not created by dbscaler, so it is never removed", s.Instance), 0, nil
		}
	}
	if left < 1 && in.Proposal.Pool == scaling.Readers {
		return "the last reader is never removed", 0, nil
	}
	return "", 0, nil
}

// readersCarryLoad walks through the steps and wants the readers in service, at each moment, to have as many vCPUs as at
// the start, or else to carry what the pool carries now.
func readersCarryLoad(in Input) (string, time.Duration, error) {
	w, err := newWalk(in.Observation)
	if err != nil {
		return "", 0, err
	}
	start := w.readers()
	least, during := start, ""
	for _, s := range in.Operation.Steps {
		meanwhile, err := w.take(s)
		if err != nil {
			return "", 0, err
		}
		if meanwhile < least {
			least, during = meanwhile, s.Instance
		}
	}
	if during == "" {
		return "", 0, nil
	}
	for _, l := range in.Load {
		if l.Pool == scaling.Readers && l.Fresh && !l.Censored && 100*l.Demand <= float64(in.Policy.CPU.ScaleUp)*least {
			return "", 0, nil
		}
	}
	return fmt.Sprintf("while %s is changed the other readers (%.0f of %.0f vCPUs) could not be relied on to carry the load: set "+
		"guardrails.surgeReaders to 1 or allow more readers", during, least, start), 0, nil
}

// walk is what a cluster consists of while an operation goes on, in vCPUs.
type walk struct {
	engine string
	vcpus  map[string]float64
	writer string
}

func newWalk(o scaling.Observation) (*walk, error) {
	w := &walk{engine: o.Engine, vcpus: map[string]float64{}}
	for _, i := range o.Instances {
		if err := w.set(i.Identifier, i.Class); err != nil {
			return nil, err
		}
		if i.Writer {
			w.writer = i.Identifier
		}
	}
	return w, nil
}

func (w *walk) set(instance, class string) error {
	c, err := catalog.Lookup(class)
	if err != nil {
		return err
	}
	w.vcpus[instance] = float64(c.VCPUFor(w.engine))
	return nil
}

// readers is the vCPUs of the readers in service.
func (w *walk) readers() float64 {
	total := 0.0
	for instance, vcpus := range w.vcpus {
		if instance != w.writer {
			total += vcpus
		}
	}
	return total
}

// take goes one step and returns the vCPUs of the readers in service meanwhile.
func (w *walk) take(s scaling.Step) (meanwhile float64, err error) {
	switch s.Action {
	case scaling.CreateReader:
		meanwhile = w.readers()
		return meanwhile, w.set(s.Instance, s.InstanceClass)
	case scaling.ModifyInstanceClass:
		delete(w.vcpus, s.Instance)
		meanwhile = w.readers()
		return meanwhile, w.set(s.Instance, s.InstanceClass)
	case scaling.DeleteReader:
		delete(w.vcpus, s.Instance)
	case scaling.Failover: // the heir stops being a reader before the old writer is one
		old := w.writer
		w.writer = s.Instance
		vcpus := w.vcpus[old]
		delete(w.vcpus, old)
		meanwhile = w.readers()
		w.vcpus[old] = vcpus
		return meanwhile, nil
	case scaling.ModifyPromotionTier:
	}
	return w.readers(), nil
}
