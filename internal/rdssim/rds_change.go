package rdssim

import (
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/dbscaler/dbscaler/internal/rdssim/model"
)

// asFault turns the world's error into an answer.
func asFault(err error) *model.Fault {
	var f *model.Fault
	if err == nil {
		return nil
	}
	if errors.As(err, &f) {
		return f
	}
	return &model.Fault{Code: "InternalFailure", Message: err.Error(), HTTPStatus: http.StatusInternalServerError}
}

func (s *Server) modifyInstance(r *request) (any, *model.Fault) {
	f := r.form
	i, failed := s.instance(r, f.Get("DBInstanceIdentifier"))
	if failed != nil {
		return nil, failed
	}
	if denied := s.allow(r, "rds:ModifyDBInstance", i.ARN(), tagged(i.Tags, nil)); denied != nil {
		return nil, denied
	}
	tier, failed := f.number("PromotionTier")
	if failed != nil {
		return nil, failed
	}
	change := model.Modify{
		Class: f.text("DBInstanceClass"), PromotionTier: tier, EngineVersion: f.text("EngineVersion"),
		CACertificate: f.text("CACertificateIdentifier"), ApplyImmediately: f.flag("ApplyImmediately"),
	}
	if f.Has("MultiAZ") {
		multi := f.flag("MultiAZ")
		change.MultiAZ = &multi
	}
	changed, err := s.options.World.ModifyInstance(r.caller.region, i.Identifier, change)
	if err != nil {
		return nil, asFault(err)
	}
	return &modifyDBInstanceResult{DBInstance: instanceXML(changed)}, nil
}

// modifyCluster changes the class of a Multi-AZ DB cluster, at once. The class of an Aurora cluster is that of its instances.
func (s *Server) modifyCluster(r *request) (any, *model.Fault) {
	c, failed := s.cluster(r, r.form.Get("DBClusterIdentifier"))
	if failed != nil {
		return nil, failed
	}
	if denied := s.allow(r, "rds:ModifyDBCluster", c.ARN(), tagged(c.Tags, nil)); denied != nil {
		return nil, denied
	}
	if r.form.Has("ServerlessV2ScalingConfiguration.MaxCapacity") {
		return s.modifyCapacity(r, c)
	}
	if !r.form.Has("DBClusterInstanceClass") || !r.form.flag("ApplyImmediately") {
		return nil, &model.Fault{Code: "InvalidParameterCombination", HTTPStatus: http.StatusBadRequest,
			Message: "The simulator changes only the DBClusterInstanceClass of a cluster, with ApplyImmediately, or its Serverless v2 capacity."}
	}
	changed, err := s.options.World.ModifyCluster(r.caller.region, c.Identifier, r.form.Get("DBClusterInstanceClass"))
	if err != nil {
		return nil, asFault(err)
	}
	return &modifyDBClusterResult{DBCluster: s.clusterXML(r, changed)}, nil
}

// modifyCapacity changes the capacity range of Serverless v2. What is left out stays as it is.
func (s *Server) modifyCapacity(r *request, c *model.Cluster) (any, *model.Fault) {
	to := model.Capacity{}
	if c.Capacity != nil {
		to = *c.Capacity
	}
	for name, value := range map[string]*float64{"MinCapacity": &to.Min, "MaxCapacity": &to.Max} {
		text := r.form.Get("ServerlessV2ScalingConfiguration." + name)
		if text == "" {
			continue
		}
		number, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return nil, &model.Fault{Code: "InvalidParameterValue", Message: name + " is no number.", HTTPStatus: http.StatusBadRequest}
		}
		*value = number
	}
	changed, err := s.options.World.ModifyCapacity(r.caller.region, c.Identifier, to)
	if err != nil {
		return nil, asFault(err)
	}
	return &modifyDBClusterResult{DBCluster: s.clusterXML(r, changed)}, nil
}

// createInstance makes readers of clusters, which is all that the world can found after its start.
func (s *Server) createInstance(r *request) (any, *model.Fault) {
	f := r.form
	if !f.Has("DBClusterIdentifier") {
		return nil, &model.Fault{Code: "InvalidParameterCombination", HTTPStatus: http.StatusBadRequest,
			Message: "The simulator creates only instances of DB clusters: name one with DBClusterIdentifier."}
	}
	c, failed := s.cluster(r, f.Get("DBClusterIdentifier"))
	if failed != nil {
		return nil, failed
	}
	if denied := s.allowCreate(r, c); denied != nil {
		return nil, denied
	}
	tier, failed := f.number("PromotionTier")
	if failed != nil {
		return nil, failed
	}
	interval, failed := f.number("MonitoringInterval")
	if failed != nil {
		return nil, failed
	}
	create := model.Create{
		Identifier: f.Get("DBInstanceIdentifier"), Cluster: c.Identifier, Engine: f.Get("Engine"), Class: f.Get("DBInstanceClass"),
		PromotionTier: tier, AvailabilityZone: f.Get("AvailabilityZone"), ParameterGroup: f.Get("DBParameterGroupName"),
		PerformanceInsights: f.flag("EnablePerformanceInsights"), CACertificate: f.Get("CACertificateIdentifier"),
		MaintenanceWindow: f.Get("PreferredMaintenanceWindow"), Tags: f.tags(),
	}
	if interval != nil {
		create.MonitoringInterval = *interval
	}
	if create.MonitoringInterval > 0 && !f.Has("MonitoringRoleArn") {
		return nil, &model.Fault{Code: "InvalidParameterCombination", HTTPStatus: http.StatusBadRequest,
			Message: "A MonitoringRoleARN value is required if you specify a MonitoringInterval value other than 0."}
	}
	created, err := s.options.World.CreateInstance(r.caller.region, create)
	if err != nil {
		return nil, asFault(err)
	}
	return &createDBInstanceResult{DBInstance: instanceXML(created)}, nil
}

// allowCreate asks for everything that CreateDBInstance has to do with.
func (s *Server) allowCreate(r *request, c *model.Cluster) *model.Fault {
	made := model.Instance{Identifier: r.form.Get("DBInstanceIdentifier"), Region: c.Region, AccountID: c.AccountID}
	return s.allowMade(r, "rds:CreateDBInstance", made, c.ARN(), c.Tags, c.DBSubnetGroup)
}

// allowMade asks for everything that the making of an instance from a cluster, or from another instance, has to do with, one
// resource at a time, as AWS does (Service Authorization Reference, Amazon RDS). What is being created counts as carrying the tags
// that it is created with (IAM user guide, aws:ResourceTag). Option groups are left out: the simulator has none.
func (s *Server) allowMade(
	r *request, action string, made model.Instance, from string, fromTags map[string]string, subnets string,
) *model.Fault {
	tags := r.form.tags()
	arn := func(kind, name string) string {
		return "arn:aws:rds:" + made.Region + ":" + made.AccountID + ":" + kind + ":" + name
	}
	type check struct {
		action, resource string
		values           conditionValues
	}
	checks := []check{
		{action, made.ARN(), tagged(tags, tags)},
		{action, from, tagged(fromTags, tags)},
		{action, arn("subgrp", subnets), tagged(nil, tags)},
	}
	if group := r.form.Get("DBParameterGroupName"); group != "" {
		checks = append(checks, check{action, arn("pg", group), tagged(nil, tags)})
	}
	if len(tags) > 0 {
		checks = append(checks, check{"rds:AddTagsToResource", made.ARN(), tagged(tags, tags)})
	}
	if role := r.form.Get("MonitoringRoleArn"); role != "" {
		checks = append(checks, check{"iam:PassRole", role, conditionValues{passedToService: "monitoring.rds.amazonaws.com"}})
	}
	for _, c := range checks {
		if denied := s.allow(r, c.action, c.resource, c.values); denied != nil {
			return denied
		}
	}
	return nil
}

// createReplica makes a read replica of a plain instance.
func (s *Server) createReplica(r *request) (any, *model.Fault) {
	f := r.form
	source, failed := s.instance(r, f.Get("SourceDBInstanceIdentifier"))
	if failed != nil {
		return nil, failed
	}
	made := model.Instance{Identifier: f.Get("DBInstanceIdentifier"), Region: source.Region, AccountID: source.AccountID}
	if denied := s.allowMade(r, "rds:CreateDBInstanceReadReplica", made, source.ARN(), source.Tags, source.DBSubnetGroup); denied != nil {
		return nil, denied
	}
	interval, failed := f.number("MonitoringInterval")
	if failed != nil {
		return nil, failed
	}
	create := model.CreateReplica{
		Identifier: made.Identifier, Source: source.Identifier, Class: f.Get("DBInstanceClass"), AvailabilityZone: f.Get("AvailabilityZone"),
		ParameterGroup: f.Get("DBParameterGroupName"), PerformanceInsights: f.flag("EnablePerformanceInsights"),
		CACertificate: f.Get("CACertificateIdentifier"), Tags: f.tags(),
	}
	if interval != nil {
		create.MonitoringInterval = *interval
	}
	created, err := s.options.World.CreateReplica(r.caller.region, create)
	if err != nil {
		return nil, asFault(err)
	}
	return &createDBInstanceReadReplicaResult{DBInstance: instanceXML(created)}, nil
}

func (s *Server) deleteInstance(r *request) (any, *model.Fault) {
	i, failed := s.instance(r, r.form.Get("DBInstanceIdentifier"))
	if failed != nil {
		return nil, failed
	}
	if denied := s.allow(r, "rds:DeleteDBInstance", i.ARN(), tagged(i.Tags, nil)); denied != nil {
		return nil, denied
	}
	deleted, err := s.options.World.DeleteInstance(r.caller.region, i.Identifier,
		r.form.flag("SkipFinalSnapshot"), r.form.Get("FinalDBSnapshotIdentifier"))
	if err != nil {
		return nil, asFault(err)
	}
	return &deleteDBInstanceResult{DBInstance: instanceXML(deleted)}, nil
}

func (s *Server) failoverCluster(r *request) (any, *model.Fault) {
	c, failed := s.cluster(r, r.form.Get("DBClusterIdentifier"))
	if failed != nil {
		return nil, failed
	}
	if denied := s.allow(r, "rds:FailoverDBCluster", c.ARN(), tagged(c.Tags, nil)); denied != nil {
		return nil, denied
	}
	target := r.form.Get("TargetDBInstanceIdentifier")
	if i, failed := s.instance(r, target); failed == nil {
		if denied := s.allow(r, "rds:FailoverDBCluster", i.ARN(), tagged(i.Tags, nil)); denied != nil {
			return nil, denied
		}
	}
	changed, err := s.options.World.FailoverCluster(r.caller.region, c.Identifier, target)
	if err != nil {
		return nil, asFault(err)
	}
	return &failoverDBClusterResult{DBCluster: s.clusterXML(r, changed)}, nil
}

func (s *Server) rebootInstance(r *request) (any, *model.Fault) {
	i, failed := s.instance(r, r.form.Get("DBInstanceIdentifier"))
	if failed != nil {
		return nil, failed
	}
	if denied := s.allow(r, "rds:RebootDBInstance", i.ARN(), tagged(i.Tags, nil)); denied != nil {
		return nil, denied
	}
	changed, err := s.options.World.RebootInstance(r.caller.region, i.Identifier, r.form.flag("ForceFailover"))
	if err != nil {
		return nil, asFault(err)
	}
	return &rebootDBInstanceResult{DBInstance: instanceXML(changed)}, nil
}

// resource finds the tags of one of the caller's resources.
func (s *Server) resource(r *request) (arn string, tags map[string]string, failed *model.Fault) {
	arn = r.form.Get("ResourceName")
	parts := strings.Split(arn, ":")
	if len(parts) != 7 || parts[3] != r.caller.region || parts[4] != r.caller.account {
		return arn, nil, &model.Fault{Code: "InvalidParameterValue", Message: "Invalid resource name: " + arn, HTTPStatus: http.StatusBadRequest}
	}
	tags, err := s.options.World.Tags(arn)
	return arn, tags, asFault(err)
}

func (s *Server) listTags(r *request) (any, *model.Fault) {
	arn, tags, failed := s.resource(r)
	if failed != nil {
		return nil, failed
	}
	if denied := s.allow(r, "rds:ListTagsForResource", arn, tagged(tags, nil)); denied != nil {
		return nil, denied
	}
	return &listTagsResult{TagList: tagsXML(tags)}, nil
}

func (s *Server) addTags(r *request) (any, *model.Fault) {
	arn, tags, failed := s.resource(r)
	if failed != nil {
		return nil, failed
	}
	if denied := s.allow(r, "rds:AddTagsToResource", arn, tagged(tags, r.form.tags())); denied != nil {
		return nil, denied
	}
	return &emptyResult{}, asFault(s.options.World.AddTags(arn, r.form.tags()))
}

func (s *Server) removeTags(r *request) (any, *model.Fault) {
	arn, tags, failed := s.resource(r)
	if failed != nil {
		return nil, failed
	}
	if denied := s.allow(r, "rds:RemoveTagsFromResource", arn, tagged(tags, nil)); denied != nil {
		return nil, denied
	}
	return &emptyResult{}, asFault(s.options.World.RemoveTags(arn, r.form.list("TagKeys.member")))
}
