package awsx

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// ordersXML describes the cluster orders as the RDS API does. orders-a is the writer; orders-new was created by dbscaler.
const ordersXML = `<DBClusters><DBCluster><DBClusterIdentifier>orders</DBClusterIdentifier><Engine>aurora-postgresql</Engine>` +
	`<DBSubnetGroup>private</DBSubnetGroup><Status>available</Status><AvailabilityZones>` +
	`<AvailabilityZone>eu-west-1a</AvailabilityZone><AvailabilityZone>eu-west-1b</AvailabilityZone></AvailabilityZones>` +
	`<DBClusterMembers>` +
	`<DBClusterMember><DBInstanceIdentifier>orders-a</DBInstanceIdentifier><IsClusterWriter>true</IsClusterWriter></DBClusterMember>` +
	`<DBClusterMember><DBInstanceIdentifier>orders-b</DBInstanceIdentifier><IsClusterWriter>false</IsClusterWriter></DBClusterMember>` +
	`<DBClusterMember><DBInstanceIdentifier>orders-new</DBInstanceIdentifier><IsClusterWriter>%v</IsClusterWriter></DBClusterMember>` +
	`</DBClusterMembers><TagList><Tag><Key>dbscaler.io/policy-namespace</Key><Value>platform</Value></Tag></TagList>` +
	`</DBCluster></DBClusters>`

// instanceXML describes one instance, with the tag of instances that dbscaler created or without.
func instanceXML(name, cluster string, createdByOperator bool) string {
	tags := ""
	if createdByOperator {
		tags = `<TagList><Tag><Key>dbscaler.io/created-by</Key><Value>dbscaler</Value></Tag></TagList>`
	}
	return fmt.Sprintf(`<DBInstance><DBInstanceIdentifier>%s</DBInstanceIdentifier><DBClusterIdentifier>%s</DBClusterIdentifier>`+
		`<Engine>aurora-postgresql</Engine><DBInstanceClass>db.r6g.large</DBInstanceClass><AvailabilityZone>eu-west-1a</AvailabilityZone>`+
		`<DBParameterGroups><DBParameterGroup><DBParameterGroupName>tuned</DBParameterGroupName></DBParameterGroup></DBParameterGroups>`+
		`<MonitoringInterval>15</MonitoringInterval><MonitoringRoleArn>arn:aws:iam::111122223333:role/mon</MonitoringRoleArn>%s</DBInstance>`,
		name, cluster, tags)
}

// replicaXML describes a read replica that dbscaler created, and what replicates from it.
func replicaXML(name, source, replica string) string {
	replicas := ""
	if replica != "" {
		replicas = `<ReadReplicaDBInstanceIdentifiers><ReadReplicaDBInstanceIdentifier>` + replica +
			`</ReadReplicaDBInstanceIdentifier></ReadReplicaDBInstanceIdentifiers>`
	}
	return fmt.Sprintf(`<DBInstance><DBInstanceIdentifier>%s</DBInstanceIdentifier><ReadReplicaSourceDBInstanceIdentifier>%s`+
		`</ReadReplicaSourceDBInstanceIdentifier>%s<TagList><Tag><Key>dbscaler.io/created-by</Key><Value>dbscaler</Value></Tag></TagList>`+
		`</DBInstance>`, name, source, replicas)
}

// billingXML describes the cluster billing, whose writer is billing-a, and billingInstancesXML its instances.
const (
	billingXML = `<DBClusters><DBCluster><DBClusterIdentifier>billing</DBClusterIdentifier><Engine>aurora-mysql</Engine><Status>available</Status>` +
		`<PreferredBackupWindow>03:00-03:30</PreferredBackupWindow><DBClusterMembers>` +
		`<DBClusterMember><DBInstanceIdentifier>billing-a</DBInstanceIdentifier><IsClusterWriter>true</IsClusterWriter></DBClusterMember>` +
		`<DBClusterMember><DBInstanceIdentifier>billing-b</DBInstanceIdentifier><IsClusterWriter>false</IsClusterWriter></DBClusterMember>` +
		`</DBClusterMembers></DBCluster></DBClusters>`
	billingInstancesXML = `<DBInstance><DBInstanceIdentifier>billing-a</DBInstanceIdentifier>` +
		`<PreferredMaintenanceWindow>sun:03:30-sun:04:00</PreferredMaintenanceWindow></DBInstance>` +
		`<DBInstance><DBInstanceIdentifier>billing-b</DBInstanceIdentifier>` +
		`<PreferredMaintenanceWindow>sun:04:00-sun:04:30</PreferredMaintenanceWindow></DBInstance>`
)

// serveOrdersCluster responds like the RDS API for the clusters orders and billing.
func serveOrdersCluster(w http.ResponseWriter, form url.Values) {
	switch action := form.Get("Action"); action {
	case "DescribeDBClusters":
		if form.Get("DBClusterIdentifier") == "billing" {
			writeResult(w, action, billingXML)
			return
		}
		writeResult(w, action, fmt.Sprintf(ordersXML, false))
	case "DescribeDBInstances":
		all := map[string]string{
			"orders-a": instanceXML("orders-a", "orders", false), "orders-b": instanceXML("orders-b", "orders", false),
			"orders-new": instanceXML("orders-new", "orders", true), "ledger-new": instanceXML("ledger-new", "ledger", true),
			"ledger-mid": replicaXML("ledger-mid", "ledger", "ledger-child"), "ledger-other": replicaXML("ledger-other", "other", ""),
		}
		body, found := all[form.Get("DBInstanceIdentifier")]
		switch {
		case found:
		case form.Get("DBInstanceIdentifier") != "":
			writeError(w, http.StatusNotFound, "DBInstanceNotFound", "DBInstance not found.")
			return
		case form.Get("Filters.Filter.1.Values.Value.1") == "billing":
			body = billingInstancesXML
		default:
			body = all["orders-a"] + all["orders-b"] + all["orders-new"]
		}
		writeResult(w, action, "<DBInstances>"+body+"</DBInstances>")
	default:
		writeResult(w, action, "")
	}
}

func TestExecute_MakesOneRequest(t *testing.T) {
	plain := scaling.Target{Scope: euWest1, Kind: scaling.DBInstance, Identifier: "ledger"}
	tests := []struct {
		name   string
		target scaling.Target
		call   scaling.Call
		// reads are made before the change.
		reads []string
		want  url.Values
	}{
		{
			"change the class of a member", ordersCluster, scaling.Call{Action: scaling.ModifyInstanceClass, Instance: "orders-b", InstanceClass: "db.r6g.xlarge"}, nil,
			url.Values{
				"Action": {"ModifyDBInstance"}, "DBInstanceIdentifier": {"orders-b"}, "DBInstanceClass": {"db.r6g.xlarge"},
				"ApplyImmediately": {"true"},
			},
		},
		{
			"change the class of a plain instance", plain,
			scaling.Call{Action: scaling.ModifyInstanceClass, Instance: "ledger", InstanceClass: "db.m6g.xlarge"}, nil,
			url.Values{
				"Action": {"ModifyDBInstance"}, "DBInstanceIdentifier": {"ledger"}, "DBInstanceClass": {"db.m6g.xlarge"},
				"ApplyImmediately": {"true"},
			},
		},
		{
			"change the promotion tier", ordersCluster, scaling.Call{Action: scaling.ModifyPromotionTier, Instance: "orders-b", PromotionTier: 0}, nil,
			url.Values{
				"Action": {"ModifyDBInstance"}, "DBInstanceIdentifier": {"orders-b"}, "PromotionTier": {"0"}, "ApplyImmediately": {"true"},
			},
		},
		{
			"fail over", ordersCluster, scaling.Call{Action: scaling.Failover, Instance: "orders-b"}, nil,
			url.Values{
				"Action": {"FailoverDBCluster"}, "DBClusterIdentifier": {"orders"}, "TargetDBInstanceIdentifier": {"orders-b"},
			},
		},
		{
			"create a reader", ordersCluster,
			scaling.Call{
				Action: scaling.CreateReader, Instance: "orders-new2", InstanceClass: "db.r6g.xlarge", PromotionTier: 15,
				Tags: map[string]string{"dbscaler.io/created-by": "dbscaler"},
			},
			[]string{"DescribeDBClusters", "DescribeDBInstances"},
			url.Values{
				"Action": {"CreateDBInstance"}, "DBInstanceIdentifier": {"orders-new2"}, "DBClusterIdentifier": {"orders"},
				"Engine": {"aurora-postgresql"}, "DBInstanceClass": {"db.r6g.xlarge"}, "PromotionTier": {"15"},
				"AvailabilityZone": {"eu-west-1b"}, "DBSubnetGroupName": {"private"}, "DBParameterGroupName": {"tuned"},
				"MonitoringInterval": {"15"}, "MonitoringRoleArn": {"arn:aws:iam::111122223333:role/mon"},
				"Tags.Tag.1.Key": {"dbscaler.io/created-by"}, "Tags.Tag.1.Value": {"dbscaler"},
				"Tags.Tag.2.Key": {"dbscaler.io/policy-namespace"}, "Tags.Tag.2.Value": {"platform"},
			},
		},
		{
			"create a reader of a cluster with maintenance windows", clusterTarget("billing"),
			scaling.Call{Action: scaling.CreateReader, Instance: "billing-new", InstanceClass: "db.r6g.large", PromotionTier: 1},
			[]string{"DescribeDBClusters", "DescribeDBInstances"},
			url.Values{
				"Action": {"CreateDBInstance"}, "DBInstanceIdentifier": {"billing-new"}, "DBClusterIdentifier": {"billing"},
				"Engine": {"aurora-mysql"}, "DBInstanceClass": {"db.r6g.large"}, "PromotionTier": {"1"},
				"PreferredMaintenanceWindow": {"sun:04:30-sun:05:00"}, // beside the writer are the backup and billing-b
			},
		},
		{
			"delete a reader created by dbscaler", ordersCluster, scaling.Call{Action: scaling.DeleteReader, Instance: "orders-new"},
			[]string{"DescribeDBClusters", "DescribeDBInstances"},
			url.Values{"Action": {"DeleteDBInstance"}, "DBInstanceIdentifier": {"orders-new"}, "SkipFinalSnapshot": {"true"}},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			server := newFakeQueryAPI(t, serveOrdersCluster)
			if err := newTestClient(t, server.URL).Execute(t.Context(), test.target, test.call); err != nil {
				t.Fatal(err)
			}
			if want := append(test.reads, test.want.Get("Action")); !slices.Equal(server.actions(), want) {
				t.Errorf("made the requests %v, want %v", server.actions(), want)
			}
			got := server.requests[len(server.requests)-1].form
			got.Del("Version")
			if !maps.EqualFunc(got, test.want, slices.Equal) {
				t.Errorf("got  %v\nwant %v", got, test.want)
			}
		})
	}
}

func TestExecute_RejectsUnsafeCalls(t *testing.T) {
	plain := scaling.Target{Scope: euWest1, Kind: scaling.DBInstance, Identifier: "ledger"}
	tests := []struct {
		name        string
		target      scaling.Target
		call        scaling.Call
		writer      bool
		want        error
		wantMessage string
	}{
		{"delete a reader not created by dbscaler", ordersCluster, scaling.Call{Action: scaling.DeleteReader, Instance: "orders-b"}, false, scaling.ErrInvalid,
			"does not have the tag dbscaler.io/created-by=dbscaler"},
		{"delete a reader of another cluster", ordersCluster, scaling.Call{Action: scaling.DeleteReader, Instance: "ledger-new"}, false,
			scaling.ErrInvalid, "not a member of the cluster"},
		{"delete a reader that became the writer", ordersCluster, scaling.Call{Action: scaling.DeleteReader, Instance: "orders-new"}, true,
			scaling.ErrInvalid, "is the cluster's writer"},
		{"delete a reader that does not exist", ordersCluster, scaling.Call{Action: scaling.DeleteReader, Instance: "orders-gone"}, false,
			scaling.ErrNotFound, "DBInstance not found"},
		{"call without an instance", ordersCluster, scaling.Call{Action: scaling.Failover}, false, scaling.ErrInvalid, "has no instance identifier"},
		{"delete a replica that others replicate from", plain, scaling.Call{Action: scaling.DeleteReader, Instance: "ledger-mid"}, false,
			scaling.ErrInvalid, "is the source of other replicas (ledger-child)"},
		{"delete a replica of another instance", plain, scaling.Call{Action: scaling.DeleteReader, Instance: "ledger-other"}, false,
			scaling.ErrInvalid, "is not a read replica of ledger"},
		{"fail over a plain instance", plain, scaling.Call{Action: scaling.Failover, Instance: "ledger-read"}, false,
			scaling.ErrInvalid, "only valid for a DBCluster"},
		{"unknown action", ordersCluster, scaling.Call{Action: "Reboot", Instance: "orders-b"}, false, scaling.ErrInvalid,
			"does not support the action"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			server := newFakeQueryAPI(t, func(w http.ResponseWriter, form url.Values) {
				if test.writer && form.Get("Action") == "DescribeDBClusters" {
					writeResult(w, "DescribeDBClusters", fmt.Sprintf(ordersXML, true))
					return
				}
				serveOrdersCluster(w, form)
			})
			err := newTestClient(t, server.URL).Execute(t.Context(), test.target, test.call)
			expectCause(t, err, test.want)
			where := fmt.Sprintf("%s %s", test.target.Kind, test.target.Identifier)
			for _, part := range []string{test.wantMessage, where, "in eu-west-1"} {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("the message %q lacks %q", err, part)
				}
			}
			if slices.ContainsFunc(server.actions(), func(a string) bool { return !strings.HasPrefix(a, "Describe") }) {
				t.Errorf("a change was requested: %v", server.actions())
			}
		})
	}
}

func TestExecute_InvalidatesTopology(t *testing.T) {
	c, targets := newFakeFleet(t, 2)
	client := c.newClient(t)
	mustObserve(t, client, targets[0], time.Time{})
	clear(c.callCounts)
	// Even a refused call invalidates the topology, since it may be out of date.
	err := client.Execute(t.Context(), targets[0], scaling.Call{Action: scaling.Failover, Instance: "orders000-b"})
	if err == nil {
		t.Fatal("the fake AWS has no failover, but the call succeeded")
	}
	mustObserve(t, client, targets[1], time.Time{}) // it was not changed
	c.expectCalls(t, map[string]int{"FailoverDBCluster": 1, "GetMetricData": 1})
	mustObserve(t, client, targets[0], time.Time{})
	c.expectCalls(t, map[string]int{"DescribeDBClusters/filtered": 1, "DescribeDBInstances/filtered": 1})
}

func TestObserve_RepeatsReadOvertakenByChange(t *testing.T) {
	c, targets := newFakeFleet(t, 1)
	client := c.newClient(t)
	c.failures["DescribeDBInstances"] = func(w http.ResponseWriter) {
		c.failures["DescribeDBInstances"] = nil
		client.clientForScope(euWest1).invalidate(targets[0]) // a change during the read of the topology: only the target is read again
		writeResult(w, "DescribeDBInstances", c.describeInstances(""))
	}
	mustObserve(t, client, targets[0], time.Time{})
	c.expectCalls(t, map[string]int{
		"DescribeDBClusters": 1, "DescribeDBInstances": 1, "DescribeDBClusters/filtered": 1, "DescribeDBInstances/filtered": 1, "GetMetricData": 1,
	})
}
