package baseline

import "time"

const (
	predictiveMinHistory = 24      // hours
	predictiveMaxHistory = 14 * 24 // hours
	predictiveHorizon    = 48      // hours
	predictiveInterval   = 6 * time.Hour
	predictiveBuffer     = 300 * time.Second
)

// predictiveRule is AWS predictive scaling of the reader count, together with target tracking (auroraRule with H = 3). AWS offers it for
// EC2 and ECS, not for Aurora: here, it adds Aurora Replicas as Aurora Auto Scaling does.
//
//   - Every 6 hours it forecasts the load of each of the next 48 hours, from 24 hours to 14 days of history.
//   - From 300 s before an hour (the default buffer) until its end, there are at least ceil(load/T) readers. The forecast never removes
//     any.
//   - Target tracking adds readers beyond the forecast, and removes them down to the forecast.
//   - A minute that is missing is no history.
//
// AWS does not publish its model: here, the forecast of an hour is the mean of the same hour on the days of the history. The load is the
// utilization multiplied by the vCPUs; load above the current size is not visible.
type predictiveRule struct {
	tracking auroraRule
	// hours are the loads of the last 14 days, indexed by hour since the Unix epoch modulo their number.
	hours [predictiveMaxHistory]hourLoad
	// firstHour is the first hour of the history, and forecastHour the first of the forecast; zero before.
	firstHour, forecastHour int64
	forecastAt              time.Time
	// forecast is the load of each hour from forecastHour on, in vCPUs. Zero is unknown.
	forecast     [predictiveHorizon]float64
	lastRecorded time.Time
}

// hourLoad is the sum of the minutes of an hour, in vCPUs.
type hourLoad struct {
	hour    int64
	total   float64
	minutes int
}

func newPredictive() Autoscaler {
	return Autoscaler{
		Name: "AWS predictive scaling with target tracking",
		ID:   "aws-predictive",
		Source: "Amazon EC2 Auto Scaling User Guide and Application Auto Scaling User Guide, predictive scaling (forecast and scale): 24 h to " +
			"14 days of history, 48 h ahead, every 6 h, never in, buffer 300 s; with target tracking at 60 %, 3 points to " +
			"scale out. Not offered for Aurora",
		Interval: time.Minute,
		Lookback: auroraScaleInPoints*time.Minute + maxPublishedAge,
		Method:   MethodReaders,
		NewRule:  func() Rule { return &predictiveRule{tracking: auroraRule{scaleOutPoints: 3}} },
	}
}

// DesiredSizeIndex implements Rule.
func (r *predictiveRule) DesiredSizeIndex(o Observation) int {
	r.recordLoad(o)
	if r.forecastAt.IsZero() || o.Now.Sub(r.forecastAt) >= predictiveInterval {
		r.updateForecast(o.Now)
	}
	if o.ChangeInProgress {
		return o.SizeIndex
	}
	before := r.tracking
	desired, smallest := r.tracking.DesiredSizeIndex(o), r.forecastSizeIndex(o)
	if desired >= smallest {
		return desired
	}
	r.tracking = before // target tracking does not remove what the forecast needs
	if smallest > o.SizeIndex {
		r.tracking.lastChange, r.tracking.orderedAt = smallest-o.SizeIndex, o.Now
	}
	return max(smallest, o.SizeIndex)
}

// recordLoad adds the newest minute to the history.
func (r *predictiveRule) recordLoad(o Observation) {
	newest, known := publishedSamples(o.CPUPercent, o.Now).NewestSample()
	if !known || !newest.Time.After(r.lastRecorded) {
		return
	}
	r.lastRecorded = newest.Time
	hour := hourOf(newest.Time)
	if r.firstHour == 0 {
		r.firstHour = hour
	}
	load := &r.hours[hour%predictiveMaxHistory]
	if load.hour != hour {
		*load = hourLoad{hour: hour}
	}
	load.total += newest.Value / 100 * o.LadderVCPUs[o.SizeIndex]
	load.minutes++
}

// updateForecast forecasts the next 48 hours, if there is enough history.
func (r *predictiveRule) updateForecast(now time.Time) {
	current := hourOf(now)
	if r.firstHour == 0 || current-r.firstHour < predictiveMinHistory {
		return
	}
	r.forecastAt, r.forecastHour = now, current
	for n := range r.forecast {
		total, days := 0.0, 0.0
		for hour := current + int64(n) - predictiveMaxHistory; hour < current+int64(n); hour += 24 {
			if load := r.hours[(hour+predictiveMaxHistory)%predictiveMaxHistory]; load.hour == hour && hour < current {
				total += load.total / float64(load.minutes)
				days++
			}
		}
		r.forecast[n] = total / max(1, days)
	}
}

// forecastSizeIndex is the smallest size that the forecast needs now, and 300 s from now.
func (r *predictiveRule) forecastSizeIndex(o Observation) int {
	if r.forecastAt.IsZero() {
		return 0
	}
	needed := 0.0
	for _, at := range []time.Time{o.Now, o.Now.Add(predictiveBuffer)} {
		if n := hourOf(at) - r.forecastHour; n < predictiveHorizon {
			needed = max(needed, r.forecast[n])
		}
	}
	return smallestSizeIndex(o.LadderVCPUs, 100*needed/auroraTargetPercent)
}

// hourOf is the hour since the Unix epoch.
func hourOf(t time.Time) int64 { return t.Unix() / 3600 }
