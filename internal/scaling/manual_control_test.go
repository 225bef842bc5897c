package scaling

import (
	"testing"
	"time"
)

func TestManualControl_PauseEnd(t *testing.T) {
	for until, want := range map[time.Time]string{
		time.Date(2026, 2, 5, 19, 0, 0, 0, time.FixedZone("CET", 3600)):                   "2026-02-05T18:00:00Z",
		time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC):                                  "it is resumed",
		time.Date(9999, 12, 31, 23, 59, 58, 0, time.UTC):                                  "9999-12-31T23:59:58Z",
		time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC).In(time.FixedZone("W", -5*3600)): "it is resumed",
	} {
		m := ManualControl{PausedUntil: until}
		if got := m.PauseEnd(); got != want || m.IsPausedIndefinitely() != (want == "it is resumed") {
			t.Errorf("%s: got %q, want %q", until, got, want)
		}
	}
}

func TestPluginCommand(t *testing.T) {
	for _, test := range []struct{ got, want string }{
		{PluginCommand("shop/orders", "resume"), "kubectl dbscaler resume orders -n shop"},
		{PluginCommand("shop/orders", "approve", "--hash", "0a1b2c3d"), "kubectl dbscaler approve orders -n shop --hash 0a1b2c3d"},
		{PluginCommand("orders", "override", "--end"), "kubectl dbscaler override orders --end"},
	} {
		if test.got != test.want {
			t.Errorf("got %q, want %q", test.got, test.want)
		}
	}
}
