package model

import (
	"slices"
	"testing"
	"time"
)

// TestBackup_ShowsDailyAndInterruptsNothing: a plain instance that asks for it is backing up each day when its window opens, and serves meanwhile.
func TestBackup_ShowsDailyAndInterruptsNothing(t *testing.T) {
	d := plainInstance(1, "db.m6g.large", false)
	d.BackupWindow, d.Backups = "09:00-09:30", true // an hour after the start
	w := newWorld(t, nil, d)
	var begun []time.Time
	for busy := false; w.Now().Before(testStart.Add(3 * 24 * time.Hour)); advance(w, time.Minute) {
		i := must[*Instance](t)(w.Instance(testRegion, "ledger"))
		if was := busy; i.Status == statusBackingUp {
			if busy = true; !was {
				begun = append(begun, w.Now())
			}
			_, err := w.ModifyInstance(testRegion, "ledger", classChange("db.m6g.xlarge"))
			assertAPIError(t, err, "InvalidDBInstanceState", 400, "not in available state")
			if truth, _ := w.GroundTruth(testRegion, "ledger"); !truth.InService {
				t.Fatal("a backup takes the instance out of service")
			}
			continue
		}
		if busy {
			if length := w.Now().Sub(begun[len(begun)-1]); length < minBackupDuration || length > maxBackupDuration+time.Minute {
				t.Errorf("a backup took %s", length)
			}
		}
		busy = false
	}
	want := []time.Time{testStart.Add(time.Hour), testStart.Add(25 * time.Hour), testStart.Add(49 * time.Hour)}
	if !slices.EqualFunc(begun, want, time.Time.Equal) {
		t.Errorf("backups began at %v, want %v", begun, want)
	}
	told := []string{"backup: Backing up DB instance", "backup: Finished DB Instance backup"}
	if got := eventMessages(w, "ledger"); len(got) != 6 || !slices.Equal(got[:2], told) {
		t.Errorf("the events are %v", got)
	}
}

// TestBackup_SkipsBusyInstance: a change that is under way when the window opens goes on, and the next day has a backup.
func TestBackup_SkipsBusyInstance(t *testing.T) {
	d := plainInstance(1, "db.m6g.large", true)
	d.BackupWindow, d.Backups = "08:01-08:31", true
	w := newWorld(t, nil, d)
	must[*Instance](t)(w.ModifyInstance(testRegion, "ledger", classChange("db.m6g.xlarge")))
	if got := recordStates(t, w, "ledger"); slices.ContainsFunc(got.states, func(s string) bool { return s[:len(statusBackingUp)] == statusBackingUp }) {
		t.Errorf("the story is %s", got)
	}
	w.Advance(testStart.Add(24*time.Hour + 2*time.Minute))
	if i := must[*Instance](t)(w.Instance(testRegion, "ledger")); i.Status != statusBackingUp || i.Class != "db.m6g.xlarge" {
		t.Errorf("the day after it is %s on %s", i.Status, i.Class)
	}
}

// TestAddDatabase_SetsDefaultWindows: the defaults, which no backup shows.
func TestAddDatabase_SetsDefaultWindows(t *testing.T) {
	w := newWorld(t, nil, plainInstance(1, "db.m6g.large", false), auroraCluster(1, 1, "db.r6g.large"))
	c := must[*Cluster](t)(w.Cluster(testRegion, "orders"))
	if c.BackupWindow != defaultBackupWindow || c.MaintenanceWindow != defaultMaintenanceWindow {
		t.Errorf("the cluster's windows are %s and %s", c.BackupWindow, c.MaintenanceWindow)
	}
	advance(w, 48*time.Hour)
	if got := eventMessages(w, "ledger"); len(got) != 0 {
		t.Errorf("the events are %v", got)
	}
}
