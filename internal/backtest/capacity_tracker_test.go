package backtest

import (
	"math"
	"testing"
	"time"
)

// trackMinutes adds minutes with 2 vCPUs that carry a demand below 1.77 (88.5 %), unless a test says otherwise.
func trackMinutes(t *capacityTracker, score *Score, from int, minutes ...capacityMinute) {
	for n, m := range minutes {
		m.at = monday.Add(time.Duration(from+n) * time.Minute)
		if m.vcpus == 0 {
			m.vcpus = 2
		}
		m.scaleUpPercent = 75
		t.addMinute(score, m)
	}
}

// A shortage lasts from its first short or overloaded minute until enough vCPUs serve: the overloaded minutes after that, of the backlog,
// do not count. After ten minutes without either the next one is another shortage.
func TestCapacityTracker_MeasuresTimeToCapacity(t *testing.T) {
	tracker, score := &capacityTracker{}, &Score{}
	trackMinutes(tracker, score, 0, capacityMinute{demand: 1}, capacityMinute{demand: 1.7, isOverloaded: true}, capacityMinute{demand: 4},
		capacityMinute{demand: 4}, capacityMinute{demand: 4, vcpus: 8, isOverloaded: true}, capacityMinute{demand: 4, vcpus: 8})
	trackMinutes(tracker, score, 14, capacityMinute{demand: 1.77}) // ten minutes after the last overloaded one: the same shortage
	if score.Shortages != 1 || score.ShortageMinutes != 14 || score.LongestShortage != 14 {
		t.Errorf("got %+v, want one shortage from minute 1 to 14", score)
	}
	trackMinutes(tracker, score, 25, capacityMinute{demand: math.NaN(), isOverloaded: true}, capacityMinute{demand: 1, isOverloaded: true})
	if score.Shortages != 2 || score.ShortageMinutes != 15 || score.TimeToCapacity() != 7.5 {
		t.Errorf("got %+v, want a second shortage of one minute", score)
	}
}

// A foreseen growth from 2 vCPUs is needed if the demand reaches 75 % of them within two hours. It averts a shortage if the demand reaches
// 88.5 % of them and nothing is overloaded.
func TestCapacityTracker_JudgesForesight(t *testing.T) {
	for _, test := range []struct {
		name             string
		after            int // minutes
		minute           capacityMinute
		needed, averted  int
		precision, shown float64
	}{
		{"quiet", 30, capacityMinute{demand: 1.49, vcpus: 4}, 0, 0, 0, 0},
		{"above the threshold", 30, capacityMinute{demand: 1.5, vcpus: 4}, 1, 0, 1, 0},
		{"averted", 120, capacityMinute{demand: 1.8, vcpus: 4}, 1, 1, 1, 1},
		{"too late", 121, capacityMinute{demand: 1.8, vcpus: 4}, 0, 0, 0, 0},
		{"not enough", 30, capacityMinute{demand: 4, vcpus: 4}, 1, 0, 1, 0},
		{"overloaded all the same", 30, capacityMinute{demand: 1.8, vcpus: 4, isOverloaded: true}, 1, 0, 1, 0},
	} {
		tracker, score := &capacityTracker{}, &Score{}
		trackMinutes(tracker, score, 0, capacityMinute{demand: 1})
		tracker.addForeseenGrowth(score, monday)
		trackMinutes(tracker, score, test.after, test.minute, test.minute)
		precision, _ := score.ForesightPrecision()
		recall, _ := score.ForesightRecall()
		if score.NeededGrowths != test.needed || score.AvertedShortages != test.averted || precision != test.precision || recall != test.shown {
			t.Errorf("%s: got %+v, precision %g, recall %g", test.name, score, precision, recall)
		}
	}
	if _, known := (Score{}).ForesightPrecision(); known {
		t.Error("a precision without a foreseen growth")
	}
	if _, known := (Score{}).ForesightRecall(); known {
		t.Error("a recall without a shortage")
	}
}

// Two large readers that use 1 of 4 vCPUs have a slack of three quarters.
func TestScore_Slack(t *testing.T) {
	s := newStepSetup()
	s.Recording = newHourlyRecording(1, 1)
	s.Policy.Readers.InstanceClasses, s.Policy.Readers.Min, s.Policy.Readers.Max = []string{"db.r6g.large"}, 2, 2
	s.InitialShape.Count = 2
	if got := runPolicy(t, s).Score; math.Abs(got.Slack()-0.75) > 0.001 || math.Abs(got.UsedVCPUHours-2) > 0.01 {
		t.Errorf("slack %.3f, %.2f used vCPU hours, want 0.75 and 2", got.Slack(), got.UsedVCPUHours)
	}
	if (Score{}).Slack() != 0 {
		t.Error("a slack without vCPUs")
	}
}

// A part of the recording has a timeline and events of its own, and the same score, for simulated runs and for the oracle.
func TestCompare_LimitsTimeline(t *testing.T) {
	s := newStepSetup() // the demand rises at 6:00
	whole, err := Compare(t.Context(), s, []string{oracleID}, nil)
	if err != nil {
		t.Fatal(err)
	}
	s.TimelineFrom, s.TimelineUntil = monday.Add(5*time.Hour), monday.Add(8*time.Hour)
	c, err := Compare(t.Context(), s, []string{oracleID}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for n, run := range c.Runs {
		timeline := run.Timeline
		if run.Score != whole.Runs[n].Score || timeline.Start != s.TimelineFrom || timeline.BucketLength != time.Minute || len(timeline.DemandVCPUs) != 180 ||
			timeline.DemandVCPUs[50] != 1 || timeline.DemandVCPUs[70] != 5 {
			t.Errorf("%s: %+v, %d minutes from %s", run.Name, run.Score, len(timeline.DemandVCPUs), timeline.Start)
		}
		if len(run.Events) == 0 || run.Events[0].Time.Before(s.TimelineFrom) || !run.Events[len(run.Events)-1].Time.Before(s.TimelineUntil) {
			t.Errorf("%s: the events are %+v", run.Name, run.Events)
		}
	}
}
