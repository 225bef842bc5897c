package model

import (
	"slices"
	"testing"
	"time"
)

// TestBackups: a plain instance that asks for it is backing up each day when its window opens, and serves meanwhile.
func TestBackups(t *testing.T) {
	d := plain(1, "db.m6g.large", false)
	d.BackupWindow, d.Backups = "09:00-09:30", true // an hour after the start
	w := world(t, nil, d)
	var begun []time.Time
	for busy := false; w.Now().Before(begin.Add(3 * 24 * time.Hour)); pass(w, time.Minute) {
		i := try[*Instance](t)(w.Instance(ireland, "ledger"))
		if was := busy; i.Status == backingUp {
			if busy = true; !was {
				begun = append(begun, w.Now())
			}
			_, err := w.ModifyInstance(ireland, "ledger", resize("db.m6g.xlarge"))
			wantFault(t, err, "InvalidDBInstanceState", 400, "not in available state")
			if truth, _ := w.Truth(ireland, "ledger"); !truth.InService {
				t.Fatal("a backup takes the instance out of service")
			}
			continue
		}
		if busy {
			if length := w.Now().Sub(begun[len(begun)-1]); length < backupLeast || length > backupMost+time.Minute {
				t.Errorf("a backup took %s", length)
			}
		}
		busy = false
	}
	want := []time.Time{begin.Add(time.Hour), begin.Add(25 * time.Hour), begin.Add(49 * time.Hour)}
	if !slices.EqualFunc(begun, want, time.Time.Equal) {
		t.Errorf("backups began at %v, want %v", begun, want)
	}
	told := []string{"backup: Backing up DB instance", "backup: Finished DB Instance backup"}
	if got := messages(w, "ledger"); len(got) != 6 || !slices.Equal(got[:2], told) {
		t.Errorf("the events are %v", got)
	}
}

// TestBusyInstancesAreNotBackedUp: a change that is under way when the window opens goes on, and the next day has a backup.
func TestBusyInstancesAreNotBackedUp(t *testing.T) {
	d := plain(1, "db.m6g.large", true)
	d.BackupWindow, d.Backups = "08:01-08:31", true
	w := world(t, nil, d)
	try[*Instance](t)(w.ModifyInstance(ireland, "ledger", resize("db.m6g.xlarge")))
	if got := watch(t, w, "ledger"); slices.ContainsFunc(got.states, func(s string) bool { return s[:len(backingUp)] == backingUp }) {
		t.Errorf("the story is %s", got)
	}
	w.Advance(begin.Add(24*time.Hour + 2*time.Minute))
	if i := try[*Instance](t)(w.Instance(ireland, "ledger")); i.Status != backingUp || i.Class != "db.m6g.xlarge" {
		t.Errorf("the day after it is %s on %s", i.Status, i.Class)
	}
}

// TestWindows: the defaults, which no backup shows.
func TestWindows(t *testing.T) {
	w := world(t, nil, plain(1, "db.m6g.large", false), aurora(1, 1, "db.r6g.large"))
	c := try[*Cluster](t)(w.Cluster(ireland, "orders"))
	if c.BackupWindow != defaultBackupWindow || c.MaintenanceWindow != defaultMaintenanceWindow {
		t.Errorf("the cluster's windows are %s and %s", c.BackupWindow, c.MaintenanceWindow)
	}
	pass(w, 48*time.Hour)
	if got := messages(w, "ledger"); len(got) != 0 {
		t.Errorf("the events are %v", got)
	}
}
