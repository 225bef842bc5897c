package rdssim

import (
	"net/http"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"
)

func TestDescribe_PendingClusterChanges(t *testing.T) {
	c := newTestServer(t)
	pending := func() string {
		out, err := c.rdsClient.DescribeDBClusters(t.Context(), &rds.DescribeDBClustersInput{DBClusterIdentifier: aws.String("orders")})
		if err != nil {
			t.Fatal(err)
		}
		values := out.DBClusters[0].PendingModifiedValues
		if values == nil {
			return "none"
		}
		return aws.ToString(values.EngineVersion) + " " + aws.ToString(values.MasterUserPassword)
	}
	const path = "/_sim/pending-cluster-changes"
	for _, step := range []struct{ body, want string }{
		{"", "none"},
		{`{"region": "eu-west-1", "cluster": "orders", "engineVersion": "16.2", "masterUserPassword": "****"}`, "16.2 ****"},
		{`{"region": "eu-west-1", "cluster": "orders"}`, "none"},
	} {
		if step.body != "" {
			c.callAdmin(t, http.MethodPost, path, step.body, http.StatusNoContent)
		}
		if got := pending(); got != step.want {
			t.Errorf("after %s: pending %q, want %q", step.body, got, step.want)
		}
	}
	for _, invalid := range []string{`{"region": "eu-west-1", "cluster": "ledger", "engineVersion": "16.2"}`, `{"cluster": "orders", "class": "db.r6g.large"}`} {
		c.callAdmin(t, http.MethodPost, path, invalid, http.StatusBadRequest)
	}
}

func TestDescribe_ParameterStatus(t *testing.T) {
	c := newTestServer(t)
	statuses := func() [3]string {
		clusters, err := c.rdsClient.DescribeDBClusters(t.Context(), &rds.DescribeDBClustersInput{DBClusterIdentifier: aws.String("orders")})
		if err != nil {
			t.Fatal(err)
		}
		instances, err := c.rdsClient.DescribeDBInstances(t.Context(), &rds.DescribeDBInstancesInput{DBInstanceIdentifier: aws.String("orders-1")})
		if err != nil {
			t.Fatal(err)
		}
		db := instances.DBInstances[0]
		return [3]string{
			aws.ToString(clusters.DBClusters[0].DBClusterMembers[0].DBClusterParameterGroupStatus),
			aws.ToString(db.DBParameterGroups[0].ParameterApplyStatus), aws.ToString(db.OptionGroupMemberships[0].Status),
		}
	}
	const path = "/_sim/parameter-status"
	if got, want := statuses(), [3]string{"in-sync", "in-sync", "in-sync"}; got != want {
		t.Errorf("at first: got %v, want %v", got, want)
	}
	c.callAdmin(t, http.MethodPost, path, `{"region": "eu-west-1", "instance": "orders-1", "status": "pending-reboot"}`, http.StatusNoContent)
	if got, want := statuses(), [3]string{"in-sync", "pending-reboot", "in-sync"}; got != want {
		t.Errorf("instance: got %v, want %v", got, want)
	}
	c.callAdmin(t, http.MethodPost, path, `{"region": "eu-west-1", "cluster": "orders", "status": "pending-reboot"}`, http.StatusNoContent)
	if got, want := statuses(), [3]string{"pending-reboot", "pending-reboot", "in-sync"}; got != want {
		t.Errorf("cluster: got %v, want %v", got, want)
	}
	for _, invalid := range []string{
		`{"region": "eu-west-1", "status": "pending-reboot"}`, `{"region": "eu-west-1", "instance": "orders-1", "status": "thawing"}`,
		`{"region": "eu-west-1", "cluster": "orders", "instance": "orders-1", "status": "in-sync"}`,
		`{"region": "eu-west-1", "cluster": "nobody", "status": "in-sync"}`,
	} {
		c.callAdmin(t, http.MethodPost, path, invalid, http.StatusBadRequest)
	}
}
