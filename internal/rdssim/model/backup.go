package model

import (
	"regexp"
	"time"
)

const (
	backingUp = "backing-up"

	// How long a daily backup of a plain instance shows: snapshots are incremental, so it is minutes, whatever the size.
	backupLeast, backupMost = 3 * time.Minute, 6 * time.Minute

	day = 24 * time.Hour
)

var backupPattern = regexp.MustCompile(`^([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d$`)

// validBackupWindow says whether a backup window is one such as 01:00-01:30, of 30 minutes at least (RDS API reference,
// PreferredBackupWindow).
func validBackupWindow(window string) bool {
	return backupPattern.MatchString(window) && (intoDay(window[6:])-intoDay(window)+day)%day >= shortestWindow
}

// intoDay is how long after midnight a time such as 01:00 is.
func intoDay(at string) time.Duration {
	number := func(n int) int { return 10*int(at[n]-'0') + int(at[n+1]-'0') }
	return time.Duration(number(0))*time.Hour + time.Duration(number(3))*time.Minute
}

// awaitBackup backs an instance up when its window opens next, and again each day. A day on which it is busy then has no
// backup.
func (w *World) awaitBackup(s *server) {
	wait := (intoDay(s.BackupWindow) - w.now.Sub(w.now.Truncate(day)) + day) % day
	if wait == 0 {
		wait = day
	}
	w.later(s, wait, func() {
		if s.Status == available && !s.changing {
			w.backUp(s)
		}
		w.awaitBackup(s)
	})
}

// backUp only shows: the instance serves all the while.
func (w *World) backUp(s *server) {
	s.Status = backingUp
	w.tell(s, "backup", "Backing up DB instance")
	w.later(s, w.between(backupLeast, backupMost), func() {
		s.ready(w.now)
		w.tell(s, "backup", "Finished DB Instance backup")
	})
}
