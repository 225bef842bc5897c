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

// readersCarryLoad wants the readers that stay in service while one is resized in place to carry what the pool carries
// now, unless the operation adds a reader first.
func readersCarryLoad(in Input) (string, time.Duration, error) {
	readers := in.Observation.Pool(scaling.Readers)
	resized := ""
	for _, s := range in.Operation.Steps {
		if s.Action == scaling.CreateReader && resized == "" {
			return "", 0, nil
		}
		if i, exists := in.Observation.Instance(s.Instance); exists && !i.Writer && s.Action == scaling.ModifyInstanceClass && resized == "" {
			resized = s.Instance
		}
	}
	if resized == "" {
		return "", 0, nil
	}
	rest := 0.0
	for _, i := range readers {
		class, err := catalog.Lookup(i.Class)
		if err != nil {
			return "", 0, err
		}
		if i.Identifier != resized {
			rest += float64(class.VCPUFor(in.Observation.Engine))
		}
	}
	for _, l := range in.Load {
		if l.Pool == scaling.Readers && l.Fresh && !l.Censored && 100*l.Demand <= float64(in.Policy.CPU.ScaleUp)*rest {
			return "", 0, nil
		}
	}
	return fmt.Sprintf("while %s is resized the other readers could not carry the load: set guardrails.surgeReaders to 1 or allow "+
		"more readers", resized), 0, nil
}
