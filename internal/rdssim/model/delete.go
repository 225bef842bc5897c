package model

import (
	"fmt"
	"slices"
	"time"
)

const minDeleteDuration, maxDeleteDuration = 2 * time.Minute, 4 * time.Minute

// DeleteInstance is DeleteDBInstance. It also accepts an instance that is being created or modified. The error is an *APIError.
func (w *World) DeleteInstance(region, id string, skipFinalSnapshot bool, finalSnapshot string) (*Instance, error) {
	s, err := w.findInstance(region, id)
	if err != nil {
		return nil, err
	}
	switch {
	case s.group.cluster != nil && s.group.cluster.InstanceClass != "":
		return nil, invalidCombination("The specified DB instance is a member of a Multi-AZ DB cluster. Delete the DB cluster instead.")
	case s.Cluster != "" && finalSnapshot != "":
		return nil, invalidCombination("FinalDBSnapshotIdentifier can not be specified when deleting a cluster instance")
	case s.ReplicationSource != "" && finalSnapshot != "":
		return nil, invalidCombination("FinalDBSnapshotIdentifier can not be specified when deleting a replica instance")
	case s.Cluster == "" && !skipFinalSnapshot && finalSnapshot == "":
		return nil, invalidCombination("FinalDBSnapshotIdentifier is required unless SkipFinalSnapshot is specified")
	case skipFinalSnapshot && finalSnapshot != "":
		return nil, invalidCombination("FinalDBSnapshotIdentifier can not be specified together with SkipFinalSnapshot")
	case s.DeletionProtection:
		return nil, invalidCombination("Cannot delete protected DB Instance, please disable deletion protection and try again.")
	case s.isDeleting:
		return nil, &APIError{"InvalidDBInstanceState", fmt.Sprintf("Instance %s is already being deleted.", id), 400}
	}
	s.Status, s.isDeleting, s.PendingChanges = statusDeleting, true, PendingChanges{}
	s.beginOutage()
	if s.Cluster != "" && s.isWriter() {
		w.replaceWriter(s.group)
	}
	w.schedule(w.drawDuration(minDeleteDuration, maxDeleteDuration), func() { w.removeInstance(s) })
	return s.copy(), nil
}

// removeInstance removes a deleted instance. Its published metrics remain.
func (w *World) removeInstance(s *instanceState) {
	delete(w.instances, s.Region+"/"+s.Identifier)
	w.forgetListings()
	w.deletedInstances = append(w.deletedInstances, s)
	s.group.instances = slices.DeleteFunc(s.group.instances, func(other *instanceState) bool { return other == s })
	if c := s.group.cluster; c != nil {
		c.Members = slices.DeleteFunc(c.Members, func(id string) bool { return id == s.Identifier })
		if c.Writer == s.Identifier {
			c.Writer = ""
			w.replaceWriter(s.group)
		}
	}
	w.recordInstanceEvent(s, "deletion", "DB instance deleted")
	w.recordTopologyChange(s.group)
	if s.group.cluster == nil {
		w.removeCreatedGroup(s.group)
	}
}
