package rdssim

import "github.com/dbscaler/dbscaler/internal/rdssim/model"

// createInstance creates an instance of a cluster, or a standalone instance.
func (s *Server) createInstance(r *request) (any, *model.APIError) {
	f := r.form
	if !f.Has("DBClusterIdentifier") {
		return s.createStandalone(r)
	}
	c, apiErr := s.findCluster(r, f.Get("DBClusterIdentifier"))
	if apiErr != nil {
		return nil, apiErr
	}
	if denied := s.authorizeCreate(r, c); denied != nil {
		return nil, denied
	}
	tier, apiErr := f.optionalInt("PromotionTier")
	if apiErr != nil {
		return nil, apiErr
	}
	interval, apiErr := f.optionalInt("MonitoringInterval")
	if apiErr != nil {
		return nil, apiErr
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
		return nil, badRequest("InvalidParameterCombination",
			"A MonitoringRoleARN value is required if you specify a MonitoringInterval value other than 0.")
	}
	created, err := s.options.World.CreateInstance(r.caller.region, create)
	if err != nil {
		return nil, toAPIError(err)
	}
	return &createDBInstanceResult{DBInstance: newInstanceElement(created)}, nil
}

// authorizeCreate checks all permissions of a CreateDBInstance request.
func (s *Server) authorizeCreate(r *request, c *model.Cluster) *model.APIError {
	created := model.Instance{Identifier: r.form.Get("DBInstanceIdentifier"), Region: c.Region, AccountID: c.AccountID}
	return s.authorizeCreateFrom(r, "rds:CreateDBInstance", created, c.ARN(), c.Tags, c.DBSubnetGroup, c.Engine)
}

// authorizeCreateFrom checks all permissions for the creation of an instance from a cluster or another instance, resource by
// resource as AWS does (Service Authorization Reference, Amazon RDS). The new instance counts as having the tags of the request
// (IAM user guide, aws:ResourceTag).
func (s *Server) authorizeCreateFrom(
	r *request, action string, created model.Instance, sourceARN string, sourceTags map[string]string, subnetGroup, engine string,
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
	if action == "rds:CreateDBInstanceReadReplica" { // a replica has the option group of its source
		checks = append(checks, check{action, arn("og", "default:"+engine), tagConditions(nil, tags)})
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

// createReplica creates a read replica of a standalone instance.
func (s *Server) createReplica(r *request) (any, *model.APIError) {
	f := r.form
	source, apiErr := s.findInstance(r, f.Get("SourceDBInstanceIdentifier"))
	if apiErr != nil {
		return nil, apiErr
	}
	created := model.Instance{Identifier: f.Get("DBInstanceIdentifier"), Region: source.Region, AccountID: source.AccountID}
	denied := s.authorizeCreateFrom(r, "rds:CreateDBInstanceReadReplica", created, source.ARN(), source.Tags,
		source.DBSubnetGroup, source.Engine)
	if denied != nil {
		return nil, denied
	}
	interval, apiErr := f.optionalInt("MonitoringInterval")
	if apiErr != nil {
		return nil, apiErr
	}
	settings, apiErr := f.replicaSettings()
	if apiErr != nil {
		return nil, apiErr
	}
	create := model.CreateReplicaRequest{
		Identifier: created.Identifier, Source: source.Identifier, Class: f.Get("DBInstanceClass"), AvailabilityZone: f.Get("AvailabilityZone"),
		ParameterGroup: f.Get("DBParameterGroupName"), PerformanceInsights: f.isTrue("EnablePerformanceInsights"),
		CACertificate: f.Get("CACertificateIdentifier"), Settings: settings, Tags: f.tags(),
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

// replicaSettings returns the settings in a CreateDBInstanceReadReplica request.
func (f form) replicaSettings() (model.InstanceSettings, *model.APIError) {
	settings := model.InstanceSettings{
		SecurityGroups:    f.list("VpcSecurityGroupIds.VpcSecurityGroupId"),
		IAMAuthentication: f.isTrue("EnableIAMDatabaseAuthentication"),
		LogExports:        f.list("EnableCloudwatchLogsExports.member"),
		NetworkType:       f.Get("NetworkType"),
		Domain:            f.Get("Domain"),
		Storage:           model.Storage{Type: f.Get("StorageType"), DedicatedLogVolume: f.isTrue("DedicatedLogVolume")},
	}
	for name, value := range map[string]*int{
		"Iops": &settings.Storage.IOPS, "StorageThroughput": &settings.Storage.ThroughputMiBps,
		"MaxAllocatedStorage": &settings.Storage.MaxAllocatedGiB,
	} {
		number, apiErr := f.optionalInt(name)
		if apiErr != nil {
			return settings, apiErr
		}
		if number != nil {
			*value = *number
		}
	}
	return settings, nil
}
