package model

import (
	"slices"
	"testing"
	"time"
)

// TestBackup_ShowsDailyAndInterruptsNothing: a standalone instance with backups is backing-up each day when its window opens,
// and stays in service.
func TestBackup_ShowsDailyAndInterruptsNothing(t *testing.T) {
	d := standaloneInstance(1, "db.m6g.large", false)
	d.BackupWindow, d.Backups = "09:00-09:30", true // an hour after the start
	w := newWorld(t, nil, d)
	var backupStarts []time.Time
	for busy := false; w.Now().Before(testStart.Add(3 * 24 * time.Hour)); advance(w, time.Minute) {
		i := must[*Instance](t)(w.Instance(testRegion, "ledger"))
		if was := busy; i.Status == statusBackingUp {
			if busy = true; !was {
				backupStarts = append(backupStarts, w.Now())
			}
			_, err := w.ModifyInstance(testRegion, "ledger", classChange("db.m6g.xlarge"))
			assertAPIError(t, err, "InvalidDBInstanceState", 400, "not in available state")
			if actual, _ := w.GroundTruth(testRegion, "ledger"); !actual.InService {
				t.Fatal("the instance is out of service during a backup")
			}
			continue
		}
		if busy {
			if duration := w.Now().Sub(backupStarts[len(backupStarts)-1]); duration < minBackupDuration || duration > maxBackupDuration+time.Minute {
				t.Errorf("a backup took %s, want %s to %s", duration, minBackupDuration, maxBackupDuration)
			}
		}
		busy = false
	}
	want := []time.Time{testStart.Add(time.Hour), testStart.Add(25 * time.Hour), testStart.Add(49 * time.Hour)}
	if !slices.EqualFunc(backupStarts, want, time.Time.Equal) {
		t.Errorf("backups began at %v, want %v", backupStarts, want)
	}
	wantEvents := []string{"backup: Backing up DB instance", "backup: Finished DB Instance backup"}
	if got := eventMessages(w, "ledger"); len(got) != 6 || !slices.Equal(got[:2], wantEvents) {
		t.Errorf("got events %v", got)
	}
}

// TestBackup_SkipsBusyInstance: there is no backup if a change is in progress when the window opens; the next day there is one.
func TestBackup_SkipsBusyInstance(t *testing.T) {
	d := standaloneInstance(1, "db.m6g.large", true)
	d.BackupWindow, d.Backups = "08:01-08:31", true
	w := newWorld(t, nil, d)
	must[*Instance](t)(w.ModifyInstance(testRegion, "ledger", classChange("db.m6g.xlarge")))
	if got := recordStates(t, w, "ledger"); slices.ContainsFunc(got.states, func(s string) bool { return s[:len(statusBackingUp)] == statusBackingUp }) {
		t.Errorf("got states %s", got)
	}
	w.Advance(testStart.Add(24*time.Hour + 2*time.Minute))
	if i := must[*Instance](t)(w.Instance(testRegion, "ledger")); i.Status != statusBackingUp || i.Class != "db.m6g.xlarge" {
		t.Errorf("on the next day: got status %s and class %s, want a backup after the change", i.Status, i.Class)
	}
}

// TestAddDatabase_SetsDefaultWindows: the default windows, and no backup events by default.
func TestAddDatabase_SetsDefaultWindows(t *testing.T) {
	w := newWorld(t, nil, standaloneInstance(1, "db.m6g.large", false), auroraCluster(1, 1, "db.r6g.large"))
	c := must[*Cluster](t)(w.Cluster(testRegion, "orders"))
	if c.BackupWindow != defaultBackupWindow || c.MaintenanceWindow != defaultMaintenanceWindow {
		t.Errorf("got windows %s and %s, want the defaults", c.BackupWindow, c.MaintenanceWindow)
	}
	advance(w, 48*time.Hour)
	if got := eventMessages(w, "ledger"); len(got) != 0 {
		t.Errorf("got events %v", got)
	}
}
