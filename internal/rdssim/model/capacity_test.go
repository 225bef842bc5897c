package model

import (
	"strings"
	"testing"
	"time"
)

// serverlessCluster is a Serverless v2 cluster of at most 16 ACUs (4 vCPUs) with a writer demand in vCPUs.
func serverlessCluster(vcpus float64) Database {
	d := auroraCluster(vcpus, 0, "db.serverless")
	d.Serverless = &ServerlessCapacity{Min: 0.5, Max: 16}
	return d
}

func TestModifyServerlessCapacity(t *testing.T) {
	w := newWorld(t, nil, serverlessCluster(2))
	advance(w, 10*time.Minute)
	response := must[*Cluster](t)(w.ModifyServerlessCapacity(testRegion, "orders", ServerlessCapacity{Min: 0.5, Max: 32}, true))
	if response.Status != statusModifying || *response.Capacity != (ServerlessCapacity{Min: 0.5, Max: 32}) {
		t.Errorf("got response %+v", response)
	}
	if _, err := w.ModifyServerlessCapacity(testRegion, "orders", ServerlessCapacity{Min: 0.5, Max: 64}, true); err == nil {
		t.Error("a second change was accepted while the first was in progress")
	}
	if actual, _ := w.GroundTruth(testRegion, "orders-1"); !actual.InService || actual.VCPUs != 8 {
		t.Errorf("got writer %+v", actual)
	}
	advance(w, 10*time.Minute)
	if c := must[*Cluster](t)(w.Cluster(testRegion, "orders")); c.Status != statusAvailable {
		t.Errorf("got cluster %s", c.Status)
	}
	utilization := cpuByMinute(w, "orders-1")
	if before, after := utilization["08:05"], utilization["08:15"]; before < 45 || before > 60 || after < 22 || after > 30 {
		t.Errorf("got CPU %g %% before and %g %% after the change, want it to halve", before, after)
	}
	for _, invalid := range []ServerlessCapacity{{Min: 0.5, Max: 10.25}, {Min: 40, Max: 32}, {Min: 0.5, Max: 512}} {
		if _, err := w.ModifyServerlessCapacity(testRegion, "orders", invalid, true); err == nil {
			t.Errorf("capacity from %g to %g was accepted", invalid.Min, invalid.Max)
		}
	}
	if _, err := newWorld(t, nil, auroraCluster(1, 1, "db.r6g.large")).ModifyServerlessCapacity(testRegion, "orders", ServerlessCapacity{Min: 0.5, Max: 32}, true); err == nil {
		t.Error("a provisioned cluster accepted a capacity range")
	}
}

// TestServerlessCapacity_ScalesWithinRange: an instance scales up faster from a higher minimum, never leaves the range, and publishes its
// capacity.
func TestServerlessCapacity_ScalesWithinRange(t *testing.T) {
	minutesTo := func(minACUs float64) int {
		d := serverlessCluster(0)
		d.Serverless = &ServerlessCapacity{Min: minACUs, Max: 64}
		d.Load.Writer = Curve{Points: []CurvePoint{
			{VCPUs: 0.01}, {At: Instant{Offset: 10 * time.Minute}, VCPUs: 0.01}, {At: Instant{Offset: 10*time.Minute + time.Second}, VCPUs: 9},
		}}
		w := newWorld(t, nil, d)
		advance(w, time.Hour)
		reached := 0
		metric := func(name string) []Point {
			return w.MetricSamples(testRegion, map[string]string{"DBInstanceIdentifier": "orders-1"}, name, w.scenario.Start.Time, w.Now())
		}
		utilization := metric("ACUUtilization")
		for n, p := range metric("ServerlessDatabaseCapacity") {
			if p.Value < minACUs || p.Value > 64 || utilization[n].Value != 100*p.Value/64 {
				t.Fatalf("minimum %g: %g ACUs and %g %% at %s", minACUs, p.Value, utilization[n].Value, p.Time)
			}
			if p.Value < 50 && n >= 10 {
				reached = n - 9
			}
		}
		if n := len(utilization); n < 50 || utilization[n-1].Value < 75 {
			t.Fatalf("minimum %g: %d samples, the last %+v", minACUs, n, utilization[n-1])
		}
		return reached
	}
	slow, fast := minutesTo(0.5), minutesTo(32)
	if slow <= fast || slow > 10 {
		t.Errorf("to 50 ACUs: %d minutes from 0.5 ACUs, %d from 32", slow, fast)
	}
}

// TestServerlessCapacity_Pauses: with a minimum of 0, an instance without clients pauses.
func TestServerlessCapacity_Pauses(t *testing.T) {
	d := serverlessCluster(0)
	d.EngineVersion = "16.3"
	d.Serverless = &ServerlessCapacity{Max: 8, SecondsUntilAutoPause: 600}
	d.Load.Writer = Curve{Points: []CurvePoint{
		{VCPUs: 0}, {At: Instant{Offset: 30 * time.Minute}, VCPUs: 0}, {At: Instant{Offset: 30*time.Minute + time.Second}, VCPUs: 1},
	}}
	w := newWorld(t, nil, d)
	capacityAt := func(minute int) float64 {
		at := w.scenario.Start.Add(time.Duration(minute) * time.Minute)
		return w.MetricSamples(testRegion, map[string]string{"DBInstanceIdentifier": "orders-1"}, "ServerlessDatabaseCapacity", at, at.Add(time.Minute))[0].Value
	}
	advance(w, time.Hour)
	if early, paused, resumed := capacityAt(5), capacityAt(20), capacityAt(40); early != 0.5 || paused != 0 || resumed < 4 {
		t.Errorf("the capacity is %g, then %g, and %g under load; want 0.5, 0 and at least 4", early, paused, resumed)
	}
}

// TestServerlessCapacity_Check lists what RDS refuses.
func TestServerlessCapacity_Check(t *testing.T) {
	for _, test := range []struct {
		capacity ServerlessCapacity
		version  string
		message  string
	}{
		{ServerlessCapacity{Min: 0.5, Max: 10.5}, "16.1", ""},
		{ServerlessCapacity{Max: 256}, "16.3", ""},
		{ServerlessCapacity{Max: 256}, "16.1", "Serverless v2 minimum capacity 0.0 isn't valid. The minimum capacity must be at least 0.5."},
		{ServerlessCapacity{Min: 0.5, Max: 0.5}, "16.3", "Serverless v2 maximum capacity 0.5 isn't valid. The maximum capacity must be at least 1.0."},
		{ServerlessCapacity{Min: 0.5, Max: 256.5}, "16.3", "Serverless v2 maximum capacity 256.5 isn't valid."},
		{ServerlessCapacity{Min: 8, Max: 4}, "16.3", "The minimum capacity can't be greater than the maximum capacity 4.0."},
		{ServerlessCapacity{Min: 0.75, Max: 4}, "16.3", "increments of 0.5"},
		{ServerlessCapacity{Max: 4, SecondsUntilAutoPause: 60}, "16.3", "SecondsUntilAutoPause must be between 300 and 86400."},
		{ServerlessCapacity{Min: 1, Max: 4, SecondsUntilAutoPause: 600}, "16.3", "SecondsUntilAutoPause can only be specified"},
	} {
		err := test.capacity.check("aurora-postgresql", test.version)
		switch {
		case err == nil && test.message == "":
		case err == nil || test.message == "" || !strings.Contains(err.Error(), test.message):
			t.Errorf("%+v: got %v, want %q", test.capacity, err, test.message)
		}
	}
}
