package main

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/backtest"
	"github.com/dbscaler/dbscaler/internal/rdssim/model"
)

// burstSettings are the settings of --burst.
func burstSettings(t *testing.T, args ...string) settings {
	t.Helper()
	s, err := parseFlags(append([]string{"--burst"}, args...))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func newTestBurstSetup(t *testing.T, s settings) backtest.Setup {
	t.Helper()
	setup, err := newBurstSetup(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	return setup
}

func TestCrowdDemand_EightTimesWithinFiveMinutes(t *testing.T) {
	for _, test := range []struct {
		at   time.Duration
		want float64
	}{
		{0, calmVCPUs}, {crowdAfter, calmVCPUs}, {crowdAfter + 5*time.Minute, 8 * calmVCPUs}, {crowdAfter + 40*time.Minute, 8 * calmVCPUs},
		{crowdAfter + 42*time.Minute + 30*time.Second, 4.5 * calmVCPUs}, {crowdAfter + 45*time.Minute, calmVCPUs}, {3 * time.Hour, calmVCPUs},
	} {
		if got := crowdDemand(test.at); got < test.want-1e-9 || got > test.want+1e-9 {
			t.Errorf("%s: got %g vCPUs, want %g", test.at, got, test.want)
		}
	}
}

// TestSimulateRival: Aurora Auto Scaling sees readers at 100 % after about three minutes and then adds some each time, since it does not see
// the demand above 100 %. The saturated minutes before are the time that the first readers need.
func TestSimulateRival(t *testing.T) {
	got, err := simulateRival(t.Context(), newTestBurstSetup(t, burstSettings(t)))
	if err != nil {
		t.Fatal(err)
	}
	start := time.Date(2024, 11, 29, 20, 0, 0, 0, time.UTC)
	if after := got.firstActionAt.Sub(start); after < 2*time.Minute || after > 8*time.Minute {
		t.Errorf("the first change is at %s, want 2 to 8 minutes after %s", got.firstActionAt, start)
	}
	if !strings.HasPrefix(got.firstAction, "2 × db.r6g.large → ") || strings.HasSuffix(got.firstAction, "rule") {
		t.Errorf("the first change is %q", got.firstAction)
	}
	if got.overloadedMinutes < 10 || got.peakPercent < 99 || got.saturatedMinutes == 0 || got.restarts != 0 || got.maxReaders < 6 ||
		got.timeToCapacity < 10*time.Minute || got.vcpuHours < 2*2*3.5 {
		t.Errorf("got %+v", got)
	}
}

// TestBurst_OperatorIsBetterThanAurora plays the operator's decisions in the backtest: they must reach the goal of make demo BURST=1.
func TestBurst_OperatorIsBetterThanAurora(t *testing.T) {
	setup := newTestBurstSetup(t, burstSettings(t))
	rival, err := simulateRival(t.Context(), setup)
	if err != nil {
		t.Fatal(err)
	}
	run, err := backtest.RunPolicy(t.Context(), setup, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range run.Events {
		t.Logf("%s %s %s", e.Time.Format("15:04"), e.Kind, e.Message)
	}
	t.Logf("rival: %+v; operator: %+v", rival, run.Score)
	got := burstSummary{overloadedMinutes: run.Score.OverloadedMinutes, restarts: run.Score.Disruptions}
	if missed := judgeBurst(rival, got); missed != "" {
		t.Error(missed)
	}
}

// TestBurstMeter_ScoresAsTheBacktest: the table has the overloaded minutes and the vCPU hours of the backtest's score.
func TestBurstMeter_ScoresAsTheBacktest(t *testing.T) {
	setup := newTestBurstSetup(t, burstSettings(t))
	meter := newBurstMeter(setup.Recording.Start)
	run, err := backtest.RunBaseline(t.Context(), setup, rivalID, meter.measure)
	if err != nil {
		t.Fatal(err)
	}
	got, want := meter.result, run.Score
	if got.overloadedMinutes != want.OverloadedMinutes || got.restarts != want.Disruptions ||
		got.vcpuHours < want.VCPUHours-0.01 || got.vcpuHours > want.VCPUHours+0.01 {
		t.Errorf("got %+v, want the minutes, vCPU hours and disruptions of %+v", got, want)
	}
}

// TestBurstMeter_TimeToCapacity: without any change the readers never have the vCPUs of the crowd.
func TestBurstMeter_TimeToCapacity(t *testing.T) {
	setup := newTestBurstSetup(t, burstSettings(t))
	scenario, err := setup.Scenario()
	if err != nil {
		t.Fatal(err)
	}
	w, err := model.New(scenario)
	if err != nil {
		t.Fatal(err)
	}
	meter := newBurstMeter(scenario.Start.Time)
	w.Advance(scenario.Start.Add(crowdAfter))
	if meter.measure(w); meter.result.timeToCapacity != 0 || meter.result.overloadedMinutes != 0 {
		t.Errorf("before the crowd: %+v", meter.result)
	}
	w.Advance(scenario.Start.Add(2 * time.Hour))
	meter.measure(w)
	// The last minutes of the crowd fall below the vCPUs of the readers.
	if got := meter.result; got.timeToCapacity < crowdLength-crowdRise || got.timeToCapacity > crowdLength || got.maxReaders != initialReaders ||
		got.finalReaders != "2 × db.r6g.large" || got.vcpuHours < 7.9 || got.vcpuHours > 8.1 {
		t.Errorf("got %+v", got)
	}
}

func TestBurstMeter_RecordOperation(t *testing.T) {
	shape := func(count int32) v1alpha1.Shape { return v1alpha1.Shape{InstanceClass: burstClass, Replicas: &count} }
	at := time.Date(2024, 11, 29, 20, 6, 0, 0, time.UTC)
	meter := newBurstMeter(at)
	var out bytes.Buffer
	op := &v1alpha1.OperationStatus{ID: "a", From: shape(2), To: shape(4), Cause: "more load"}
	op.StartTime.Time = at
	meter.recordOperation(&out, at, nil)
	meter.recordOperation(&out, at, op)
	meter.recordOperation(&out, at, op)
	if out.Len() > 0 {
		t.Errorf("without a raise it printed %q", out.String())
	}
	op.To = shape(10)
	meter.recordOperation(&out, at.Add(time.Minute), op)
	if want := "20:07    ▸ Operation a raised: 4 × db.r6g.large → 10 × db.r6g.large. Cause: more load\n"; out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
	if meter.result.firstAction != "2 × db.r6g.large → 4 × db.r6g.large" || !meter.result.firstActionAt.Equal(at) {
		t.Errorf("the first change is %+v", meter.result)
	}
}

func TestPrintBurstComparison(t *testing.T) {
	at := time.Date(2024, 11, 29, 20, 6, 0, 0, time.UTC)
	var out bytes.Buffer
	printBurstComparison(&out,
		burstSummary{overloadedMinutes: 30, timeToCapacity: crowdLength, maxReaders: 7, finalReaders: "2 × a", vcpuHours: 21.04},
		burstSummary{
			overloadedMinutes: 12, saturatedMinutes: 10, peakPercent: 99.6, timeToCapacity: 13 * time.Minute, firstActionAt: at, firstAction: "a → b",
			maxReaders: 10, finalReaders: "3 × a", vcpuHours: 30, restarts: 1,
		})
	for _, line := range []string{
		"Aurora Auto Scaling (simulated)          with dbscaler (simulated)",
		"overloaded minutes                  30                                       12",
		"minutes with a saturated reader     0                                        10",
		"highest reader CPU                  0 %                                      100 %",
		"start of crowd to enough capacity   not while the crowd lasted               13 min",
		"first change                        none                                     20:06 a → b",
		"readers at most                     7                                        10",
		"readers at the end                  2 × a                                    3 × a",
		"vCPU hours of the readers           21.0                                     30.0",
		"restarts of instances in service    0                                        1",
	} {
		if !strings.Contains(out.String(), line) {
			t.Errorf("the table lacks the line %q:\n%s", line, out.String())
		}
	}
}

func TestJudgeBurst(t *testing.T) {
	for _, test := range []struct {
		operator burstSummary
		want     string
	}{
		{burstSummary{overloadedMinutes: 19}, ""},
		{burstSummary{overloadedMinutes: 20}, "20 minutes were overloaded with dbscaler and 20 with Aurora Auto Scaling, want fewer with dbscaler"},
		{burstSummary{overloadedMinutes: 5, restarts: 2}, "dbscaler restarted instances in service or failed over 2 times, want 0"},
	} {
		if got := judgeBurst(burstSummary{overloadedMinutes: 20}, test.operator); got != test.want {
			t.Errorf("%+v: got %q, want %q", test.operator, got, test.want)
		}
	}
}

func TestParseFlags_Burst(t *testing.T) {
	if s := burstSettings(t); s.hours != 3.5 || s.speed != 105 {
		t.Errorf("got %g hours at speed %g, want 3.5 at 105, which is two minutes", s.hours, s.speed)
	}
	for _, args := range []string{"--burst --trace x", "--burst --past 1h", "--burst --hours 1.5"} {
		if _, err := parseFlags(strings.Fields(args)); err == nil || !strings.Contains(err.Error(), "--burst cannot be combined") {
			t.Errorf("%s: got %v", args, err)
		}
	}
}

// TestRun_Burst plays the flash crowd as make demo BURST=1 does: with a real API server, the operator in its own process and AWS over
// HTTP, four times as fast and without the time long after the crowd.
func TestRun_Burst(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	missedGoal, err := run(ctx, burstSettings(t, "--hours", "2", "--speed", "240"))
	if err != nil || missedGoal != "" {
		t.Errorf("got %q, %v; want the goal reached", missedGoal, err)
	}
}
