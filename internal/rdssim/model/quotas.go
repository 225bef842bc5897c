package model

// The quotas of an account in a region, as DescribeAccountAttributes shows them (RDS user guide, "Quotas in Amazon RDS").
const (
	// InstanceQuota is the quota of DB instances.
	InstanceQuota = maxInstancesPerRegion
	// ReplicaQuota is the quota of read replicas of an instance.
	ReplicaQuota = maxReplicas
)
