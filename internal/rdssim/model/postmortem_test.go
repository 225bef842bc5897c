package model

import (
	"testing"
	"time"
)

// TestPostMortem plays the morning with nobody acting and checks that it goes as the post-mortem says.
func TestPostMortem(t *testing.T) {
	s, err := LoadScenario("../../../hack/rdssim/scenarios/post-mortem.yaml")
	if err != nil {
		t.Fatal(err)
	}
	w, err := New(s)
	if err != nil {
		t.Fatal(err)
	}
	w.Advance(s.Start.Add(9 * time.Hour))
	var passed, saturated time.Time
	minutes, writerPeak := 0, 0.0
	for _, m := range w.Minutes("eu-west-1", "clinical-engine") {
		if passed.IsZero() && m.HottestReader >= 70 {
			passed = m.At
		}
		if m.Saturated {
			minutes++
			if saturated.IsZero() {
				saturated = m.At
			}
		}
		if m.At.Hour() >= 4 {
			writerPeak = max(writerPeak, m.Writer)
		}
	}
	within := func(what string, at time.Time, from, to string) {
		if clock := at.Format("15:04"); clock < from || clock > to {
			t.Errorf("%s at %s, want from %s to %s", what, clock, from, to)
		}
	}
	within("the reader passes 70 %", passed, "08:20", "08:35")
	within("the reader saturates", saturated, "09:55", "10:05")
	if minutes < 110 {
		t.Errorf("saturated for %d minutes, want it to stay so until noon", minutes)
	}
	if writerPeak >= 60 {
		t.Errorf("the writer reaches %.0f %%, want less than 60", writerPeak)
	}
}
