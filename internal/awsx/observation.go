package awsx

import (
	"cmp"
	"fmt"
	"net"
	"reflect"
	"slices"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// observe returns the observation of a target without samples and metadata.
func (t *topology) observe(target scaling.Target) scaling.Observation {
	if target.Kind == scaling.DBCluster {
		if cluster, found := t.clusters[target.Identifier]; found {
			return t.observeCluster(*cluster)
		}
	} else if instance, found := t.instances[target.Identifier]; found {
		return t.observeInstance(*instance, t.replicas(target.Identifier))
	}
	return scaling.Observation{ObservedAt: t.readAt}
}

func (t *topology) observeCluster(cluster types.DBCluster) scaling.Observation {
	members := t.members(aws.ToString(cluster.DBClusterIdentifier))
	o := scaling.Observation{
		ObservedAt: t.readAt, Found: true, Kind: scaling.DBCluster,
		ARN:                  aws.ToString(cluster.DBClusterArn),
		ResourceID:           aws.ToString(cluster.DbClusterResourceId),
		GlobalCluster:        aws.ToString(cluster.GlobalClusterIdentifier),
		GlobalSecondary:      aws.ToString(cluster.GlobalClusterIdentifier) != "" && isSecondary(cluster),
		Engine:               aws.ToString(cluster.Engine),
		EngineVersion:        aws.ToString(cluster.EngineVersion),
		Status:               aws.ToString(cluster.Status),
		PendingModifications: clusterPendingChanges(cluster),
		Unsupported:          unsupportedClusterReason(cluster, members),
		Serverless:           hasOnlyServerless(members),
		ResizedAsUnit:        isResizedAsUnit(&cluster, members),
		Tags:                 tagMap(cluster.TagList),
		WriterEndpoint:       joinEndpoint(cluster.Endpoint, cluster.Port),
		ReaderEndpoint:       joinEndpoint(cluster.ReaderEndpoint, cluster.Port),
	}
	if o.Serverless && cluster.ServerlessV2ScalingConfiguration != nil {
		o.MinCapacity = aws.ToFloat64(cluster.ServerlessV2ScalingConfiguration.MinCapacity)
	}
	o.Instances = make([]scaling.Instance, 0, len(members))
	for _, member := range members {
		i := newInstance(*member)
		if role, known := memberOf(cluster, i.Identifier); known {
			i.Writer = aws.ToBool(role.IsClusterWriter)
			i.PromotionTier = int(aws.ToInt32(cmp.Or(role.PromotionTier, member.PromotionTier)))
			i.PendingReboot = appendUnappliedGroup(i.PendingReboot, "DB cluster parameter group", cluster.DBClusterParameterGroup,
				role.DBClusterParameterGroupStatus)
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
func (t *topology) observeInstance(db types.DBInstance, replicas []*types.DBInstance) scaling.Observation {
	i := newInstance(db)
	i.Writer = true
	o := scaling.Observation{
		ObservedAt: t.readAt, Found: true, Kind: scaling.DBInstance,
		ARN:           i.ARN,
		ResourceID:    i.ResourceID,
		Engine:        aws.ToString(db.Engine),
		EngineVersion: aws.ToString(db.EngineVersion),
		Status:        i.Status,
		Unsupported:   unsupportedInstanceReason(db, replicas),
		MultiAZ:       aws.ToBool(db.MultiAZ),
		Tags:          i.Tags,
		Instances:     append(make([]scaling.Instance, 0, 1+len(replicas)), i),

		CannotReplicate: replicationObstacle(db), LicenseModel: aws.ToString(db.LicenseModel), WriterEndpoint: i.Endpoint,
	}
	for _, r := range replicas {
		replica := newInstance(*r)
		replica.Replicas = replicasOf(*r)
		o.Instances = append(o.Instances, replica)
	}
	slices.SortFunc(o.Instances, compareWriterFirst)
	return o
}

// newInstance converts an instance of the RDS API. The role of a cluster member is set by observeCluster.
func newInstance(db types.DBInstance) scaling.Instance {
	i := scaling.Instance{
		Identifier:       aws.ToString(db.DBInstanceIdentifier),
		ARN:              aws.ToString(db.DBInstanceArn),
		ResourceID:       aws.ToString(db.DbiResourceId),
		Class:            aws.ToString(db.DBInstanceClass),
		Status:           aws.ToString(db.DBInstanceStatus),
		PromotionTier:    int(aws.ToInt32(db.PromotionTier)),
		AvailabilityZone: aws.ToString(db.AvailabilityZone),
		CreatedAt:        aws.ToTime(db.InstanceCreateTime).UTC(),
		Tags:             tagMap(db.TagList),
	}
	if e := db.Endpoint; e != nil {
		i.Endpoint = joinEndpoint(e.Address, e.Port)
	}
	if !isAurora(aws.ToString(db.Engine)) {
		i.BackupWindow = aws.ToString(db.PreferredBackupWindow)
	}
	if db.PendingModifiedValues != nil {
		i.PendingClass = aws.ToString(db.PendingModifiedValues.DBInstanceClass)
		i.OtherPendingModifications = pendingChanges(*db.PendingModifiedValues, "DBInstanceClass")
	}
	for _, group := range db.DBParameterGroups {
		i.ParameterGroups = append(i.ParameterGroups, aws.ToString(group.DBParameterGroupName))
		i.PendingReboot = appendUnappliedGroup(i.PendingReboot, "DB parameter group", group.DBParameterGroupName, group.ParameterApplyStatus)
	}
	for _, group := range db.OptionGroupMemberships {
		i.PendingReboot = appendUnappliedGroup(i.PendingReboot, "option group", group.OptionGroupName, group.Status)
	}
	return i
}

// joinEndpoint returns address:port, or nothing while the address is not known.
func joinEndpoint(address *string, port *int32) string {
	if aws.ToString(address) == "" {
		return ""
	}
	return net.JoinHostPort(*address, strconv.Itoa(int(aws.ToInt32(port))))
}

// appliedGroupStatuses are the statuses of a parameter group or option group from which a restart applies nothing: a group that is
// pending-database-upgrade waits for an upgrade of the engine (RDS API reference, DBParameterGroupStatus). An absent status says
// nothing: the RDS API does not promise one for the members of every cluster.
var appliedGroupStatuses = []string{"", "in-sync", "pending-database-upgrade"}

// appendUnappliedGroup adds a group whose changes are not in effect. A status that is not known to be harmless counts as such.
func appendUnappliedGroup(list []string, kind string, name, status *string) []string {
	if slices.Contains(appliedGroupStatuses, aws.ToString(status)) {
		return list
	}
	return append(list, fmt.Sprintf("%s %s is %s", kind, aws.ToString(name), aws.ToString(status)))
}

// clusterPendingChanges returns the modifications of a cluster that are pending.
func clusterPendingChanges(cluster types.DBCluster) []string {
	if cluster.PendingModifiedValues == nil {
		return nil
	}
	if isAurora(aws.ToString(cluster.Engine)) {
		return pendingChanges(*cluster.PendingModifiedValues, "AllocatedStorage") // "For Aurora, AllocatedStorage always returns 1"
	}
	return pendingChanges(*cluster.PendingModifiedValues, "")
}

// pendingChanges returns the fields that are set in the pending modifications of an instance or a cluster, except one. It uses
// reflection so that it does not miss fields that a later SDK adds: ApplyImmediately would apply them.
func pendingChanges(pending any, except string) []string {
	var names []string
	for field, v := range reflect.ValueOf(pending).Fields() {
		if field.IsExported() && field.Name != except && !isEmpty(v) {
			names = append(names, field.Name)
		}
	}
	return names
}

// isEmpty reports whether a value of the RDS API says nothing: it is absent, or has no element that says something.
func isEmpty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Pointer:
		return v.IsNil() || v.Elem().Kind() == reflect.Struct && isEmpty(v.Elem())
	case reflect.Slice:
		return v.Len() == 0
	case reflect.Struct:
		opaque := true // such as a time.Time
		for field, value := range v.Fields() {
			if field.IsExported() && !isEmpty(value) {
				return false
			}
			opaque = opaque && !field.IsExported()
		}
		return !opaque
	default:
		return v.IsZero()
	}
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
