package model

// InstanceQuota is the quota of DB instances of an account in a region, and ReplicaQuota that of read replicas of an instance, as
// DescribeAccountAttributes shows them (RDS user guide, "Quotas in Amazon RDS").
const InstanceQuota, ReplicaQuota = maxInstancesPerRegion, maxReplicas
