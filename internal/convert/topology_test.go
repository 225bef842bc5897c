package convert

import (
	"fmt"
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

// readersObservation returns an observation of readers with a class and status, the given minutes after now.
func readersObservation(minutes int, class, status string, readers ...string) scaling.Observation {
	o := scaling.Observation{ObservedAt: now.Add(time.Duration(minutes) * time.Minute), ARN: "arn", Engine: "aurora-postgresql", EngineVersion: "15.4"}
	for _, name := range readers {
		o.Instances = append(o.Instances, scaling.Instance{Identifier: name, Class: class, Status: status})
	}
	return o
}

func minutesAfterStart(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return fmt.Sprint(int(t.Sub(now) / time.Minute))
}

// TestPoolStatus_ChangeTimeAndCapacityHistory checks that lastChangeTime starts when the pool is first observed in its current form, and
// that capacityHistory records the capacity before.
func TestPoolStatus_ChangeTimeAndCapacityHistory(t *testing.T) {
	var status *v1alpha1.PoolStatus
	restarted := readersObservation(80, "db.r6g.xlarge", "available", "a", "b")
	restarted.Instances[0].RestartedAt = now.Add(76 * time.Minute)
	started := readersObservation(51, "db.r6g.xlarge", "available", "a", "b")
	started.Instances[0].RestartedAt = now.Add(48 * time.Minute)
	for _, step := range []struct {
		name  string
		o     scaling.Observation
		since string
		past  string
	}{
		{"first observation starts the time", readersObservation(0, "db.r6g.large", "available", "a"), "0", "[]"},
		{"unchanged keeps the time", readersObservation(1, "db.r6g.large", "available", "a"), "0", "[]"},
		{"backing up counts as in service", readersObservation(2, "db.r6g.large", "backing-up", "a"), "0", "[]"},
		{"modifying ends the period", readersObservation(20, "db.r6g.large", "modifying", "a"), "never", "[0-20: 2]"},
		{"still modifying records nothing more", readersObservation(25, "db.r6g.large", "modifying", "a"), "never", "[0-20: 2]"},
		{"new class starts the time", readersObservation(30, "db.r6g.xlarge", "available", "a"), "30", "[0-20: 2]"},
		{"new reader ends a period", readersObservation(50, "db.r6g.xlarge", "available", "a", "b"), "50", "[0-20: 2 30-50: 4]"},
		{"small error of the restart time is ignored", started, "50", "[0-20: 2 30-50: 4]"},
		{"restart starts the time", restarted, "76", "[0-20: 2 30-50: 4 50-80: 8]"},
		{"short period is not recorded", readersObservation(85, "db.r6g.large", "available", "a", "b"), "85", "[0-20: 2 30-50: 4 50-80: 8]"},
		{"old periods are dropped", readersObservation(3*7*24*60, "db.r6g.large", "available", "a", "b"), "85", "[]"},
	} {
		status = PoolStatus(status, step.o, scaling.Readers)
		var past []string
		for _, p := range status.CapacityHistory {
			past = append(past, fmt.Sprintf("%s-%s: %s", minutesAfterStart(p.StartTime.Time), minutesAfterStart(p.EndTime.Time), p.VCPUs))
		}
		if got := minutesAfterStart(PoolState(status).ChangedAt); got != step.since || fmt.Sprint(past) != step.past {
			t.Errorf("%s: changed at %s with the history %v, want %s and %s", step.name, got, past, step.since, step.past)
		}
	}
	history := PoolState(status).FullCapacityHistory(nil, new(readersObservation(100, "db.r6g.large", "available", "a", "b")))
	if n := len(history); n != 1 || history[0].VCPUs != 4 || minutesAfterStart(history[0].StartedAt) != "85" || minutesAfterStart(history[0].EndedAt) != "100" {
		t.Errorf("the full capacity history is %v, want 4 vCPUs from minute 85 to 100", history)
	}
	if PoolStatus(status, readersObservation(0, "", ""), scaling.Readers) != nil || PoolState(nil).FullCapacityHistory(nil, &scaling.Observation{}) != nil {
		t.Error("the status or history of an empty pool is not nil")
	}
}

// TestPoolStatus_FractionalCapacity: the history of a small Aurora Serverless v2 cluster is exact.
func TestPoolStatus_FractionalCapacity(t *testing.T) {
	serverless := func(minute int, class, status string) scaling.Observation {
		o := readersObservation(minute, class, status, "a")
		o.Instances[0].Writer, o.Serverless, o.MinCapacity = true, true, 0.5
		return o
	}
	status := PoolStatus(nil, serverless(0, "10.5 ACU", "available"), scaling.Writer)
	status = PoolStatus(status, serverless(20, "1 ACU", "modifying"), scaling.Writer)
	status = PoolStatus(status, serverless(21, "1 ACU", "available"), scaling.Writer)
	history := PoolState(status).FullCapacityHistory(nil, new(serverless(30, "1 ACU", "available")))
	if len(history) != 2 || history[0].VCPUs != 2.625 || history[1].VCPUs != 0.25 || status.CapacityHistory[0].VCPUs.String() != "2625m" {
		t.Errorf("the history is %v, status %v", history, status.CapacityHistory)
	}
	if got := TargetStatus(nil, serverless(30, "1 ACU", "available")).CapacityRange; got != "0.5 ACU to 1 ACU" {
		t.Errorf("the capacity range is %q", got)
	}
}

func TestPoolStatus_CapacityHistoryIsBounded(t *testing.T) {
	var status *v1alpha1.PoolStatus
	for n := range 200 {
		status = PoolStatus(status, readersObservation(20*n, "db.r6g.large", "available", fmt.Sprint(n)), scaling.Readers)
	}
	if got := len(status.CapacityHistory); got != 64 || minutesAfterStart(status.CapacityHistory[63].EndTime.Time) != "3980" {
		t.Errorf("%d periods are kept, the last until minute %s; want 64 and 3980", got, minutesAfterStart(status.CapacityHistory[63].EndTime.Time))
	}
}

// TestTargetStatus_UpgradeTime checks that upgradeTime is when another engine version was first observed.
func TestTargetStatus_UpgradeTime(t *testing.T) {
	var status *v1alpha1.TargetStatus
	for _, step := range []struct {
		minutes int
		version string
		arn     string
		want    string
	}{
		{0, "15.4", "arn", "never"}, // an upgrade before the first observation is unknown
		{1, "15.4", "arn", "never"},
		{2, "16.1", "arn", "2"},
		{3, "16.1", "arn", "2"},
		{9, "16.2", "arn", "9"},
		{10, "15.4", "other", "never"}, // another database of the same name
	} {
		o := readersObservation(step.minutes, "db.r6g.large", "available", "a")
		o.EngineVersion, o.ARN = step.version, step.arn
		status = TargetStatus(status, o)
		if got := minutesAfterStart(EngineUpgradedAt(status)); got != step.want {
			t.Errorf("after %d minutes at %s: upgraded %s, want %s", step.minutes, step.version, got, step.want)
		}
	}
}

// TestSetUnchangedSince: the time is recorded before lastChangeTime only, and kept until the pool changes.
func TestSetUnchangedSince(t *testing.T) {
	first := readersObservation(60, "db.r6g.large", "available", "a")
	changing := readersObservation(60, "db.r6g.large", "modifying", "a")
	for _, test := range []struct {
		name  string
		o     scaling.Observation
		since time.Time
		want  string
	}{
		{"known", first, now, "0"},
		{"not known", first, time.Time{}, "never"},
		{"not before the first observation", first, first.ObservedAt, "never"},
		{"changing", changing, now, "never"},
		{"no reader", readersObservation(60, "db.r6g.large", "available"), now, "never"},
	} {
		status := PoolStatus(nil, test.o, scaling.Readers)
		SetUnchangedSince(status, test.since)
		if got := minutesAfterStart(PoolState(status).UnchangedSince); got != test.want {
			t.Errorf("%s: unchanged since %s, want %s", test.name, got, test.want)
		}
	}
	status := PoolStatus(nil, first, scaling.Readers)
	SetUnchangedSince(status, now)
	status = PoolStatus(status, readersObservation(61, "db.r6g.large", "available", "a"), scaling.Readers)
	if got := minutesAfterStart(PoolState(status).UnchangedSince); got != "0" {
		t.Errorf("after another observation: unchanged since %s", got)
	}
	status = PoolStatus(status, readersObservation(62, "db.r6g.xlarge", "available", "a"), scaling.Readers)
	if status.UnchangedSinceTime != nil {
		t.Errorf("after a change of the class: unchanged since %s", status.UnchangedSinceTime)
	}
}
