package scaling

import (
	"math"
	"slices"
	"testing"
	"time"
)

var testNow = time.Date(2026, 2, 5, 10, 0, 0, 0, time.UTC)

// connections is one sample every five minutes, the newest ten minutes ago.
func connections(values ...float64) Series {
	return NewSeries(5*time.Minute, testNow.Add(-10*time.Minute-time.Duration(len(values)-1)*5*time.Minute), values...)
}

// replicaWith is a replica that is a day old.
func replicaWith(name string, c Series) Instance {
	return Instance{Identifier: name, Status: StatusAvailable, CreatedAt: testNow.Add(-24 * time.Hour), Connections: c}
}

func TestObservation_ReplicasWithoutClients(t *testing.T) {
	const window = time.Hour
	zero := connections(slices.Repeat([]float64{0}, 12)...)
	used := connections(slices.Repeat([]float64{7}, 12)...)
	for _, test := range []struct {
		name    string
		replica Instance
		want    bool
	}{
		{"zero over the window", replicaWith("b", zero), true},
		{"clients", replicaWith("b", used), false},
		{"one client at the start of the window", replicaWith("b", connections(append([]float64{0, 0, 3}, slices.Repeat([]float64{0}, 9)...)...)), false},
		{"unknown is not zero", replicaWith("b", Series{}), false},
		{"invalid samples are unknown", replicaWith("b", connections(slices.Repeat([]float64{math.NaN()}, 12)...)), false},
		{"too few samples", replicaWith("b", connections(0, 0, 0)), false},
		{"old samples", replicaWith("b", zero.Before(zero.TimeAt(9))), false},
		{"a new replica, from its creation on", func() Instance {
			i := replicaWith("b", connections(0, 0))
			i.CreatedAt = testNow.Add(-16 * time.Minute)
			return i
		}(), true},
	} {
		o := Observation{Kind: DBInstance, Instances: []Instance{{Identifier: "w", Writer: true}, replicaWith("a", used), test.replica}}
		if got := o.ReplicasWithoutClients(window, testNow); slices.Equal(got, []string{"b"}) != test.want || !test.want && got != nil {
			t.Errorf("%s: got %v", test.name, got)
		}
		o.Kind = DBCluster
		if got := o.ReplicasWithoutClients(window, testNow); got != nil {
			t.Errorf("%s, in a cluster: got %v", test.name, got)
		}
	}
	all := Observation{Kind: DBInstance, Instances: []Instance{replicaWith("a", zero), replicaWith("b", zero)}}
	if got := all.ReplicasWithoutClients(window, testNow); got != nil {
		t.Errorf("no replica has clients: got %v", got)
	}
}

func TestObservation_SuspendsSource(t *testing.T) {
	for _, test := range []struct {
		name   string
		o      Observation
		action Action
		want   bool
	}{
		{"Single-AZ", Observation{Kind: DBInstance, Engine: "postgres"}, CreateReader, true},
		{"Multi-AZ", Observation{Kind: DBInstance, Engine: "mysql", MultiAZ: true}, CreateReader, false},
		{"SQL Server, Multi-AZ", Observation{Kind: DBInstance, Engine: "sqlserver-ee", MultiAZ: true}, CreateReader, true},
		{"Aurora", Observation{Kind: DBCluster, Engine: "aurora-mysql"}, CreateReader, false},
		{"a deletion", Observation{Kind: DBInstance, Engine: "postgres"}, DeleteReader, false},
	} {
		if got := test.o.SuspendsSource(test.action); got != test.want {
			t.Errorf("%s: got %t", test.name, got)
		}
	}
}

func TestObservation_FindRefusal(t *testing.T) {
	o := Observation{Refusals: []Refusal{
		{Pool: Readers, Action: CreateReader, InstanceClass: "db.r6g.large", ExpiresAt: testNow.Add(time.Hour)},
		{Pool: Writer, Action: ModifyInstanceClass, ExpiresAt: testNow.Add(time.Hour)},
		{Pool: Readers, Action: DeleteReader, Instance: "a", ExpiresAt: testNow.Add(time.Hour)},
		{Pool: Readers, Action: ModifyInstanceClass, InstanceClass: "db.r6g.xlarge", ExpiresAt: testNow},
	}}
	for _, test := range []struct {
		name            string
		pool            Pool
		action          Action
		class, instance string
		want            bool
	}{
		{"same class", Readers, CreateReader, "db.r6g.large", "x", true},
		{"a surge reader for the writer", Writer, CreateReader, "db.r6g.large", "x", true},
		{"another class", Readers, CreateReader, "db.r6g.xlarge", "x", false},
		{"any class", Writer, ModifyInstanceClass, "db.r6g.4xlarge", "w", true},
		{"the other pool", Readers, ModifyInstanceClass, "db.r6g.4xlarge", "a", false},
		{"same instance", Readers, DeleteReader, "", "a", true},
		{"another instance", Readers, DeleteReader, "", "b", false},
		{"expired", Readers, ModifyInstanceClass, "db.r6g.xlarge", "a", false},
	} {
		if _, got := o.FindRefusal(test.pool, test.action, test.class, test.instance, testNow); got != test.want {
			t.Errorf("%s: got %t", test.name, got)
		}
	}
}
