package awsx

import (
	"cmp"
	"reflect"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// observe returns the observation of a target without samples and metadata.
func (t *topology) observe(target scaling.Target) scaling.Observation {
	if target.Kind == scaling.DBCluster {
		if cluster, found := t.clusters[target.Identifier]; found {
			return t.observeCluster(cluster)
		}
	} else if instance, found := t.instances[target.Identifier]; found {
		return t.observeInstance(instance, t.replicas[target.Identifier])
	}
	return scaling.Observation{ObservedAt: t.readAt}
}

func (t *topology) observeCluster(cluster types.DBCluster) scaling.Observation {
	members := t.members[aws.ToString(cluster.DBClusterIdentifier)]
	o := scaling.Observation{
		ObservedAt: t.readAt, Found: true, Kind: scaling.DBCluster,
		ARN:           aws.ToString(cluster.DBClusterArn),
		Engine:        aws.ToString(cluster.Engine),
		EngineVersion: aws.ToString(cluster.EngineVersion),
		Status:        aws.ToString(cluster.Status),
		Unsupported:   unsupportedClusterReason(cluster, members),
		Serverless:    hasOnlyServerless(members),
		ResizedAsUnit: !isAurora(aws.ToString(cluster.Engine)) || hasOnlyServerless(members),
		Tags:          tagMap(cluster.TagList),
	}
	for _, member := range members {
		i := newInstance(member)
		if role, known := memberOf(cluster, i.Identifier); known {
			i.Writer = aws.ToBool(role.IsClusterWriter)
			i.PromotionTier = int(aws.ToInt32(cmp.Or(role.PromotionTier, member.PromotionTier)))
		}
		if o.Serverless {
			i.Class = maxCapacityClass(cluster)
		}
		o.Instances = append(o.Instances, i)
	}
	slices.SortFunc(o.Instances, compareWriterFirst)
	return o
}

// compareWriterFirst orders instances: the writer first, the others by identifier.
func compareWriterFirst(a, b scaling.Instance) int {
	if a.Writer != b.Writer {
		if a.Writer {
			return -1
		}
		return 1
	}
	return cmp.Compare(a.Identifier, b.Identifier)
}

// observeInstance returns an observation with the instance as the writer and its read replicas as the readers.
func (t *topology) observeInstance(db types.DBInstance, replicas []types.DBInstance) scaling.Observation {
	i := newInstance(db)
	i.Writer = true
	o := scaling.Observation{
		ObservedAt: t.readAt, Found: true, Kind: scaling.DBInstance,
		ARN:           i.ARN,
		Engine:        aws.ToString(db.Engine),
		EngineVersion: aws.ToString(db.EngineVersion),
		Status:        i.Status,
		Unsupported:   unsupportedInstanceReason(db, replicas),
		MultiAZ:       aws.ToBool(db.MultiAZ),
		Tags:          i.Tags,
		Instances:     []scaling.Instance{i},
	}
	for _, r := range replicas {
		o.Instances = append(o.Instances, newInstance(r))
	}
	slices.SortFunc(o.Instances, compareWriterFirst)
	return o
}

// newInstance converts an instance of the RDS API. The role of a cluster member is set by observeCluster.
func newInstance(db types.DBInstance) scaling.Instance {
	i := scaling.Instance{
		Identifier:       aws.ToString(db.DBInstanceIdentifier),
		ARN:              aws.ToString(db.DBInstanceArn),
		Class:            aws.ToString(db.DBInstanceClass),
		Status:           aws.ToString(db.DBInstanceStatus),
		PromotionTier:    int(aws.ToInt32(db.PromotionTier)),
		AvailabilityZone: aws.ToString(db.AvailabilityZone),
		CreatedAt:        aws.ToTime(db.InstanceCreateTime).UTC(),
		Tags:             tagMap(db.TagList),
	}
	if !isAurora(aws.ToString(db.Engine)) {
		i.BackupWindow = aws.ToString(db.PreferredBackupWindow)
	}
	if db.PendingModifiedValues != nil {
		i.PendingClass = aws.ToString(db.PendingModifiedValues.DBInstanceClass)
		i.OtherPendingModifications = otherPendingChanges(*db.PendingModifiedValues)
	}
	return i
}

// otherPendingChanges returns the fields of the pending modifications except the class. It uses reflection so that it does
// not miss fields that a later SDK adds: ApplyImmediately would apply them.
func otherPendingChanges(pending types.PendingModifiedValues) []string {
	var names []string
	value := reflect.ValueOf(pending)
	for field, v := range value.Fields() {
		empty := v.IsZero() || v.Kind() == reflect.Slice && v.Len() == 0
		if field.IsExported() && field.Name != "DBInstanceClass" && !empty {
			names = append(names, field.Name)
		}
	}
	return names
}

// memberOf returns a cluster's entry for one of its members, and whether there is one.
func memberOf(cluster types.DBCluster, instance string) (types.DBClusterMember, bool) {
	n := slices.IndexFunc(cluster.DBClusterMembers, func(m types.DBClusterMember) bool {
		return aws.ToString(m.DBInstanceIdentifier) == instance
	})
	if n < 0 {
		return types.DBClusterMember{}, false
	}
	return cluster.DBClusterMembers[n], true
}

func tagMap(list []types.Tag) map[string]string {
	m := make(map[string]string, len(list))
	for _, t := range list {
		m[aws.ToString(t.Key)] = aws.ToString(t.Value)
	}
	return m
}
