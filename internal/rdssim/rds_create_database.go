package rdssim

import (
	"strconv"

	"github.com/dbscaler/dbscaler/internal/rdssim/model"
)

type createDBClusterResult struct {
	DBCluster clusterElement `xml:"DBCluster"`
}

type deleteDBClusterResult struct {
	DBCluster clusterElement `xml:"DBCluster"`
}

// createCluster creates an Aurora cluster without instances, or a Multi-AZ DB cluster.
func (s *Server) createCluster(r *request) (any, *model.APIError) {
	f := r.form
	created := model.Cluster{Identifier: f.Get("DBClusterIdentifier"), Region: r.caller.region, AccountID: r.caller.account}
	if denied := s.authorizeNew(r, "rds:CreateDBCluster", created.ARN()); denied != nil {
		return nil, denied
	}
	create := model.CreateClusterRequest{
		Identifier: created.Identifier, Engine: f.Get("Engine"), EngineVersion: f.Get("EngineVersion"), Class: f.Get("DBClusterInstanceClass"),
		StorageType: f.Get("StorageType"), Credentials: f.masterCredentials(), SubnetGroup: f.Get("DBSubnetGroupName"),
		MaintenanceWindow: f.Get("PreferredMaintenanceWindow"), DeletionProtection: f.isTrue("DeletionProtection"), Tags: f.tags(),
	}
	var apiErr *model.APIError
	if create.RetentionDays, apiErr = f.optionalInt("BackupRetentionPeriod"); apiErr != nil {
		return nil, apiErr
	}
	if create.AllocatedGiB, apiErr = f.intOrZero("AllocatedStorage"); apiErr != nil {
		return nil, apiErr
	}
	if create.Capacity, apiErr = f.serverlessCapacity(); apiErr != nil {
		return nil, apiErr
	}
	cluster, err := s.options.World.CreateCluster(r.caller.region, r.caller.account, create)
	if err != nil {
		return nil, toAPIError(err)
	}
	return &createDBClusterResult{DBCluster: s.newClusterElement(r, cluster)}, nil
}

// createStandalone creates an instance that belongs to no cluster.
func (s *Server) createStandalone(r *request) (any, *model.APIError) {
	f := r.form
	created := model.Instance{Identifier: f.Get("DBInstanceIdentifier"), Region: r.caller.region, AccountID: r.caller.account}
	if denied := s.authorizeNew(r, "rds:CreateDBInstance", created.ARN()); denied != nil {
		return nil, denied
	}
	create := model.CreateStandaloneRequest{
		Identifier: created.Identifier, Engine: f.Get("Engine"), EngineVersion: f.Get("EngineVersion"), Class: f.Get("DBInstanceClass"),
		StorageType: f.Get("StorageType"), Credentials: f.masterCredentials(), SubnetGroup: f.Get("DBSubnetGroupName"),
		AvailabilityZone: f.Get("AvailabilityZone"), MultiAZ: f.isTrue("MultiAZ"), MaintenanceWindow: f.Get("PreferredMaintenanceWindow"),
		PerformanceInsights: f.isTrue("EnablePerformanceInsights"), DeletionProtection: f.isTrue("DeletionProtection"), Tags: f.tags(),
	}
	var apiErr *model.APIError
	if create.RetentionDays, apiErr = f.optionalInt("BackupRetentionPeriod"); apiErr != nil {
		return nil, apiErr
	}
	if create.AllocatedGiB, apiErr = f.intOrZero("AllocatedStorage"); apiErr != nil {
		return nil, apiErr
	}
	instance, err := s.options.World.CreateStandalone(r.caller.region, r.caller.account, create)
	if err != nil {
		return nil, toAPIError(err)
	}
	return &createDBInstanceResult{DBInstance: newInstanceElement(instance)}, nil
}

func (s *Server) deleteCluster(r *request) (any, *model.APIError) {
	c, apiErr := s.findCluster(r, r.form.Get("DBClusterIdentifier"))
	if apiErr != nil {
		return nil, apiErr
	}
	if denied := s.authorize(r, "rds:DeleteDBCluster", c.ARN(), tagConditions(c.Tags, nil)); denied != nil {
		return nil, denied
	}
	deleted, err := s.options.World.DeleteCluster(r.caller.region, c.Identifier,
		r.form.isTrue("SkipFinalSnapshot"), r.form.Get("FinalDBSnapshotIdentifier"))
	if err != nil {
		return nil, toAPIError(err)
	}
	return &deleteDBClusterResult{DBCluster: s.newClusterElement(r, deleted)}, nil
}

// authorizeNew checks all permissions for the creation of a database from nothing, resource by resource as AWS does (Service
// Authorization Reference, Amazon RDS). The simulator has no option groups, so it does not check them.
func (s *Server) authorizeNew(r *request, action, arn string) *model.APIError {
	tags := r.form.tags()
	if denied := s.authorize(r, action, arn, tagConditions(tags, tags)); denied != nil {
		return denied
	}
	if group := r.form.Get("DBSubnetGroupName"); group != "" {
		groupARN := "arn:aws:rds:" + r.caller.region + ":" + r.caller.account + ":subgrp:" + group
		if denied := s.authorize(r, action, groupARN, tagConditions(nil, tags)); denied != nil {
			return denied
		}
	}
	if len(tags) == 0 {
		return nil
	}
	return s.authorize(r, "rds:AddTagsToResource", arn, tagConditions(tags, tags))
}

// masterCredentials returns the master user in a request.
func (f form) masterCredentials() model.MasterCredentials {
	return model.MasterCredentials{Username: f.Get("MasterUsername"), Password: f.Get("MasterUserPassword")}
}

// intOrZero returns an integer parameter, or 0 if it is missing.
func (f form) intOrZero(key string) (int, *model.APIError) {
	number, apiErr := f.optionalInt(key)
	if number == nil {
		return 0, apiErr
	}
	return *number, nil
}

// serverlessCapacity returns the ServerlessV2ScalingConfiguration of a request, or nil if it has none.
func (f form) serverlessCapacity() (*model.ServerlessCapacity, *model.APIError) {
	const minKey, maxKey = "ServerlessV2ScalingConfiguration.MinCapacity", "ServerlessV2ScalingConfiguration.MaxCapacity"
	if !f.Has(minKey) && !f.Has(maxKey) {
		return nil, nil
	}
	minimum, minErr := strconv.ParseFloat(f.Get(minKey), 64)
	maximum, maxErr := strconv.ParseFloat(f.Get(maxKey), 64)
	if minErr != nil || maxErr != nil {
		return nil, badRequest("InvalidParameterValue", "The Serverless v2 scaling configuration needs a MinCapacity and a MaxCapacity.")
	}
	pause, apiErr := f.intOrZero("ServerlessV2ScalingConfiguration.SecondsUntilAutoPause")
	return &model.ServerlessCapacity{Min: minimum, Max: maximum, SecondsUntilAutoPause: pause}, apiErr
}
