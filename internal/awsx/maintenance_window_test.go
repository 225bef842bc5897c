package awsx

import "testing"

func TestStaggeredWindow(t *testing.T) {
	for _, test := range []struct {
		name, writer string
		others       []string
		backup, want string
	}{
		{"after the writer", "sun:02:00-sun:02:30", nil, "", "sun:02:30-sun:03:00"},
		{"before it, when another reader is after it", "sun:02:00-sun:02:30", []string{"sun:02:30-sun:03:00"}, "", "sun:01:30-sun:02:00"},
		{"not during the daily backup", "sun:02:00-sun:02:30", nil, "02:30-03:00", "sun:01:30-sun:02:00"},
		{"a backup window past midnight", "sun:00:30-sun:01:00", []string{"sun:01:00-sun:01:30"}, "23:50-00:20", "sun:01:30-sun:02:00"},
		{"past the end of the week", "sun:23:30-mon:00:00", nil, "", "mon:00:00-mon:00:30"},
		{"the same window, when it is long", "sun:00:00-sun:04:00", nil, "", "sun:00:00-sun:04:00"},
		{"the same window, when none is free", "sun:02:00-sun:04:00", []string{"sun:00:00-sun:02:00", "sun:04:00-sun:06:00"}, "", "sun:02:00-sun:04:00"},
		{"capital letters", "Sun:02:00-Sun:02:30", nil, "", "sun:02:30-sun:03:00"},
		{"a text that is no window", "whenever", nil, "", "whenever"},
		{"none", "", nil, "", ""},
	} {
		if got := staggeredWindow(test.writer, test.others, test.backup); got != test.want {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
	}
}
