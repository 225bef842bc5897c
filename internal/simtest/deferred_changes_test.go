package simtest

import (
	"slices"
	"time"

	"github.com/dbscaler/dbscaler/internal/rdssim/model"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

// deferredKind is a kind of change that somebody defers. Its name is part of the log.
type deferredKind string

const (
	deferredClusterChange deferredKind = "modification of the cluster"
	stagedParameters      deferredKind = "change of parameters"
)

// deferredChange is a change that somebody has deferred and that only they may apply.
type deferredChange struct {
	kind deferredKind
	// resource is the cluster or instance.
	resource string
}

// deferClusterChange defers a change of a cluster to its maintenance window, which is after the end of the run, or cancels it.
func deferClusterChange(s *simulation) {
	key, _ := s.pickDatabase()
	c, err := s.world.Cluster(region, key.Name)
	if err != nil {
		return
	}
	changes := model.ClusterPendingChanges{}
	if c.PendingChanges == changes {
		changes = []model.ClusterPendingChanges{{EngineVersion: "16.9"}, {MasterUserPassword: "****"}, {BackupRetentionPeriod: 7}}[s.random.IntN(3)]
	}
	if err := s.world.DeferClusterChanges(region, key.Name, changes); err != nil {
		return
	}
	if changes == (model.ClusterPendingChanges{}) {
		s.logf("somebody cancels the deferred changes of %s", key.Name)
		delete(s.checker.deferredSince, deferredChange{deferredClusterChange, key.Name})
		return
	}
	s.logf("somebody defers changes of %s to its maintenance window: %v", key.Name, pendingModifications(changes))
	s.checker.deferredSince[deferredChange{deferredClusterChange, key.Name}] = s.now
}

// stageParameters changes static parameters of an instance or of all members of a cluster, which a restart applies, or reverts them.
func stageParameters(s *simulation) {
	key, i := s.pickInstance()
	if i == nil {
		return
	}
	wasStaged := isStaged(i)
	for _, member := range s.world.Instances(region) {
		if databaseOf(member) != key.Name || member.Identifier != i.Identifier && s.random.IntN(2) == 0 {
			continue
		}
		if wasStaged {
			s.logf("somebody reverts the parameters of %s", member.Identifier)
			s.revertParameters(member)
			continue
		}
		s.logf("somebody changes parameters of %s, which wait for a reboot", member.Identifier)
		if err := s.world.SetParameterStatus(region, member.Identifier, model.ParametersPendingReboot); err != nil {
			s.violationf("changing parameters of %s: %v", member.Identifier, err)
		}
		if !isStaged(member) {
			s.checker.deferredSince[deferredChange{stagedParameters, member.Identifier}] = s.now
		}
	}
}

func isStaged(i *model.Instance) bool { return i.ParameterStatus == model.ParametersPendingReboot }

// revertParameters ends the deferral of the parameters of an instance.
func (s *simulation) revertParameters(i *model.Instance) {
	if err := s.world.SetParameterStatus(region, i.Identifier, model.ParametersInSync); err != nil {
		s.violationf("reverting the parameters of %s: %v", i.Identifier, err)
	}
	delete(s.checker.deferredSince, deferredChange{stagedParameters, i.Identifier})
}

// endDeferredChanges cancels every deferred change.
func (s *simulation) endDeferredChanges() {
	for _, key := range s.keys {
		if c, err := s.world.Cluster(region, key.Name); err == nil && c.PendingChanges != (model.ClusterPendingChanges{}) {
			if err := s.world.DeferClusterChanges(region, key.Name, model.ClusterPendingChanges{}); err != nil {
				s.pendingCancellations = append(s.pendingCancellations, key.Name)
			}
		}
	}
	for _, i := range s.world.Instances(region) {
		if isStaged(i) {
			s.revertParameters(i)
		}
	}
}

// retryCancellations cancels the deferred changes of clusters that were busy when the chaos ended.
func (s *simulation) retryCancellations() {
	s.pendingCancellations = slices.DeleteFunc(s.pendingCancellations, func(name string) bool {
		return s.world.DeferClusterChanges(region, name, model.ClusterPendingChanges{}) == nil
	})
}

// noticeDelay is how long the operator may act on an observation from before a change was deferred: the snapshot may be 55 seconds
// old, and each of the requests that follow may be delayed.
const noticeDelay = 3 * time.Minute

// checkDeferred requires that the operator never applies a change that somebody else has deferred, and that it changes nothing of a
// database while a modification of its cluster is deferred.
func (ic *invariantChecker) checkDeferred(name string, call scaling.Call) {
	s := ic.sim
	isOld := func(kind deferredKind, resource string) bool {
		since, deferred := ic.deferredSince[deferredChange{kind, resource}]
		return deferred && s.now.Sub(since) > noticeDelay
	}
	c, err := s.world.Cluster(region, name)
	if isCluster := err == nil; isCluster && c.PendingChanges != (model.ClusterPendingChanges{}) && isOld(deferredClusterChange, name) {
		if call.Action == scaling.ModifyClusterClass || call.Action == scaling.ModifyCapacity || call.Action == scaling.ModifyMinCapacity {
			s.violationf("%s of %s applies the deferred changes %v", call.Action, name, pendingModifications(c.PendingChanges))
		} else {
			s.violationf("%s of %s is requested while changes of %s are deferred: %v", call.Action, call.Instance, name, pendingModifications(c.PendingChanges))
		}
	}
	for _, i := range s.world.Instances(region) {
		actual, _ := s.world.GroundTruth(region, i.Identifier)
		restarts := call.Action == scaling.ModifyClusterClass || call.Action == scaling.ModifyInstanceClass && i.Identifier == call.Instance ||
			call.Action == scaling.Failover && (actual.IsWriter || i.Identifier == call.Instance)
		if databaseOf(i) == name && restarts && isStaged(i) && isOld(stagedParameters, i.Identifier) {
			s.violationf("%s of %s restarts %s and applies its deferred parameters", call.Action, call.Instance, i.Identifier)
		}
	}
}
