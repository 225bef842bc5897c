package scaling

import (
	"strconv"
	"time"
)

// FormatDuration writes a duration in the largest unit that divides it: "2 h", "90 min", "45 s".
func FormatDuration(d time.Duration) string {
	if d%time.Hour == 0 {
		return strconv.Itoa(int(d/time.Hour)) + " h"
	}
	if d%time.Minute == 0 {
		return strconv.Itoa(int(d/time.Minute)) + " min"
	}
	return strconv.Itoa(int(d/time.Second)) + " s"
}
