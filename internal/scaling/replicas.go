package scaling

import (
	"strings"
	"time"
)

const (
	// MaxSlowSampleAge is the age up to which samples of memory and connections are used: they are read every twelve minutes.
	MaxSlowSampleAge = 20 * time.Minute
	// slowSamplePeriod is the period of these samples, and minSlowCoverage the share of them that must be there.
	slowSamplePeriod = 5 * time.Minute
	minSlowCoverage  = 0.8
	// licenseBringYourOwn is the LicenseModel of a database whose licence the customer brings (RDS API reference, DBInstance).
	licenseBringYourOwn = "bring-your-own-license"
)

// ReplicasWithoutClients lists the read replicas of a DB instance to which no client was connected: every sample of
// DatabaseConnections over the window, or since the replica was created, is known and zero. Read replicas have no common
// endpoint: each has an address of its own, which clients must be told (RDS user guide, "Working with DB instance read replicas").
// Such a replica carries no load, so that it is no capacity. The metric does not count the connections of RDS itself (RDS user
// guide, "Amazon CloudWatch instance-level metrics for Amazon RDS").
//
// It is empty for a cluster, whose reader endpoint distributes the clients, and when no replica has clients: then none carries load.
func (o *Observation) ReplicasWithoutClients(window time.Duration, now time.Time) []string {
	if o.Kind != DBInstance {
		return nil
	}
	var names []string
	readers := o.PoolInstances(Readers)
	for _, r := range readers {
		if r.hasNoClients(now.Add(-max(window, MaxSlowSampleAge)), now) {
			names = append(names, r.Identifier)
		}
	}
	if len(names) == len(readers) {
		return nil
	}
	return names
}

// hasNoClients reports whether the number of connections is known from a time to now and always zero.
func (i Instance) hasNoClients(from, now time.Time) bool {
	if i.CreatedAt.After(from) {
		from = i.CreatedAt
	}
	counts := i.Connections.From(from)
	for _, count := range counts.All() {
		if count != 0 {
			return false
		}
	}
	expected := float64((now.Sub(from) - MaxSlowSampleAge) / slowSamplePeriod)
	newest, known := counts.NewestSample()
	return known && now.Sub(newest.Time) <= MaxSlowSampleAge && float64(counts.Count()) >= minSlowCoverage*expected
}

// Endpoint is the address:port of a pool: of the cluster, or of the DB instance. It is empty for the read replicas of a DB instance.
func (o Observation) Endpoint(p Pool) string {
	if p == Writer {
		return o.WriterEndpoint
	}
	return o.ReaderEndpoint
}

// HasReplicas reports whether other databases replicate from the instance, for example the replicas of a read replica.
func (i *Instance) HasReplicas() bool { return len(i.Replicas) > 0 }

// CanBeRemoved reports whether dbscaler may delete a reader: it created it, and nothing replicates from it.
func (i *Instance) CanBeRemoved() bool { return !i.Writer && i.CreatedByOperator() && !i.HasReplicas() }

// SuspendsSource reports whether an action suspends the I/O of the source instance for a time: a read replica is made from a
// snapshot of the source, which only a Multi-AZ source takes from its standby. The guides state "about one second" for a replica
// and "a few seconds to a few minutes" for a snapshot, and name SQL Server as the engine that suspends I/O with Multi-AZ, too (RDS
// user guide, "Creating a read replica" and "Creating a DB snapshot").
func (o Observation) SuspendsSource(action Action) bool {
	return action == CreateReader && o.Kind == DBInstance && (!o.MultiAZ || strings.HasPrefix(o.Engine, "sqlserver"))
}

// BringsLicense reports whether the customer brings the licence of the database engine, so that more vCPUs need more licences.
func (o Observation) BringsLicense() bool { return o.LicenseModel == licenseBringYourOwn }

// OrderableGap is what AWS does not offer of a class that it offers for the engine and version.
type OrderableGap struct {
	// Zones are the availability zones of the database in which the class is not offered.
	Zones []string
	// Features are the features of the database, or the settings, that the class does not support, for example Performance Insights.
	// A class with any is not in Observation.Orderable.
	Features []string
}
