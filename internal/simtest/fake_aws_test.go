package simtest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	rdstypes "github.com/aws/aws-sdk-go-v2/service/rds/types"
	"github.com/aws/smithy-go"
	"k8s.io/apimachinery/pkg/types"

	"github.com/dbscaler/dbscaler/internal/awsx"
	"github.com/dbscaler/dbscaler/internal/rdssim/model"
	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/catalog"
)

// snapshotAge is the maximum age of a snapshot, as in package awsx.
const snapshotAge = 55 * time.Second

// requestTimeout is the timeout of a request, as in package awsx.
const requestTimeout = 30 * time.Second

// snapshot is the last observation of a target by a manager.
type snapshot struct {
	observation scaling.Observation
	err         error
	readAt      time.Time
}

// Track implements scaling.Observer: each target is read by itself.
func (m *manager) Track([]scaling.TrackedTarget) {}

// Observe implements scaling.Observer with the model.
func (m *manager) Observe(_ context.Context, targets []scaling.Target, notBefore time.Time) []scaling.ObservationResult {
	out := make([]scaling.ObservationResult, len(targets))
	for n, target := range targets {
		notBefore = notBefore.Add(-m.sim.skew)
		if oldest := m.sim.now.Add(-snapshotAge); notBefore.Before(oldest) {
			notBefore = oldest
		}
		last, ok := m.snapshots[target]
		if !ok || last.readAt.Before(notBefore) || last.err != nil {
			last = m.readTarget(target)
			m.snapshots[target] = last
		}
		out[n] = scaling.ObservationResult{Observation: last.observation, Err: last.err}
	}
	return out
}

// readTarget reads a target from the model.
func (m *manager) readTarget(target scaling.Target) snapshot {
	s := m.sim
	if s.readsFail(s.now) || s.chance(s.plan.faultRates.throttled) {
		return snapshot{err: fmt.Errorf("%w: simulated", scaling.ErrThrottled), readAt: s.now}
	}
	return snapshot{observation: s.observe(target), readAt: s.now}
}

// observe returns the observation of a target as AWS shows it.
func (s *simulation) observe(target scaling.Target) scaling.Observation {
	o := scaling.Observation{ObservedAt: s.now.Add(s.skew), Orderable: s.orderable[target.Identifier]}
	s.observeTopology(&o, target.Identifier)
	if target.Kind == scaling.DBCluster {
		c, err := s.world.Cluster(region, target.Identifier)
		if err != nil {
			return o
		}
		o.Found, o.ARN, o.Engine, o.EngineVersion, o.Status, o.Tags = true, c.ARN(), c.Engine, c.EngineVersion, c.Status, c.Tags
		o.Kind, o.PendingModifications = scaling.DBCluster, pendingModifications(c.PendingChanges)
		o.Serverless = c.Capacity != nil
		if o.Serverless {
			o.MinCapacity = c.Capacity.Min
		}
		o.ResizedAsUnit = c.InstanceClass != "" || o.Serverless
		for _, id := range c.Members {
			if i, err := s.world.Instance(region, id); err == nil {
				member := s.observeInstance(i, id == c.Writer)
				if o.Serverless {
					member.Class = catalog.ServerlessClassName(c.Capacity.Max)
				}
				o.Instances = append(o.Instances, member)
			}
		}
		slices.SortFunc(o.Instances, func(a, b scaling.Instance) int {
			switch {
			case a.Writer == b.Writer:
				return compareIdentifiers(a.Identifier, b.Identifier)
			case a.Writer:
				return -1
			}
			return 1
		})
		return o
	}
	i, err := s.world.Instance(region, target.Identifier)
	if err != nil {
		return o
	}
	o.Found, o.ARN, o.Engine, o.EngineVersion, o.Status, o.Tags = true, i.ARN(), i.Engine, i.EngineVersion, i.Status, i.Tags
	o.MultiAZ, o.Kind, o.CannotReplicate = i.MultiAZ, scaling.DBInstance, cannotReplicate(i)
	o.Instances = []scaling.Instance{s.observeInstance(i, true)}
	for _, id := range i.Replicas {
		if replica, err := s.world.Instance(region, id); err == nil {
			o.Instances = append(o.Instances, s.observeInstance(replica, false))
		}
	}
	slices.SortFunc(o.Instances[1:], func(a, b scaling.Instance) int { return compareIdentifiers(a.Identifier, b.Identifier) })
	return o
}

// pendingModifications returns the names of the pending changes of a cluster.
func pendingModifications(changes model.ClusterPendingChanges) (names []string) {
	for name, pending := range map[string]bool{
		"EngineVersion": changes.EngineVersion != "", "MasterUserPassword": changes.MasterUserPassword != "",
		"BackupRetentionPeriod": changes.BackupRetentionPeriod != 0, "StorageType": changes.StorageType != "",
	} {
		if pending {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// observeInstance returns an instance as AWS shows it.
func (s *simulation) observeInstance(i *model.Instance, writer bool) scaling.Instance {
	out := scaling.Instance{
		Identifier: i.Identifier, ARN: i.ARN(), Class: i.Class, PendingClass: i.PendingChanges.Class, Status: i.Status, Writer: writer,
		ResourceID: i.ResourceID, ParameterGroups: []string{i.ParameterGroup},
		PromotionTier: i.PromotionTier, AvailabilityZone: i.AvailabilityZone, CreatedAt: i.CreateTime(), Tags: i.Tags,
		CPU: s.series(i, "CPUUtilization"), DBLoadCPU: s.series(i, "DBLoadCPU"),
		FreeableMemory: fiveMinuteExtremes(s.series(i, "FreeableMemory"), math.Min), Connections: fiveMinuteExtremes(s.series(i, "DatabaseConnections"), math.Max),
	}
	out.IO = s.observeIO(i)
	if i.Class == "db.serverless" {
		out.UsedCapacity = fiveMinuteExtremes(s.series(i, "ServerlessDatabaseCapacity"), math.Max)
	}
	for metric, unit := range map[string]time.Duration{"AuroraReplicaLag": time.Millisecond, "ReplicaLag": time.Second} {
		if newest, known := s.newestSample(i, metric); known && !writer {
			out.ReplicaLag = &scaling.Lag{MeasuredAt: newest.Time, Value: time.Duration(newest.Value * float64(unit))}
		}
	}
	if hasCascade(i) {
		out.Replicas = i.Replicas
	}
	if isStaged(i) {
		out.PendingReboot = []string{"DB parameter group " + i.ParameterGroup + " is " + i.ParameterStatus}
	}
	if newest, known := s.newestSample(i, "EngineUptime"); known {
		out.RestartedAt = newest.Time.Add(time.Minute - time.Duration(newest.Value*float64(time.Second)))
	}
	return out
}

// metricHistory is the length of the series that is read.
const metricHistory = 75 * time.Minute

// series returns the samples of a metric of an instance from CloudWatch. Samples that were read are kept, as in package awsx.
func (s *simulation) series(i *model.Instance, metric string) scaling.Series {
	key := i.ResourceID + metric
	known, exists := s.knownSeries[key]
	if !exists {
		known.buffer = scaling.NewSeriesBuffer(time.Minute)
	}
	from := s.now.Add(-metricHistory)
	if !known.newest.Time.IsZero() {
		from = known.newest.Time.Add(time.Minute)
	}
	if s.now.Sub(from) < 2*time.Minute {
		return known.buffer.Series() // CloudWatch has published nothing newer
	}
	for _, p := range s.world.MetricSamples(region, map[string]string{"DBInstanceIdentifier": i.Identifier}, metric, from, s.now) {
		if !p.Time.Before(i.CreatedAt.Truncate(time.Minute)) { // an earlier sample is of another instance with this name
			known.newest = scaling.Sample{Time: p.Time, Value: s.corruptSample(metric, p.Time, p.Value)}
			known.buffer.Add(known.newest.Time, known.newest.Value)
		}
	}
	known.buffer.DropBefore(s.now.Add(-2 * metricHistory))
	s.knownSeries[key] = known
	return known.buffer.Series()
}

// newestSample returns the newest sample of a metric of an instance from CloudWatch as it was published; false when there is none.
func (s *simulation) newestSample(i *model.Instance, metric string) (scaling.Sample, bool) {
	s.series(i, metric)
	newest := s.knownSeries[i.ResourceID+metric].newest
	return newest, !newest.Time.IsZero()
}

// fiveMinuteExtremes reduces each five minutes to one sample.
func fiveMinuteExtremes(in scaling.Series, extreme func(a, b float64) float64) scaling.Series {
	out := scaling.NewSeriesBuffer(5 * time.Minute)
	for at, value := range in.All() {
		if other, known := out.Series().ValueAt(at.Truncate(out.Period())); known {
			value = extreme(other, value)
		}
		out.Add(at, value)
	}
	return out.Series()
}

// Execute implements scaling.Executor with the model: the request or its response may be lost, and the process may crash.
func (m *manager) Execute(_ context.Context, target scaling.Target, call scaling.Call) error {
	s := m.sim
	delete(m.snapshots, target)
	sentAt := s.now
	m.injectFaults("before the AWS call")
	if s.now.Sub(sentAt) > requestTimeout {
		s.logf("the request %s %s times out", call.Action, call.Instance)
		return fmt.Errorf("%w: simulated", scaling.ErrUnavailable)
	}
	switch faults := s.plan.faultRates; {
	case s.writesDenied(s.now):
		return fmt.Errorf("%w: simulated", scaling.ErrDenied)
	case s.chance(faults.throttled):
		return fmt.Errorf("%w: simulated", scaling.ErrThrottled)
	case s.chance(faults.requestLost):
		s.logf("the request %s %s is lost", call.Action, call.Instance)
		return fmt.Errorf("%w: simulated", scaling.ErrUnavailable)
	}
	s.checkCall(m, target, call)
	err := s.refuse(target, call)
	if err == nil {
		err = s.execute(target, call)
	}
	s.recordAnswer(target, call, err)
	m.injectFaults("after the AWS call")
	if s.chance(s.plan.faultRates.answerLost) {
		s.logf("the response to %s %s is lost", call.Action, call.Instance)
		return fmt.Errorf("%w: simulated", scaling.ErrUnavailable)
	}
	s.checker.recordRefusal(target.Identifier, call, s.api.current(types.NamespacedName{Namespace: namespace, Name: target.Identifier}), err)
	return err
}

// execute carries out a call. It has none of the checks of package awsx, so that a call that should not have been made takes effect.
func (s *simulation) execute(target scaling.Target, call scaling.Call) error {
	var err error
	switch call.Action {
	case scaling.ModifyInstanceClass:
		_, err = s.world.ModifyInstance(region, call.Instance, model.ModifyInstanceRequest{Class: &call.InstanceClass, ApplyImmediately: true})
	case scaling.ModifyPromotionTier:
		_, err = s.world.ModifyInstance(region, call.Instance, model.ModifyInstanceRequest{PromotionTier: &call.PromotionTier, ApplyImmediately: true})
	case scaling.CreateReader:
		return s.createReader(target, call)
	case scaling.DeleteReader:
		_, err = s.world.DeleteInstance(region, call.Instance, true, "")
	case scaling.ModifyCapacity, scaling.ModifyMinCapacity:
		err = s.modifyCapacity(target, call)
	case scaling.ModifyClusterClass:
		_, err = s.world.ModifyClusterClass(region, target.Identifier, call.InstanceClass)
	case scaling.Failover:
		_, err = s.world.FailoverCluster(region, target.Identifier, call.Instance)
	default:
		err = fmt.Errorf("unknown action %s", call.Action)
	}
	return classifyError(err, operationName(call.Action))
}

// modifyCapacity changes one bound of the capacity range of a Serverless v2 cluster.
func (s *simulation) modifyCapacity(target scaling.Target, call scaling.Call) error {
	c, err := s.world.Cluster(region, target.Identifier)
	if err != nil {
		return err
	}
	acus, _ := catalog.ParseACUs(call.InstanceClass)
	capacity := model.ServerlessCapacity{Min: c.Capacity.Min, Max: acus}
	if call.Action == scaling.ModifyMinCapacity {
		capacity = model.ServerlessCapacity{Min: acus, Max: c.Capacity.Max}
	}
	_, err = s.world.ModifyServerlessCapacity(region, target.Identifier, capacity, true)
	return err
}

// operationName is the RDS operation that carries out an action.
func operationName(action scaling.Action) string {
	switch action {
	case scaling.ModifyInstanceClass, scaling.ModifyPromotionTier:
		return "ModifyDBInstance"
	case scaling.DeleteReader:
		return "DeleteDBInstance"
	case scaling.Failover:
		return "FailoverDBCluster"
	case scaling.ModifyClusterClass, scaling.ModifyCapacity, scaling.ModifyMinCapacity:
		return "ModifyDBCluster"
	case scaling.CreateReader: // createReader knows which of two operations it is
	}
	return ""
}

// createReader creates a reader in an availability zone that was not tried yet, with the settings that package awsx requests.
func (s *simulation) createReader(target scaling.Target, call scaling.Call) error {
	tags := map[string]string{scaling.TagOptIn: scaling.OptInAny}
	for k, v := range call.Tags {
		tags[k] = v
	}
	zones := slices.DeleteFunc(model.AvailabilityZones(region), func(z string) bool { return slices.Contains(call.AvoidZones, z) })
	if len(zones) == 0 {
		return &scaling.NoCapacityError{LastZone: true, Err: fmt.Errorf("%w: no availability zone is left", scaling.ErrNoCapacity)}
	}
	tier := call.PromotionTier
	operation := "CreateDBInstance"
	status := s.nextCreateStatus
	s.nextCreateStatus = ""
	if s.chance(s.plan.faultRates.createFails) {
		status = createFailures[s.random.IntN(len(createFailures))]
	}
	if status != "" {
		s.logf("the creation of %s will end in %s", call.Instance, status)
	}
	err := s.world.FailNextCreate(region, target.Identifier, status)
	if err != nil {
		return err
	}
	if target.Kind == scaling.DBInstance {
		operation = "CreateDBInstanceReadReplica"
		var source *model.Instance
		if source, err = s.world.Instance(region, target.Identifier); err != nil {
			return classifyError(err, operation)
		}
		request := awsx.ReplicaRequest(describeInstance(source), call, zones[0])
		if request.DBParameterGroupName != nil {
			s.violationf("the read replica %s is requested with a parameter group, which AWS refuses", call.Instance)
		}
		_, err = s.world.CreateReplica(region, model.CreateReplicaRequest{
			Identifier: call.Instance, Source: target.Identifier, Class: call.InstanceClass, AvailabilityZone: zones[0], Tags: tags,
			ParameterGroup: aws.ToString(request.DBParameterGroupName),
		})
	} else {
		var writer *model.Instance
		if writer, err = s.writerOf(target.Identifier); err != nil {
			return classifyError(err, operation)
		}
		request := awsx.ReaderRequest(describeInstance(writer), rdstypes.DBCluster{}, call, zones[0])
		_, err = s.world.CreateInstance(region, model.CreateInstanceRequest{
			Identifier: call.Instance, Cluster: target.Identifier, Engine: "aurora-postgresql", Class: call.InstanceClass, PromotionTier: &tier,
			AvailabilityZone: zones[0], Tags: tags, PerformanceInsights: true, ParameterGroup: aws.ToString(request.DBParameterGroupName),
		})
	}
	if err = classifyError(err, operation); errors.Is(err, scaling.ErrNoCapacity) {
		return &scaling.NoCapacityError{Zone: zones[0], LastZone: len(zones) == 1, Err: err}
	}
	return err
}

// classifyError converts an error of the model as package awsx does.
func classifyError(err error, operation string) error {
	var fault *model.APIError
	if errors.As(err, &fault) {
		return awsx.Classify(&smithy.OperationError{
			ServiceID: "RDS", OperationName: operation, Err: &smithy.GenericAPIError{Code: fault.Code, Message: fault.Message},
		})
	}
	return err
}

func vcpus(class string) float64 {
	c, err := catalog.Lookup(class)
	if err != nil {
		return 0
	}
	return c.VCPU
}
