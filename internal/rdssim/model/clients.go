package model

import (
	"fmt"
	"slices"
)

// SetClientWeight sets the number of clients of a read replica relative to the other replicas; with 0 none connects to it. Read replicas
// of a standalone instance have no reader endpoint, so that clients choose a replica by its address. The weight of a new replica is 1,
// or the newReplicaClientWeight of its database.
func (w *World) SetClientWeight(region, id string, weight float64) error {
	s, err := w.findInstance(region, id)
	switch {
	case err != nil:
		return err
	case s.ReplicationSource == "" || !isValidWeight(weight):
		return fmt.Errorf("client weight %g of %s: want a number that is not negative, of a read replica", weight, id)
	}
	s.clientWeight = weight
	return nil
}

// SetAutomatedBackups turns the automated backups of a standalone instance or of a read replica on or off. A replica can be the source of
// other replicas only with them (RDS user guide, "Creating a read replica").
func (w *World) SetAutomatedBackups(region, id string, on bool) error {
	s, err := w.findInstance(region, id)
	if err != nil {
		return err
	}
	s.Settings.NoAutomatedBackups = !on
	return nil
}

func isValidWeight(weight float64) bool { return weight >= 0 && weight < 1e6 }

// hasClients reports whether clients are connected to an instance in service.
func (p *pool) hasClients() bool {
	return slices.ContainsFunc(p.inService, func(s *instanceState) bool { return s.clientWeight > 0 })
}

// countIdleTick counts a tick in which the instances in service serve nobody.
func (p *pool) countIdleTick() {
	for _, s := range p.inService {
		s.minuteTotals.ticks++
	}
}

// connections is the number of client connections in a minute.
func (p *sample) connections() float64 {
	if p.withoutClients {
		return 0
	}
	return connectionCount(p.activeSessions)
}
