package model

import (
	"regexp"
	"time"
)

const (
	// The range of how long a standalone instance is backing-up each day: snapshots are incremental, so it takes minutes at any
	// size.
	minBackupDuration, maxBackupDuration = 3 * time.Minute, 6 * time.Minute

	day = 24 * time.Hour
)

var backupWindowPattern = regexp.MustCompile(`^([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d$`)

// isValidBackupWindow reports whether a backup window has the form 01:00-01:30 and lasts at least 30 minutes (RDS API reference,
// PreferredBackupWindow).
func isValidBackupWindow(window string) bool {
	return backupWindowPattern.MatchString(window) && (timeOfDay(window[6:])-timeOfDay(window)+day)%day >= minWindowDuration
}

// timeOfDay returns the time since midnight of a clock time such as 01:00.
func timeOfDay(clock string) time.Duration {
	return time.Duration(twoDigits(clock, 0))*time.Hour + time.Duration(twoDigits(clock, 3))*time.Minute
}

// twoDigits returns the number that two decimal digits of a string stand for, from an index on.
func twoDigits(text string, index int) int {
	return 10*int(text[index]-'0') + int(text[index+1]-'0')
}

// scheduleBackup starts a backup when the backup window next opens, and again each day. There is no backup on a day on which the
// instance is busy at that time.
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

// startBackup shows the instance as backing-up for a few minutes. The instance stays in service.
func (w *World) startBackup(s *instanceState) {
	s.Status = statusBackingUp
	w.recordInstanceEvent(s, "backup", "Backing up DB instance")
	w.scheduleForInstance(s, w.drawDuration(minBackupDuration, maxBackupDuration), func() {
		s.setAvailable(w.now)
		w.recordInstanceEvent(s, "backup", "Finished DB Instance backup")
	})
}
