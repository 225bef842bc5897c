package rdssim

import (
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/dbscaler/dbscaler/internal/rdssim/model"
)

// toAPIError turns the world's error into an answer.
func toAPIError(err error) *model.APIError {
	var f *model.APIError
	if err == nil {
		return nil
	}
	if errors.As(err, &f) {
		return f
	}
	return &model.APIError{Code: "InternalFailure", Message: err.Error(), HTTPStatus: http.StatusInternalServerError}
}

func (s *Server) modifyInstance(r *request) (any, *model.APIError) {
	f := r.form
	i, failed := s.findInstance(r, f.Get("DBInstanceIdentifier"))
	if failed != nil {
		return nil, failed
	}
	if denied := s.authorize(r, "rds:ModifyDBInstance", i.ARN(), tagConditions(i.Tags, nil)); denied != nil {
		return nil, denied
	}
	tier, failed := f.optionalInt("PromotionTier")
	if failed != nil {
		return nil, failed
	}
	change := model.ModifyInstanceRequest{
		Class: f.optionalString("DBInstanceClass"), PromotionTier: tier, EngineVersion: f.optionalString("EngineVersion"),
		CACertificate: f.optionalString("CACertificateIdentifier"), ApplyImmediately: f.isTrue("ApplyImmediately"),
	}
	if f.Has("MultiAZ") {
		multi := f.isTrue("MultiAZ")
		change.MultiAZ = &multi
	}
	changed, err := s.options.World.ModifyInstance(r.caller.region, i.Identifier, change)
	if err != nil {
		return nil, toAPIError(err)
	}
	return &modifyDBInstanceResult{DBInstance: newInstanceElement(changed)}, nil
}

// modifyCluster changes the class of a Multi-AZ DB cluster, at once. The class of an Aurora cluster is that of its instances.
func (s *Server) modifyCluster(r *request) (any, *model.APIError) {
	c, failed := s.findCluster(r, r.form.Get("DBClusterIdentifier"))
	if failed != nil {
		return nil, failed
	}
	if denied := s.authorize(r, "rds:ModifyDBCluster", c.ARN(), tagConditions(c.Tags, nil)); denied != nil {
		return nil, denied
	}
	if r.form.Has("ServerlessV2ScalingConfiguration.MaxCapacity") {
		return s.modifyCapacity(r, c)
	}
	if !r.form.Has("DBClusterInstanceClass") || !r.form.isTrue("ApplyImmediately") {
		return nil, &model.APIError{Code: "InvalidParameterCombination", HTTPStatus: http.StatusBadRequest,
			Message: "The simulator changes only the DBClusterInstanceClass of a cluster, with ApplyImmediately, or its Serverless v2 capacity."}
	}
	changed, err := s.options.World.ModifyClusterClass(r.caller.region, c.Identifier, r.form.Get("DBClusterInstanceClass"))
	if err != nil {
		return nil, toAPIError(err)
	}
	return &modifyDBClusterResult{DBCluster: s.newClusterElement(r, changed)}, nil
}

// modifyCapacity changes the capacity range of Serverless v2. What is left out stays as it is.
func (s *Server) modifyCapacity(r *request, c *model.Cluster) (any, *model.APIError) {
	capacity := model.ServerlessCapacity{}
	if c.Capacity != nil {
		capacity = *c.Capacity
	}
	for name, value := range map[string]*float64{"MinCapacity": &capacity.Min, "MaxCapacity": &capacity.Max} {
		text := r.form.Get("ServerlessV2ScalingConfiguration." + name)
		if text == "" {
			continue
		}
		number, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return nil, &model.APIError{Code: "InvalidParameterValue", Message: name + " is no number.", HTTPStatus: http.StatusBadRequest}
		}
		*value = number
	}
	changed, err := s.options.World.ModifyServerlessCapacity(r.caller.region, c.Identifier, capacity)
	if err != nil {
		return nil, toAPIError(err)
	}
	return &modifyDBClusterResult{DBCluster: s.newClusterElement(r, changed)}, nil
}

// createInstance makes readers of clusters, which is all that the world can found after its start.
func (s *Server) createInstance(r *request) (any, *model.APIError) {
	f := r.form
	if !f.Has("DBClusterIdentifier") {
		return nil, &model.APIError{Code: "InvalidParameterCombination", HTTPStatus: http.StatusBadRequest,
			Message: "The simulator creates only instances of DB clusters: name one with DBClusterIdentifier."}
	}
	c, failed := s.findCluster(r, f.Get("DBClusterIdentifier"))
	if failed != nil {
		return nil, failed
	}
	if denied := s.authorizeCreate(r, c); denied != nil {
		return nil, denied
	}
	tier, failed := f.optionalInt("PromotionTier")
	if failed != nil {
		return nil, failed
	}
	interval, failed := f.optionalInt("MonitoringInterval")
	if failed != nil {
		return nil, failed
	}
	create := model.CreateInstanceRequest{
		Identifier: f.Get("DBInstanceIdentifier"), Cluster: c.Identifier, Engine: f.Get("Engine"), Class: f.Get("DBInstanceClass"),
		PromotionTier: tier, AvailabilityZone: f.Get("AvailabilityZone"), ParameterGroup: f.Get("DBParameterGroupName"),
		PerformanceInsights: f.isTrue("EnablePerformanceInsights"), CACertificate: f.Get("CACertificateIdentifier"),
		MaintenanceWindow: f.Get("PreferredMaintenanceWindow"), Tags: f.tags(),
	}
	if interval != nil {
		create.MonitoringInterval = *interval
	}
	if create.MonitoringInterval > 0 && !f.Has("MonitoringRoleArn") {
		return nil, &model.APIError{Code: "InvalidParameterCombination", HTTPStatus: http.StatusBadRequest,
			Message: "A MonitoringRoleARN value is required if you specify a MonitoringInterval value other than 0."}
	}
	created, err := s.options.World.CreateInstance(r.caller.region, create)
	if err != nil {
		return nil, toAPIError(err)
	}
	return &createDBInstanceResult{DBInstance: newInstanceElement(created)}, nil
}

// authorizeCreate asks for everything that CreateDBInstance has to do with.
func (s *Server) authorizeCreate(r *request, c *model.Cluster) *model.APIError {
	created := model.Instance{Identifier: r.form.Get("DBInstanceIdentifier"), Region: c.Region, AccountID: c.AccountID}
	return s.authorizeCreateFrom(r, "rds:CreateDBInstance", created, c.ARN(), c.Tags, c.DBSubnetGroup)
}

// authorizeCreateFrom asks for everything that the making of an instance from a cluster, or from another instance, has to do with, one
// resource at a time, as AWS does (Service Authorization Reference, Amazon RDS). What is being created counts as carrying the tags
// that it is created with (IAM user guide, aws:ResourceTag). Option groups are left out: the simulator has none.
func (s *Server) authorizeCreateFrom(
	r *request, action string, created model.Instance, sourceARN string, sourceTags map[string]string, subnetGroup string,
) *model.APIError {
	tags := r.form.tags()
	arn := func(kind, name string) string {
		return "arn:aws:rds:" + created.Region + ":" + created.AccountID + ":" + kind + ":" + name
	}
	type check struct {
		action, resource string
		values           conditionValues
	}
	checks := []check{
		{action, created.ARN(), tagConditions(tags, tags)},
		{action, sourceARN, tagConditions(sourceTags, tags)},
		{action, arn("subgrp", subnetGroup), tagConditions(nil, tags)},
	}
	if group := r.form.Get("DBParameterGroupName"); group != "" {
		checks = append(checks, check{action, arn("pg", group), tagConditions(nil, tags)})
	}
	if len(tags) > 0 {
		checks = append(checks, check{"rds:AddTagsToResource", created.ARN(), tagConditions(tags, tags)})
	}
	if role := r.form.Get("MonitoringRoleArn"); role != "" {
		checks = append(checks, check{"iam:PassRole", role, conditionValues{passedToServiceKey: "monitoring.rds.amazonaws.com"}})
	}
	for _, c := range checks {
		if denied := s.authorize(r, c.action, c.resource, c.values); denied != nil {
			return denied
		}
	}
	return nil
}

// createReplica makes a read replica of a plain instance.
func (s *Server) createReplica(r *request) (any, *model.APIError) {
	f := r.form
	source, failed := s.findInstance(r, f.Get("SourceDBInstanceIdentifier"))
	if failed != nil {
		return nil, failed
	}
	created := model.Instance{Identifier: f.Get("DBInstanceIdentifier"), Region: source.Region, AccountID: source.AccountID}
	if denied := s.authorizeCreateFrom(r, "rds:CreateDBInstanceReadReplica", created, source.ARN(), source.Tags, source.DBSubnetGroup); denied != nil {
		return nil, denied
	}
	interval, failed := f.optionalInt("MonitoringInterval")
	if failed != nil {
		return nil, failed
	}
	create := model.CreateReplicaRequest{
		Identifier: created.Identifier, Source: source.Identifier, Class: f.Get("DBInstanceClass"), AvailabilityZone: f.Get("AvailabilityZone"),
		ParameterGroup: f.Get("DBParameterGroupName"), PerformanceInsights: f.isTrue("EnablePerformanceInsights"),
		CACertificate: f.Get("CACertificateIdentifier"), Tags: f.tags(),
	}
	if interval != nil {
		create.MonitoringInterval = *interval
	}
	replica, err := s.options.World.CreateReplica(r.caller.region, create)
	if err != nil {
		return nil, toAPIError(err)
	}
	return &createDBInstanceReadReplicaResult{DBInstance: newInstanceElement(replica)}, nil
}

func (s *Server) deleteInstance(r *request) (any, *model.APIError) {
	i, failed := s.findInstance(r, r.form.Get("DBInstanceIdentifier"))
	if failed != nil {
		return nil, failed
	}
	if denied := s.authorize(r, "rds:DeleteDBInstance", i.ARN(), tagConditions(i.Tags, nil)); denied != nil {
		return nil, denied
	}
	deleted, err := s.options.World.DeleteInstance(r.caller.region, i.Identifier,
		r.form.isTrue("SkipFinalSnapshot"), r.form.Get("FinalDBSnapshotIdentifier"))
	if err != nil {
		return nil, toAPIError(err)
	}
	return &deleteDBInstanceResult{DBInstance: newInstanceElement(deleted)}, nil
}

func (s *Server) failoverCluster(r *request) (any, *model.APIError) {
	c, failed := s.findCluster(r, r.form.Get("DBClusterIdentifier"))
	if failed != nil {
		return nil, failed
	}
	if denied := s.authorize(r, "rds:FailoverDBCluster", c.ARN(), tagConditions(c.Tags, nil)); denied != nil {
		return nil, denied
	}
	target := r.form.Get("TargetDBInstanceIdentifier")
	if i, failed := s.findInstance(r, target); failed == nil {
		if denied := s.authorize(r, "rds:FailoverDBCluster", i.ARN(), tagConditions(i.Tags, nil)); denied != nil {
			return nil, denied
		}
	}
	changed, err := s.options.World.FailoverCluster(r.caller.region, c.Identifier, target)
	if err != nil {
		return nil, toAPIError(err)
	}
	return &failoverDBClusterResult{DBCluster: s.newClusterElement(r, changed)}, nil
}

func (s *Server) rebootInstance(r *request) (any, *model.APIError) {
	i, failed := s.findInstance(r, r.form.Get("DBInstanceIdentifier"))
	if failed != nil {
		return nil, failed
	}
	if denied := s.authorize(r, "rds:RebootDBInstance", i.ARN(), tagConditions(i.Tags, nil)); denied != nil {
		return nil, denied
	}
	changed, err := s.options.World.RebootInstance(r.caller.region, i.Identifier, r.form.isTrue("ForceFailover"))
	if err != nil {
		return nil, toAPIError(err)
	}
	return &rebootDBInstanceResult{DBInstance: newInstanceElement(changed)}, nil
}

// findTags finds the tags of one of the caller's resources.
func (s *Server) findTags(r *request) (arn string, tags map[string]string, failed *model.APIError) {
	arn = r.form.Get("ResourceName")
	parts := strings.Split(arn, ":")
	if len(parts) != 7 || parts[3] != r.caller.region || parts[4] != r.caller.account {
		return arn, nil, &model.APIError{Code: "InvalidParameterValue", Message: "Invalid resource name: " + arn, HTTPStatus: http.StatusBadRequest}
	}
	tags, err := s.options.World.Tags(arn)
	return arn, tags, toAPIError(err)
}

func (s *Server) listTags(r *request) (any, *model.APIError) {
	arn, tags, failed := s.findTags(r)
	if failed != nil {
		return nil, failed
	}
	if denied := s.authorize(r, "rds:ListTagsForResource", arn, tagConditions(tags, nil)); denied != nil {
		return nil, denied
	}
	return &listTagsResult{TagList: newTagElements(tags)}, nil
}

func (s *Server) addTags(r *request) (any, *model.APIError) {
	arn, tags, failed := s.findTags(r)
	if failed != nil {
		return nil, failed
	}
	if denied := s.authorize(r, "rds:AddTagsToResource", arn, tagConditions(tags, r.form.tags())); denied != nil {
		return nil, denied
	}
	return &emptyResult{}, toAPIError(s.options.World.AddTags(arn, r.form.tags()))
}

func (s *Server) removeTags(r *request) (any, *model.APIError) {
	arn, tags, failed := s.findTags(r)
	if failed != nil {
		return nil, failed
	}
	if denied := s.authorize(r, "rds:RemoveTagsFromResource", arn, tagConditions(tags, nil)); denied != nil {
		return nil, denied
	}
	return &emptyResult{}, toAPIError(s.options.World.RemoveTags(arn, r.form.list("TagKeys.member")))
}
