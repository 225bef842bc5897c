package model

import (
	"fmt"
	"slices"
	"time"
)

const deleteLeast, deleteMost = 2 * time.Minute, 4 * time.Minute

// DeleteInstance is DeleteDBInstance. An instance that is being created or modified can be deleted as well. The error is a
// *Fault.
func (w *World) DeleteInstance(region, id string, skipFinalSnapshot bool, finalSnapshot string) (*Instance, error) {
	s, err := w.member(region, id)
	if err != nil {
		return nil, err
	}
	switch {
	case s.group.cluster != nil && s.group.cluster.InstanceClass != "":
		return nil, invalidCombination("The specified DB instance is a member of a Multi-AZ DB cluster. Delete the DB cluster instead.")
	case s.Cluster != "" && finalSnapshot != "":
		return nil, invalidCombination("FinalDBSnapshotIdentifier can not be specified when deleting a cluster instance")
	case s.Source != "" && finalSnapshot != "":
		return nil, invalidCombination("FinalDBSnapshotIdentifier can not be specified when deleting a replica instance")
	case s.Cluster == "" && !skipFinalSnapshot && finalSnapshot == "":
		return nil, invalidCombination("FinalDBSnapshotIdentifier is required unless SkipFinalSnapshot is specified")
	case skipFinalSnapshot && finalSnapshot != "":
		return nil, invalidCombination("FinalDBSnapshotIdentifier can not be specified together with SkipFinalSnapshot")
	case s.DeletionProtection:
		return nil, invalidCombination("Cannot delete protected DB Instance, please disable deletion protection and try again.")
	case s.gone:
		return nil, &Fault{"InvalidDBInstanceState", fmt.Sprintf("Instance %s is already being deleted.", id), 400}
	}
	s.Status, s.gone, s.Pending = "deleting", true, Pending{}
	s.stop()
	if s.Cluster != "" && s.writer() {
		w.succeed(s.group)
	}
	w.after(w.between(deleteLeast, deleteMost), func() { w.remove(s) })
	return s.copy(), nil
}

func (w *World) remove(s *server) {
	delete(w.members, s.Region+"/"+s.Identifier)
	w.retired = append(w.retired, s)
	s.group.servers = slices.DeleteFunc(s.group.servers, func(other *server) bool { return other == s })
	if c := s.group.cluster; c != nil {
		c.Members = slices.DeleteFunc(c.Members, func(id string) bool { return id == s.Identifier })
		if c.Writer == s.Identifier {
			c.Writer = ""
			w.succeed(s.group)
		}
	}
	w.tell(s, "deletion", "DB instance deleted")
}
