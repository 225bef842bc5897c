package doctor

import (
	"fmt"
	"strings"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/schedule"
)

// checkPromotion checks that a reader can be promoted when the writer of a cluster is scaled, by the rules of the operator and by the
// guard PromotionCandidate.
func (r *report) checkPromotion(in Input) {
	o := in.Observation
	if o.Kind != scaling.DBCluster || o.ResizedAsUnit || in.Policy.Writer == nil {
		return
	}
	candidates := o.PromotionCandidates("")
	if len(candidates) == 0 {
		message := "no reader can be promoted"
		if reasons := o.PromotionExclusions(); reasons != "" {
			message += ": " + reasons
		}
		if in.Policy.Guardrails.SurgeReaders > 0 {
			r.add(Warning, checkPromotion, "", message+". The operator adds a surge reader for each change of the writer",
				"Add a reader with the parameter group of the writer that no static list names, if a change shall be faster.")
			return
		}
		r.add(Warning, checkPromotion, "", message+". The writer is resized in place, which interrupts it for minutes",
			"Add such a reader, or set guardrails.surgeReaders to 1.")
		return
	}
	step := scaling.Step{Action: scaling.Failover, Instance: candidates[0].Identifier}
	message, unknown := veto(in, "PromotionCandidate", proposalFor(scaling.Writer, o, ""), step)
	if r.addVeto(Warning, checkPromotion, candidates[0].Identifier, message, unknown, "Grant rds:DescribeDBClusterEndpoints.") {
		return
	}
	r.ok(checkPromotion, candidates[0].Identifier, "it can be promoted when the writer is scaled")
}

// checkBlueGreen asks the guard BlueGreenDeployment.
func (r *report) checkBlueGreen(in Input) {
	status := Warning
	if d := in.Observation.BlueGreen; d != nil && d.Role == scaling.GreenRole {
		status = Failed
	}
	message, unknown := veto(in, "BlueGreenDeployment", proposalFor(scaling.Writer, in.Observation, ""))
	if !r.addVeto(status, checkBlueGreen, "", message, unknown, "Grant rds:DescribeBlueGreenDeployments.") {
		r.ok(checkBlueGreen, "", "the database is in no blue/green deployment")
	}
}

// checkPending asks the guards PendingModifications, PendingReboot and PendingMaintenance about a change of every instance.
func (r *report) checkPending(in Input) {
	before := len(r.findings)
	var steps []scaling.Step
	for _, i := range in.Observation.Instances {
		steps = append(steps, scaling.Step{Action: scaling.ModifyInstanceClass, Instance: i.Identifier})
	}
	for _, name := range []string{"PendingModifications", "PendingReboot", "PendingMaintenance"} {
		message, unknown := veto(in, name, proposalFor(scaling.Writer, in.Observation, ""), steps...)
		r.addVeto(Warning, checkPending, "", message, unknown, "Grant rds:DescribePendingMaintenanceActions.")
	}
	if len(r.findings) == before {
		r.ok(checkPending, "", "no modification, reboot or maintenance of somebody else is pending")
	}
}

const (
	// windowHorizon is how far ahead windows are examined: two weeks, so that each weekly window occurs.
	windowHorizon = 14 * 24 * time.Hour
	// windowStep is the resolution of the examination.
	windowStep = 5 * time.Minute
)

// checkWindows checks that the disruption windows ever open, and that they leave time outside the backup window.
func (r *report) checkWindows(in Input) {
	windows := in.Policy.DisruptionWindows
	open, next, err := schedule.IsOpen(windows, in.Now)
	switch {
	case len(windows) == 0:
		r.ok(checkWindows, "", "the policy has no disruption windows, so that the writer may be interrupted at any time")
		return
	case err != nil:
		r.add(Failed, checkWindows, "", "a disruption window is invalid: "+err.Error(), "Correct spec.disruptionWindows.")
		return
	case !open && next.IsZero():
		r.add(Failed, checkWindows, "", "no disruption window opens again, so that the writer is not changed",
			"Add a recurring window to spec.disruptionWindows, or a later one.")
		return
	}
	if backup := backupWindows(in.Observation); len(backup) > 0 && !leavesTime(in, backup) {
		r.add(Failed, checkWindows, "", fmt.Sprintf("the disruption windows of the next two weeks lie within the backup window (%s UTC), "+
			"in which nothing is changed", strings.Join(backup, ", ")), "Move spec.disruptionWindows or the backup window.")
		return
	}
	if open {
		r.ok(checkWindows, "", "a disruption window is open now")
		return
	}
	r.ok(checkWindows, "", "the next disruption window opens at "+formatTime(next))
}

// backupWindows lists the backup windows of the writer, during which the guard BackupWindow leaves it unchanged.
func backupWindows(o scaling.Observation) []string {
	var windows []string
	for _, i := range o.PoolInstances(scaling.Writer) {
		if i.BackupWindow != "" {
			windows = append(windows, i.BackupWindow)
		}
	}
	return windows
}

// leavesTime reports whether a disruption window is ever open while no guard waits for a backup window.
func leavesTime(in Input, backup []string) bool {
	var steps []scaling.Step
	for _, i := range in.Observation.PoolInstances(scaling.Writer) {
		steps = append(steps, scaling.Step{Action: scaling.ModifyInstanceClass, Instance: i.Identifier})
	}
	for at := in.Now; at.Before(in.Now.Add(windowHorizon)); at = at.Add(windowStep) {
		if open, _, err := schedule.IsOpen(in.Policy.DisruptionWindows, at); err != nil || !open {
			continue
		}
		later := in
		later.Now = at
		if message, _ := veto(later, "BackupWindow", proposalFor(scaling.Writer, in.Observation, ""), steps...); message == "" {
			return true
		}
	}
	return len(backup) == 0
}

// The quotas that limit readers, by the names of the RDS API (RDS API reference, AccountQuota).
const (
	instanceQuota = "DBInstances"
	replicaQuota  = "ReadReplicasPerMaster"
)

// checkQuotas checks that the account has room for the readers that the policy may add.
func (r *report) checkQuotas(in Input) {
	needed := readersToAdd(in)
	if needed == 0 {
		r.ok(checkQuota, "", "the policy adds no instance")
		return
	}
	if in.QuotasUnknown != "" {
		r.add(Unknown, checkQuota, instanceQuota, "the quotas could not be read: "+in.QuotasUnknown,
			"Let the caller use rds:DescribeAccountAttributes (config/iam/doctor.json).")
		return
	}
	raise := "Request a higher quota in Service Quotas, or lower maxReplicas."
	if q, known := in.Quotas[instanceQuota]; known {
		message := fmt.Sprintf("%d of %d DB instances are used in the region, and the policy may add %d", q.Used, q.Max, needed)
		switch room := q.Max - q.Used; {
		case room <= 0:
			r.add(Failed, checkQuota, instanceQuota, message, raise)
		case room < needed:
			r.add(Warning, checkQuota, instanceQuota, message, raise)
		default:
			r.ok(checkQuota, instanceQuota, message)
		}
	} else {
		r.add(Unknown, checkQuota, instanceQuota, "AWS does not state the quota", "Look it up in Service Quotas.")
	}
	if q, known := in.Quotas[replicaQuota]; known && in.Observation.Kind == scaling.DBInstance {
		readers := len(in.Observation.PoolInstances(scaling.Readers))
		message := fmt.Sprintf("%d of %d read replicas of %s are used, and the policy may add %d", readers, q.Max,
			in.Policy.Target.Identifier, needed)
		if q.Max-readers < needed {
			r.add(Warning, checkQuota, replicaQuota, message, raise)
		} else {
			r.ok(checkQuota, replicaQuota, message)
		}
	}
}

// readersToAdd returns how many instances the policy may add at most: up to its maximum of readers, and a surge reader.
func readersToAdd(in Input) int {
	o := in.Observation
	if o.ResizedAsUnit {
		return 0
	}
	count := 0
	if in.Policy.Readers != nil {
		count = max(0, in.Policy.Readers.Max-len(o.PoolInstances(scaling.Readers)))
	}
	if o.Kind == scaling.DBCluster || in.Policy.Readers != nil {
		count += in.Policy.Guardrails.SurgeReaders
	}
	return count
}
