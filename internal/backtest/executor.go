package backtest

import (
	"errors"

	"github.com/dbscaler/dbscaler/internal/rdssim/model"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

// execute carries out one call on the simulated world. It returns true if the call failed permanently. A call that fails because the
// instance or the cluster is busy is repeated at a later reconcile.
func (e *engine) execute(call scaling.Call) (refused bool) {
	e.observer.topologyChanged = true
	region, id := e.policy.Target.Scope.Region, e.policy.Target.Identifier
	var err error
	switch call.Action {
	case scaling.ModifyInstanceClass:
		request := model.ModifyInstanceRequest{Class: &call.InstanceClass, ApplyImmediately: true}
		_, err = e.world.ModifyInstance(region, call.Instance, request)
	case scaling.ModifyPromotionTier:
		request := model.ModifyInstanceRequest{PromotionTier: &call.PromotionTier, ApplyImmediately: true}
		_, err = e.world.ModifyInstance(region, call.Instance, request)
	case scaling.CreateReader:
		err = createReader(e.world, region, id, call.Instance, call.InstanceClass, call.PromotionTier, call.Tags)
	case scaling.DeleteReader:
		_, err = e.world.DeleteInstance(region, call.Instance, true, "")
	case scaling.Failover:
		_, err = e.world.FailoverCluster(region, id, call.Instance)
	case scaling.ModifyClusterClass, scaling.ModifyCapacity, scaling.ModifyMinCapacity:
		return true // no setup that can be simulated needs them
	}
	var fault *model.APIError
	busy := errors.As(err, &fault) && (fault.Code == "InvalidDBInstanceState" || fault.Code == "InvalidDBClusterStateFault")
	return err != nil && !busy
}

// createReader creates a reader with the settings of the writer, as the operator's AWS client does.
func createReader(world *model.World, region, cluster, name, class string, tier int, tags map[string]string) error {
	members, err := world.Cluster(region, cluster)
	if err != nil {
		return err
	}
	writer, err := world.Instance(region, members.Writer)
	if err != nil {
		return err
	}
	allTags := map[string]string{scaling.TagOptIn: scaling.OptInAny}
	for key, value := range tags {
		allTags[key] = value
	}
	_, err = world.CreateInstance(region, model.CreateInstanceRequest{
		Identifier: name, Cluster: cluster, Engine: members.Engine, Class: class, PromotionTier: &tier, ParameterGroup: writer.ParameterGroup,
		PerformanceInsights: writer.PerformanceInsights, MonitoringInterval: writer.MonitoringInterval, CACertificate: writer.CACertificate,
		MaintenanceWindow: writer.MaintenanceWindow, Tags: allTags,
	})
	return err
}
