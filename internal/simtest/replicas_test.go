package simtest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/rdssim/model"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

// leaveReplicasWithoutClients plans that no client connects to new read replicas of an instance, and to some of the first ones. The engine
// is MySQL: PostgreSQL leaves so little memory free in the model that a smaller class never fits.
func leaveReplicasWithoutClients(r *rand.Rand, d *model.Database) {
	d.Engine, d.EngineVersion = "mysql", "8.0.36"
	d.NewReplicaClientWeight = ptr.To(0.0)
	for n := range d.Replicas[1:] {
		if r.IntN(2) == 0 {
			d.Replicas[n+1].ClientWeight = ptr.To(0.0)
		}
	}
}

// persistentRefusal is a change that AWS refuses until somebody removes the cause.
type persistentRefusal struct {
	database      string
	action        scaling.Action
	instanceClass string
	fault         *model.APIError
}

// refuseChange makes AWS refuse a change of a database for good: by its parameters, or with the same state at each attempt.
func refuseChange(s *simulation) {
	key, all := s.pickDatabase()
	if len(all) == 0 || len(s.refusals) > 0 {
		return
	}
	r := persistentRefusal{
		database: key.Name, action: []scaling.Action{scaling.CreateReader, scaling.ModifyInstanceClass}[s.random.IntN(2)],
		instanceClass: ladder[s.random.IntN(len(ladder))],
	}
	r.fault = &model.APIError{Code: "InvalidParameterCombination", HTTPStatus: 400, Message: fmt.Sprintf(
		"RDS does not support creating a DB instance with the following combination: DBInstanceClass=%s", r.instanceClass)}
	if s.random.IntN(2) == 0 {
		r.fault = &model.APIError{Code: "InvalidDBInstanceState", HTTPStatus: 400, Message: "The instance cannot be changed in its current state."}
	}
	s.logf("AWS refuses %s with %s of %s from now on: %s", r.action, r.instanceClass, r.database, r.fault.Code)
	s.refusals = append(s.refusals, r)
}

// refuse returns the error with which AWS refuses a call, or nil.
func (s *simulation) refuse(target scaling.Target, call scaling.Call) error {
	for _, r := range s.refusals {
		if r.database == target.Identifier && r.action == call.Action && r.instanceClass == call.InstanceClass {
			name := operationName(call.Action)
			if name == "" {
				name = "CreateDBInstance"
			}
			return classifyError(r.fault, name)
		}
	}
	return nil
}

// endRefusals removes the causes of refusals. Somebody edits each policy, which makes the refusals that it remembers void.
func (s *simulation) endRefusals() {
	s.refusals = nil
	for _, key := range s.keys {
		s.voidRefusals(key)
	}
}

// voidRefusals edits a policy that remembers refusals, and says whether it does.
func (s *simulation) voidRefusals(key types.NamespacedName) bool {
	p := s.api.current(key)
	if p == nil || len(p.Status.Refusals) == 0 || !p.DeletionTimestamp.IsZero() {
		return false
	}
	s.api.update(key, func(p *v1alpha1.DBScalingPolicy) {
		if p.Spec.Guardrails.LicenseGrowth == v1alpha1.LicenseGrowthForbid { // no database of a simulation brings a licence
			p.Spec.Guardrails.LicenseGrowth = v1alpha1.LicenseGrowthAllow
		} else {
			p.Spec.Guardrails.LicenseGrowth = v1alpha1.LicenseGrowthForbid
		}
	})
	return true
}

// addCascadedReplica makes a read replica the source of another one, which no policy scales.
func addCascadedReplica(s *simulation) {
	_, i := s.pickInstance()
	if i == nil || i.ReplicationSource == "" || len(i.Replicas) > 0 {
		return
	}
	name := fmt.Sprintf("%s-copy", i.Identifier)
	if err := s.world.SetAutomatedBackups(region, i.Identifier, true); err != nil {
		return
	}
	if _, err := s.world.CreateReplica(region, model.CreateReplicaRequest{Identifier: name, Source: i.Identifier, Class: ladder[0]}); err == nil {
		s.logf("somebody adds %s, a replica of the replica %s", name, i.Identifier)
	}
}

// deliveredRefusal is a refusal that reached the operator.
type deliveredRefusal struct {
	database, what string
	generation     int64
	at             time.Time
}

// describeRequest names what a refusal concerns.
func describeRequest(call scaling.Call) string {
	if call.InstanceClass != "" {
		return fmt.Sprintf("%s with %s", call.Action, call.InstanceClass)
	}
	return fmt.Sprintf("%s of %s", call.Action, call.Instance)
}

// recordRefusal records that the operator was told that AWS refuses a call for good.
func (ic *invariantChecker) recordRefusal(name string, call scaling.Call, p *v1alpha1.DBScalingPolicy, err error) {
	if p == nil || !errors.Is(err, scaling.ErrInvalid) {
		return
	}
	ic.refusals = append(ic.refusals, deliveredRefusal{name, describeRequest(call), p.Generation, ic.sim.now})
}

// checkNotRefused requires that a change that AWS refused is not requested again within a day, unless the policy was edited. A crash or
// a failed write may lose the memory of a refusal; what is written in status counts in any case.
func (ic *invariantChecker) checkNotRefused(p *v1alpha1.DBScalingPolicy, call scaling.Call) {
	s := ic.sim
	for _, r := range p.Status.Refusals {
		sameChange := r.Action == v1alpha1.StepAction(call.Action) && (r.Pool == p.Status.Operation.Pool || call.Action == scaling.CreateReader) &&
			(r.InstanceClass == "" || r.InstanceClass == call.InstanceClass) && (r.Instance == "" || r.Instance == call.Instance)
		if sameChange && r.Generation == p.Generation && s.now.Add(6*time.Minute).Before(r.ExpiryTime.Time) {
			s.violationf("%s is requested, and AWS has refused it: %s", describeRequest(call), r.Message)
		}
	}
	limit := 1
	if f := s.plan.faultRates; f.crash+f.apiFails+f.apiAnswerLost+f.slow > 0 || f.maxCacheLag > time.Second || s.hasChaosEvents() {
		limit = 4
	}
	count := 0
	for _, r := range ic.refusals {
		if r.database == p.Name && r.what == describeRequest(call) && r.generation == p.Generation && s.now.Sub(r.at) < 24*time.Hour {
			count++
		}
	}
	if count >= limit {
		s.violationf("%s of %s is requested after AWS has refused it %d times within a day", describeRequest(call), p.Name, count)
	}
}

// clientVCPUs returns the vCPUs of the read replicas in service to which clients are connected.
func (ic *invariantChecker) clientVCPUs(name string) float64 {
	total := 0.0
	for _, i := range ic.sim.world.Instances(region) {
		if truth, _ := ic.sim.world.GroundTruth(region, i.Identifier); databaseOf(i) == name && !truth.IsWriter && truth.InService && truth.HasClients {
			total += truth.VCPUs
		}
	}
	return total
}

// clientReaders returns how many readers have clients once an operation has reached its shape. Those without clients are removed first,
// as far as the operator created them.
func (ic *invariantChecker) clientReaders(name string, to scaling.Shape) int {
	readers, withClients, removable := 0, 0, 0
	for _, i := range ic.sim.world.Instances(region) {
		truth, _ := ic.sim.world.GroundTruth(region, i.Identifier)
		switch {
		case databaseOf(i) != name || truth.IsWriter || ic.sim.createFailed(i):
			continue
		case truth.HasClients:
			withClients++
		case i.Tags[scaling.TagCreatedBy] == scaling.TagCreatedByValue && len(i.Replicas) == 0:
			removable++
		}
		readers++
	}
	return withClients - max(0, readers-to.Count-removable)
}

// checkClientCapacity requires that a pool does not shrink because of replicas that no client uses: those with clients must carry the
// demand of the window alone.
func (ic *invariantChecker) checkClientCapacity(t *trackedOperation, demand float64) bool {
	i, err := ic.sim.world.Instance(region, t.name)
	if t.operation.Pool != scaling.Readers || err != nil || i.Cluster != "" || ic.clientVCPUs(t.name) == 0 {
		return true
	}
	capacity := float64(ic.clientReaders(t.name, t.operation.To)) * vcpus(t.operation.To.InstanceClass)
	return demand <= 0.8*capacity
}

// cannotReplicate returns why AWS creates no read replica of an instance, as package awsx does.
func cannotReplicate(i *model.Instance) string {
	if i.Settings.NoAutomatedBackups {
		return "its automated backups are off"
	}
	return ""
}

// hasCascade reports whether other replicas replicate from a replica.
func hasCascade(i *model.Instance) bool { return i.ReplicationSource != "" && len(i.Replicas) > 0 }
