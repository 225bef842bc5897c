package rdssim

import (
	"slices"
	"time"

	"github.com/dbscaler/dbscaler/internal/rdssim/model"
)

// eventSources are the values of SourceType that DescribeEvents accepts (RDS API reference, DescribeEvents; SDK, SourceType).
var eventSources = []string{
	"db-instance", "db-parameter-group", "db-security-group", "db-snapshot", "db-cluster", "db-cluster-snapshot",
	"custom-engine-version", "db-proxy", "blue-green-deployment", "db-shard-group", "zero-etl",
}

// maxEventMinutes is the largest Duration: AWS keeps events for 14 days.
const maxEventMinutes = 14 * 24 * 60

func (s *Server) describeEvents(r *request) (any, *model.APIError) {
	if denied := s.authorize(r, "rds:DescribeEvents", "*", nil); denied != nil {
		return nil, denied
	}
	from, to, apiErr := parseEventPeriod(r.form, s.options.World.Now())
	if apiErr != nil {
		return nil, apiErr
	}
	source, kind, categories := r.form.Get("SourceIdentifier"), r.form.Get("SourceType"), r.form.list("EventCategories.EventCategory")
	switch {
	case source != "" && kind == "":
		return nil, badRequest("InvalidParameterCombination", "SourceIdentifier may not be specified without SourceType")
	case kind != "" && !slices.Contains(eventSources, kind):
		return nil, badRequest("InvalidParameterValue", "Invalid source type: %s", kind)
	}
	var all []eventElement
	for _, e := range s.options.World.Events(r.caller.region, from, to) {
		if accountFromARN(e.ARN) != r.caller.account || source != "" && e.SourceIdentifier != source || kind != "" && e.SourceType != kind ||
			len(categories) > 0 && !slices.Contains(categories, e.Category) {
			continue
		}
		all = append(all, eventElement{
			Date: e.Time.UTC().Format("2006-01-02T15:04:05.000Z"), Message: e.Message, SourceArn: e.ARN, SourceIdentifier: e.SourceIdentifier,
			SourceType: e.SourceType, EventCategories: []string{e.Category},
		})
	}
	out := &describeEventsResult{}
	out.Events.Event, out.Marker, apiErr = paginate(r.form, all, 100)
	return out, apiErr
}

// parseEventPeriod returns the period of a DescribeEvents request. The default is the last hour. AWS does not say what StartTime without
// EndTime means: here the period has the length of Duration, which is the narrower reading.
func parseEventPeriod(f form, now time.Time) (from, to time.Time, apiErr *model.APIError) {
	duration := time.Hour
	if n, apiErr := f.optionalInt("Duration"); apiErr != nil || n != nil && (*n < 1 || *n > maxEventMinutes) {
		return from, to, badRequest("InvalidParameterValue", "Duration must be between 1 and %d minutes", maxEventMinutes)
	} else if n != nil {
		duration = time.Duration(*n) * time.Minute
	}
	if from, apiErr = f.timeOrDefault("StartTime", time.Time{}); apiErr != nil {
		return from, to, apiErr
	}
	end := now
	if !from.IsZero() {
		end = from.Add(duration)
	}
	if to, apiErr = f.timeOrDefault("EndTime", end); apiErr != nil {
		return from, to, apiErr
	}
	if from.IsZero() {
		from = to.Add(-duration)
	}
	if to.Before(from) {
		return from, to, badRequest("InvalidParameterCombination", "StartTime must be before EndTime")
	}
	return from, to, nil
}
