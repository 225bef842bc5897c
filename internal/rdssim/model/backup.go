package model

import (
	"regexp"
	"time"
)

const (
	statusBackingUp = "backing-up"

	// How long a daily backup of a plain instance shows: snapshots are incremental, so it is minutes, whatever the size.
	minBackupDuration, maxBackupDuration = 3 * time.Minute, 6 * time.Minute

	day = 24 * time.Hour
)

var backupWindowPattern = regexp.MustCompile(`^([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d$`)

// isValidBackupWindow says whether a backup window is one such as 01:00-01:30, of 30 minutes at least (RDS API reference,
// PreferredBackupWindow).
func isValidBackupWindow(window string) bool {
	return backupWindowPattern.MatchString(window) && (timeOfDay(window[6:])-timeOfDay(window)+day)%day >= minWindowDuration
}

// timeOfDay is how long after midnight a time such as 01:00 is.
func timeOfDay(at string) time.Duration {
	number := func(n int) int { return 10*int(at[n]-'0') + int(at[n+1]-'0') }
	return time.Duration(number(0))*time.Hour + time.Duration(number(3))*time.Minute
}

// scheduleBackup backs an instance up when its window opens next, and again each day. A day on which it is busy then has no
// backup.
func (w *World) scheduleBackup(s *instanceState) {
	delay := (timeOfDay(s.BackupWindow) - w.now.Sub(w.now.Truncate(day)) + day) % day
	if delay == 0 {
		delay = day
	}
	w.scheduleForInstance(s, delay, func() {
		if s.Status == statusAvailable && !s.changeInProgress {
			w.startBackup(s)
		}
		w.scheduleBackup(s)
	})
}

// startBackup only shows: the instance serves all the while.
func (w *World) startBackup(s *instanceState) {
	s.Status = statusBackingUp
	w.recordInstanceEvent(s, "backup", "Backing up DB instance")
	w.scheduleForInstance(s, w.drawDuration(minBackupDuration, maxBackupDuration), func() {
		s.setAvailable(w.now)
		w.recordInstanceEvent(s, "backup", "Finished DB Instance backup")
	})
}
