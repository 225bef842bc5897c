package model

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"
)

// Published tells once what GetMetricData would tell, as soon as it would, and also of an instance that is gone.
func TestPublished(t *testing.T) {
	w := world(t, nil, aurora(0.5, 1, "db.r6g.large", "db.r6g.large", "db.r6g.large"))
	told := map[string]int{}
	var since time.Time
	for n := range 6 * 60 {
		pass(w, 10*time.Second)
		if n == 200 {
			try[*Instance](t)(w.DeleteInstance(ireland, "orders-3", true, ""))
		}
		since = w.Published(ireland, "orders", since, func(r Reading) {
			told[fmt.Sprint(r.Instance, r.At.Unix())]++
			dimensions := map[string]string{"DBInstanceIdentifier": r.Instance}
			for metric, got := range map[string]float64{
				"CPUUtilization": r.CPU, "FreeableMemory": r.FreeableMemory, "DatabaseConnections": r.Connections, "DBLoadCPU": r.DBLoadCPU,
				"EngineUptime": r.Uptime,
			} {
				want := w.Points(ireland, dimensions, metric, r.At, r.At.Add(time.Minute))
				if len(want) != 1 || want[0].Value != got {
					t.Fatalf("%s of %s at %s is %g, want %v", metric, r.Instance, r.At, got, want)
				}
			}
			if lag := w.Points(ireland, dimensions, "AuroraReplicaLag", r.At, r.At.Add(time.Minute)); r.Writer != (len(lag) == 0) ||
				!r.Writer && r.Lag.Round(time.Microsecond) != time.Duration(lag[0].Value*1e6).Round(time.Microsecond) {
				t.Fatalf("the lag is %s, want %v", r.Lag, lag)
			}
		})
	}
	for key, times := range told {
		if times != 1 {
			t.Errorf("%s was told %d times", key, times)
		}
	}
	want := 0
	for _, id := range []string{"orders-1", "orders-2", "orders-3"} {
		want += len(w.Points(ireland, map[string]string{"DBInstanceIdentifier": id}, "CPUUtilization", begin, w.Now()))
	}
	if len(told) != want || want < 140 {
		t.Errorf("%d readings, want %d", len(told), want)
	}
}

// What a minute of truth says of interruptions: a reader that is resized is one, the writer with its failover one, a new reader
// none. And a Morph none.
func TestInterrupted(t *testing.T) {
	w := world(t, nil, aurora(0.5, 1, "db.r6g.large", "db.r6g.large", "db.r6g.large"))
	count := func() int {
		n := 0
		for _, m := range w.MinutesSince(ireland, "orders", time.Time{}) {
			n += m.Interrupted
		}
		return n
	}
	class := "db.r6g.xlarge"
	for _, step := range []struct {
		name string
		do   func()
		want int
	}{
		{"nothing", func() {}, 0},
		{"a reader is resized", func() {
			try[*Instance](t)(w.ModifyInstance(ireland, "orders-2", Modify{Class: &class, ApplyImmediately: true}))
		}, 1},
		{"a failover", func() { try[*Cluster](t)(w.FailoverCluster(ireland, "orders", "orders-2")) }, 2},
		{"the writer is resized", func() {
			other := "db.r6g.2xlarge"
			try[*Instance](t)(w.ModifyInstance(ireland, "orders-2", Modify{Class: &other, ApplyImmediately: true}))
		}, 3},
		{"a reader more", func() {
			try[*Instance](t)(w.CreateInstance(ireland, Create{Identifier: "more", Cluster: "orders", Engine: "aurora-postgresql", Class: class}))
		}, 3},
		{"a morph", func() {
			if err := w.Morph(ireland, "orders-3", 3); err != nil {
				t.Fatal(err)
			}
		}, 3},
	} {
		step.do()
		pass(w, 30*time.Minute)
		if got := count(); got != step.want {
			t.Errorf("%s: %d interruptions in all, want %d", step.name, got, step.want)
		}
	}
	if truth, _ := w.Truth(ireland, "orders-3"); truth.VCPUs != 3 || !truth.InService {
		t.Errorf("morphed: %+v", truth)
	}
	if err := w.Morph(ireland, "orders-3", 0); err == nil {
		t.Error("an instance has no vCPUs")
	}
}

// Refused is what was asked for and not served at once; waiting work that is asked for again does not count twice.
func TestRefused(t *testing.T) {
	w := world(t, nil, aurora(0.5, 3, "db.r6g.large", "db.r6g.large"))
	pass(w, 2*time.Hour)
	total := 0.0
	minutes := w.MinutesSince(ireland, "orders", begin.Add(time.Hour))
	for _, m := range minutes {
		total += m.ReaderRefused
	}
	// 3 vCPU are asked of a reader that can give 98.5 % of 2.
	each := total / float64(len(minutes)) / 60
	if len(minutes) != 60 || math.Abs(each-1.03) > 1e-9 {
		t.Errorf("%d minutes, %.3f vCPU refused", len(minutes), each)
	}
}

// Evenly spaced demands are what points at the same moments are.
func TestEven(t *testing.T) {
	even := Curve{Even: &Even{From: Moment{Offset: time.Minute}, VCPUs: []float64{1, 3, 2}}}
	even.Even.Every.Duration = 5 * time.Minute
	points := Curve{Points: []CurvePoint{{Moment{Offset: time.Minute}, 1}, {Moment{Offset: 6 * time.Minute}, 3}, {Moment{Offset: 11 * time.Minute}, 2}}}
	s := Scenario{}
	s.Start.Time = begin
	one, other := try[demand](t)(s.resolve(even)), try[demand](t)(s.resolve(points))
	for at := time.Duration(0); at < 15*time.Minute; at += 10 * time.Second {
		if a, b := one.at(at), other.at(at); math.Abs(a-b) > 1e-12 {
			t.Errorf("after %s it is %g, want %g", at, a, b)
		}
	}
	for want, broken := range map[string]Even{
		"every at least": {VCPUs: []float64{1}}, "want vcpus": {Every: even.Even.Every}, "at least 0": {Every: even.Even.Every, VCPUs: []float64{math.NaN()}},
	} {
		if err := (Curve{Even: &broken}).validate(s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}
