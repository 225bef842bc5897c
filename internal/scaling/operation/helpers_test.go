package operation

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/catalog"
)

// vCPUs: large 2, xlarge 4, 2xlarge 8, 8xlarge 32, 12xlarge 48.
const (
	large    = "db.r6g.large"
	xlarge   = "db.r6g.xlarge"
	xlarge2  = "db.r6g.2xlarge"
	xlarge8  = "db.r6g.8xlarge"
	xlarge12 = "db.r6g.12xlarge"
)

// operationID is the ID of the operations in these tests.
const operationID = "0a1b2c3d"

var start = time.Date(2026, 2, 5, 10, 0, 0, 0, time.UTC)

// surgePolicy returns a policy for a cluster named engine that allows a surge reader.
func surgePolicy() scaling.Policy {
	return scaling.Policy{
		Name:       "platform/engine",
		Target:     scaling.Target{Kind: scaling.DBCluster, Identifier: "engine"},
		Guardrails: scaling.Guardrails{SurgeReaders: 1},
	}
}

// policyWithRoom allows as many readers.
func policyWithRoom(maxReaders int) scaling.Policy {
	p := surgePolicy()
	p.Readers = &scaling.ReaderLimits{Min: 1, Max: maxReaders}
	return p
}

func policyWithoutSurge() scaling.Policy {
	p := surgePolicy()
	p.Guardrails.SurgeReaders = 0
	return p
}

func policyFor(identifier string) scaling.Policy {
	p := surgePolicy()
	p.Target.Identifier = identifier
	return p
}

// auroraCluster returns an idle cluster with the instances.
func auroraCluster(instances ...scaling.Instance) scaling.Observation {
	return scaling.Observation{
		ObservedAt: start, Found: true, Engine: "aurora-postgresql", Status: scaling.StatusAvailable, Instances: instances,
	}
}

// asCluster says that the target is a cluster, whose reader endpoint distributes connections to new readers.
func asCluster(o scaling.Observation) scaling.Observation {
	o.Kind = scaling.DBCluster
	return o
}

// asReadReplicas makes the target an instance with read replicas.
func asReadReplicas(o scaling.Observation) scaling.Observation {
	o.Kind, o.Engine = scaling.DBInstance, "postgres"
	return o
}

// asMultiAZCluster makes the target a Multi-AZ DB cluster.
func asMultiAZCluster(o scaling.Observation) scaling.Observation {
	o.ResizedAsUnit, o.Engine = true, "postgres"
	return o
}

// asServerless makes the target a cluster of Serverless v2.
func asServerless(o scaling.Observation) scaling.Observation {
	o.ResizedAsUnit, o.Serverless = true, true
	return o
}

func asOracle(o scaling.Observation) scaling.Observation {
	o.Engine = "oracle-ee"
	return o
}

func writer(class string) scaling.Instance {
	i := reader("w", class)
	i.Writer = true
	return i
}

// reader returns a reader that somebody else created, at the default tier.
func reader(name, class string) scaling.Instance {
	return scaling.Instance{
		Identifier: name, Class: class, Status: scaling.StatusAvailable, PromotionTier: 1,
		CreatedAt: start.Add(-24 * time.Hour), ReplicaLag: &scaling.Lag{MeasuredAt: start, Value: 50 * time.Millisecond},
	}
}

// ownReader returns a reader that the operator created some hours ago.
func ownReader(name, class string, hoursAgo int) scaling.Instance {
	i := reader(name, class)
	i.CreatedAt = start.Add(-time.Duration(hoursAgo) * time.Hour)
	i.Tags = map[string]string{scaling.TagCreatedBy: scaling.TagCreatedByValue}
	return i
}

// surgeReader returns a surge reader of an earlier operation.
func surgeReader(name, class string) scaling.Instance {
	i := ownReader(name, class, 1)
	i.Tags[scaling.TagSurge] = "99999999"
	return i
}

func withTier(i scaling.Instance, n int) scaling.Instance {
	i.PromotionTier = n
	return i
}

// newProposal returns a proposal to change the observed shape of a pool.
func newProposal(pool scaling.Pool, direction scaling.Direction, o scaling.Observation, to scaling.Shape) scaling.Proposal {
	return scaling.Proposal{Cause: "test cause", Change: scaling.Change{Pool: pool, Direction: direction, From: o.Shape(pool), To: to}}
}

func newShape(count int, class string) scaling.Shape {
	return scaling.Shape{InstanceClass: class, Count: count}
}

// mustPlan plans a scale-up to a shape.
func mustPlan(t *testing.T, p scaling.Policy, o scaling.Observation, pool scaling.Pool, to scaling.Shape) scaling.Operation {
	t.Helper()
	op, err := Plan(p, o, newProposal(pool, scaling.Up, o, to), operationID, start)
	if err != nil {
		t.Fatal(err)
	}
	return op
}

// describeSteps returns one line for each step.
func describeSteps(steps []scaling.Step) string {
	var lines []string
	for _, s := range steps {
		line := describe(s)
		if s.Action == scaling.CreateReader {
			line += fmt.Sprintf(", at tier %d", s.PromotionTier)
		}
		if s.Action == scaling.DeleteReader && s.Surge {
			line += ", a surge reader"
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

// joinLines returns the lines as describeSteps does.
func joinLines(text ...string) string { return strings.Join(text, "\n") }

// mustVCPUs returns the vCPUs of a class.
func mustVCPUs(t *testing.T, class string) int {
	t.Helper()
	c, err := catalog.Lookup(class)
	if err != nil {
		t.Fatal(err)
	}
	return int(c.VCPU)
}
