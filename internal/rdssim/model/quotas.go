package model

import "cmp"

// The quotas of an account in a region, as DescribeAccountAttributes shows them (RDS user guide, "Quotas in Amazon RDS").
const (
	// InstanceQuota is the quota of DB instances.
	InstanceQuota = maxInstancesPerRegion
	// ReplicaQuota is the quota of read replicas of an instance.
	ReplicaQuota = maxReplicas
)

// InstanceQuota returns the quota of DB instances of each account in a region.
func (w *World) InstanceQuota() int { return cmp.Or(w.scenario.InstanceQuota, InstanceQuota) }
