package rdssim

import (
	"fmt"
	"net/http"
	"time"

	"github.com/dbscaler/dbscaler/internal/rdssim/model"
)

// loadRequest is the body of POST /_sim/load.
type loadRequest struct {
	Region string `json:"region"`
	// Database is the identifier of a cluster or of a standalone instance.
	Database string     `json:"database"`
	Load     model.Load `json:"load"`
}

// PublishedSample is a sample with the time at which it was published.
type PublishedSample struct {
	// Time is the start of the minute.
	Time        time.Time `json:"time"`
	PublishedAt time.Time `json:"publishedAt"`
	Value       float64   `json:"value"`
}

// serveLoadTest serves the part of the admin API that load tests need.
func (s *Server) serveLoadTest(rw http.ResponseWriter, req *http.Request) {
	switch req.URL.Path {
	case adminPrefix + "mutating-calls":
		writeJSON(rw, s.MutatingCalls())
	case adminPrefix + "counts":
		writeJSON(rw, s.Counts())
	case adminPrefix + "samples":
		s.serveSamples(rw, req)
	default:
		decodeAndApply(rw, req, `{"region": "eu-west-1", "database": "orders", "load": {"readers": {"points": [{"vcpus": 2}]}}}`, s.setLoad)
	}
}

func (s *Server) setLoad(request loadRequest) error {
	var err error
	s.WithWorld(func(w *model.World) { err = w.SetLoad(request.Region, request.Database, request.Load) })
	return err
}

// serveSamples answers the published samples of a metric of an instance since a time.
func (s *Server) serveSamples(rw http.ResponseWriter, req *http.Request) {
	query := req.URL.Query()
	since, err := time.Parse(time.RFC3339, query.Get("since"))
	if err != nil || query.Get("region") == "" || query.Get("instance") == "" || query.Get("metric") == "" {
		http.Error(rw, fmt.Sprintf("want /_sim/samples?region=eu-west-1&instance=orders-1&metric=CPUUtilization&since=%s",
			time.Unix(0, 0).UTC().Format(time.RFC3339)), http.StatusBadRequest)
		return
	}
	samples := []PublishedSample{}
	s.WithWorld(func(w *model.World) {
		dimensions := map[string]string{instanceDimension: query.Get("instance")}
		for _, p := range w.MetricSamples(query.Get("region"), dimensions, query.Get("metric"), since, w.Now()) {
			samples = append(samples, PublishedSample{p.Time, w.PublishTime(p.Time), p.Value})
		}
	})
	writeJSON(rw, samples)
}
