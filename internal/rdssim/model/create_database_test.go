package model

import (
	"errors"
	"strings"
	"testing"
	"time"
)

var testCredentials = MasterCredentials{Username: "dba", Password: "long-enough"}

// newEmptyWorld returns a World without databases.
func newEmptyWorld(t *testing.T) *World {
	t.Helper()
	s := Scenario{AccountID: "123456789012", Seed: 1}
	s.Start.Time = time.Date(2024, 2, 5, 3, 0, 0, 0, time.UTC)
	w, err := New(s)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestCreateCluster_Lifecycle(t *testing.T) {
	w := newEmptyWorld(t)
	create := func() {
		t.Helper()
		c, err := w.CreateCluster("eu-west-1", "123456789012", CreateClusterRequest{
			Identifier: "orders", Engine: "aurora-postgresql", Credentials: testCredentials, Capacity: &ServerlessCapacity{Min: 0.5, Max: 4},
			Tags: map[string]string{"team": "shop"},
		})
		if err != nil || c.Status != statusCreating || len(c.Members) != 0 || c.Tags["team"] != "shop" {
			t.Fatalf("got %+v, error %v", c, err)
		}
		w.Advance(w.Now().Add(maxClusterCreateDuration))
		if c, _ := w.Cluster("eu-west-1", "orders"); c.Status != statusAvailable || c.Writer != "" {
			t.Fatalf("the new cluster is %+v", c)
		}
		for _, member := range []string{"orders-1", "orders-2"} {
			if _, err := w.CreateInstance("eu-west-1", CreateInstanceRequest{
				Identifier: member, Cluster: "orders", Engine: "aurora-postgresql", Class: serverlessClass,
			}); err != nil {
				t.Fatal(err)
			}
			w.Advance(w.Now().Add(defaultMaxCreateDuration))
		}
		if c, _ := w.Cluster("eu-west-1", "orders"); c.Writer != "orders-1" || len(c.Members) != 2 {
			t.Fatalf("the cluster with members is %+v", c)
		}
		if points := w.groups[0].instances[0].samples; len(points) < 5 {
			t.Fatalf("the writer has %d samples", len(points))
		}
	}
	create()
	_, err := w.DeleteCluster("eu-west-1", "orders", true, "")
	expectAPIError(t, err, "InvalidDBClusterStateFault", "still contains DB instances in non-deleting state")
	for _, member := range []string{"orders-1", "orders-2"} {
		if _, err := w.DeleteInstance("eu-west-1", member, true, ""); err != nil {
			t.Fatal(err)
		}
		w.Advance(w.Now().Add(maxFailoverDuration)) // the deletion of the writer promotes the reader
	}
	_, err = w.DeleteCluster("eu-west-1", "orders", false, "")
	expectAPIError(t, err, "InvalidParameterCombination", "FinalDBSnapshotIdentifier is required")
	if c, err := w.DeleteCluster("eu-west-1", "orders", true, ""); err != nil || c.Status != statusDeleting {
		t.Fatalf("got %+v, error %v", c, err)
	}
	w.Advance(w.Now().Add(time.Hour))
	if n := len(w.clusters) + len(w.instances) + len(w.groups); n != 0 {
		t.Errorf("%d clusters, instances and groups are left", n)
	}
	create() // the name can be used again
}

func TestCreateCluster_MultiAZ(t *testing.T) {
	w := newEmptyWorld(t)
	request := CreateClusterRequest{
		Identifier: "orders", Engine: "postgres", Class: "db.c6gd.medium", AllocatedGiB: 20, StorageType: "gp3", Credentials: testCredentials,
	}
	if _, err := w.CreateCluster("eu-west-1", "123456789012", request); err != nil {
		t.Fatal(err)
	}
	w.Advance(w.Now().Add(maxClusterCreateDuration))
	if c, _ := w.Cluster("eu-west-1", "orders"); c.Status != statusCreating || len(c.Members) != multiAZMembers {
		t.Errorf("before its members are available the cluster is %+v", c)
	}
	w.Advance(w.Now().Add(time.Hour))
	if c, _ := w.Cluster("eu-west-1", "orders"); c.Status != statusAvailable || c.Writer == "" || c.InstanceClass != "db.c6gd.medium" {
		t.Errorf("the cluster is %+v", c)
	}
	if _, err := w.ModifyClusterClass("eu-west-1", "orders", "db.c6gd.large"); err != nil {
		t.Error(err)
	}
	_, err := w.DeleteCluster("eu-west-1", "orders", true, "")
	if err != nil { // the change is accepted and not yet visible
		t.Fatal(err)
	}
	w.Advance(w.Now().Add(2 * time.Hour))
	if n := len(w.clusters) + len(w.instances); n != 0 {
		t.Errorf("%d clusters and instances are left", n)
	}
}

func TestCreateStandalone_Lifecycle(t *testing.T) {
	w := newEmptyWorld(t)
	days := 0
	i, err := w.CreateStandalone("eu-west-1", "123456789012", CreateStandaloneRequest{
		Identifier: "ledger", Engine: "postgres", Class: "db.t4g.micro", AllocatedGiB: 20, Credentials: testCredentials, RetentionDays: &days,
	})
	if err != nil || i.Status != statusCreating || i.Settings.Storage.Type != storageGP3 || !i.CreatedAt.IsZero() {
		t.Fatalf("got %+v, error %v", i, err)
	}
	w.Advance(w.Now().Add(defaultMaxCreateDuration))
	if i, _ := w.Instance("eu-west-1", "ledger"); i.Status != statusAvailable || i.EngineVersion == "" {
		t.Errorf("the instance is %+v", i)
	}
	_, err = w.CreateReplica("eu-west-1", CreateReplicaRequest{Identifier: "ledger-2", Source: "ledger"})
	expectAPIError(t, err, "InvalidDBInstanceState", "Automated backups are not enabled")
	if _, err := w.DeleteInstance("eu-west-1", "ledger", true, ""); err != nil {
		t.Error(err)
	}
	w.Advance(w.Now().Add(maxDeleteDuration))
	if n := len(w.instances) + len(w.groups); n != 0 {
		t.Errorf("%d instances and groups are left", n)
	}
}

func TestCreateDatabase_Refusals(t *testing.T) {
	w := newEmptyWorld(t)
	standalone := func(change func(*CreateStandaloneRequest)) error {
		c := CreateStandaloneRequest{Identifier: "ledger", Engine: "postgres", Class: "db.t4g.micro", AllocatedGiB: 20, Credentials: testCredentials}
		change(&c)
		_, err := w.CreateStandalone("eu-west-1", "123456789012", c)
		return err
	}
	cluster := func(change func(*CreateClusterRequest)) error {
		c := CreateClusterRequest{Identifier: "orders", Engine: "aurora-postgresql", Credentials: testCredentials}
		change(&c)
		_, err := w.CreateCluster("eu-west-1", "123456789012", c)
		return err
	}
	many := 36
	if err := errors.Join(standalone(func(c *CreateStandaloneRequest) { c.Identifier = "taken" }),
		cluster(func(c *CreateClusterRequest) { c.Identifier = "taken" })); err != nil {
		t.Fatal(err)
	}
	w.Advance(w.Now().Add(time.Hour))
	tests := []struct {
		name       string
		err        error
		code, text string
	}{
		{"identifier of an instance", standalone(func(c *CreateStandaloneRequest) { c.Identifier = "a--b" }), "InvalidParameterValue", "DBInstanceIdentifier is not a valid identifier"},
		{"existing instance", standalone(func(c *CreateStandaloneRequest) { c.Identifier = "taken" }), "DBInstanceAlreadyExists", "already exists"},
		{"unknown engine", standalone(func(c *CreateStandaloneRequest) { c.Engine = "db3" }), "InvalidParameterValue", "Invalid DB engine"},
		{"Aurora without a cluster", standalone(func(c *CreateStandaloneRequest) { c.Engine = "aurora-postgresql" }), "InvalidParameterCombination", "DBClusterIdentifier"},
		{"unknown class", standalone(func(c *CreateStandaloneRequest) { c.Class = "db.t4g.unknown" }), "InvalidParameterCombination", "RDS does not support creating"},
		{"small storage", standalone(func(c *CreateStandaloneRequest) { c.AllocatedGiB = 5 }), "InvalidParameterCombination", "Invalid storage size for engine name postgres"},
		{"long retention", standalone(func(c *CreateStandaloneRequest) { c.RetentionDays = &many }), "InvalidParameterValue", "Retention period must be between 0 and 35"},
		{"short password", standalone(func(c *CreateStandaloneRequest) { c.Credentials.Password = "short" }), "InvalidParameterValue", "shorter than 8 characters"},
		{"invalid password", standalone(func(c *CreateStandaloneRequest) { c.Credentials.Password = "p@ssw0rd/1" }), "InvalidParameterValue", "Only printable ASCII"},
		{"reserved user", standalone(func(c *CreateStandaloneRequest) { c.Credentials.Username = "admin" }), "InvalidParameterValue", "reserved word"},
		{"no user", standalone(func(c *CreateStandaloneRequest) { c.Credentials.Username = "" }), "InvalidParameterValue", "MasterUsername must be provided"},
		{"invalid tag", standalone(func(c *CreateStandaloneRequest) { c.Tags = map[string]string{"a": "*"} }), "InvalidParameterValue", "Tag values"},
		{"missing subnet group", standalone(func(c *CreateStandaloneRequest) { c.SubnetGroup = "none" }), "DBSubnetGroupNotFoundFault", "'none' does not exist"},

		{"identifier of a cluster", cluster(func(c *CreateClusterRequest) { c.Identifier = "1a" }), "InvalidParameterValue", "DBClusterIdentifier is not a valid identifier"},
		{"existing cluster", cluster(func(c *CreateClusterRequest) { c.Identifier = "taken" }), "DBClusterAlreadyExistsFault", "already exists"},
		{"cluster without retention", cluster(func(c *CreateClusterRequest) { zero := 0; c.RetentionDays = &zero }), "InvalidParameterValue", "between 1 and 35"},
		{"Aurora with a class", cluster(func(c *CreateClusterRequest) { c.Class = "db.r6g.large" }), "InvalidParameterCombination", "DBClusterInstanceClass"},
		{"Multi-AZ without storage", cluster(func(c *CreateClusterRequest) { c.Engine, c.Class = "postgres", "db.c6gd.medium" }), "InvalidParameterCombination", "allocated storage"},
		{"Multi-AZ with another class", cluster(func(c *CreateClusterRequest) { c.Engine, c.Class, c.AllocatedGiB = "postgres", "db.r6g.large", 20 }), "InvalidParameterCombination", "RDS does not support creating"},
		{"serverless without a capacity", func() error {
			_, err := w.CreateInstance("eu-west-1", CreateInstanceRequest{Identifier: "taken-1", Cluster: "taken", Engine: "aurora-postgresql", Class: serverlessClass})
			return err
		}(), "InvalidParameterCombination", "Set the Serverless v2 scaling configuration"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { expectAPIError(t, test.err, test.code, test.text) })
	}
}

// expectAPIError fails unless an error has a code and a text.
func expectAPIError(t *testing.T, err error, code, text string) {
	t.Helper()
	var apiErr *APIError
	if !errors.As(err, &apiErr) || apiErr.Code != code || !strings.Contains(apiErr.Message, text) {
		t.Errorf("got %v, want %s with %q", err, code, text)
	}
}
