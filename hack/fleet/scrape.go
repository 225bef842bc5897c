package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
)

const (
	// scrapeTimeout limits one reading of metrics.
	scrapeTimeout = 30 * time.Second
	// scrapeAttempts is how often metrics are read until a failure ends the run, and scrapePause the time in between: a process may have no
	// CPU time for long beside others on the same machine.
	scrapeAttempts, scrapePause = 5, 2 * time.Second
	// prometheusInterval is a usual interval of Prometheus.
	prometheusInterval = 30 * time.Second
)

// metricsSnapshot is the metrics of a process at a time, by name.
type metricsSnapshot struct {
	at       time.Time
	families map[string]*dto.MetricFamily
}

// scrape reads the metrics of a process, with native histograms where it has them.
func scrape(ctx context.Context, client *http.Client, url string) (snapshot metricsSnapshot, err error) {
	err = requestMetrics(ctx, client, url, func(response *http.Response) (err error) {
		snapshot.families, err = parseMetrics(response.Body, expfmt.ResponseFormat(response.Header))
		snapshot.at = time.Now()
		return err
	})
	return snapshot, err
}

// requestMetrics requests the metrics of a process as Prometheus does, and has the response read.
func requestMetrics(ctx context.Context, client *http.Client, url string, read func(*http.Response) error) error {
	ctx, cancel := context.WithTimeout(ctx, scrapeTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	request.Header.Set("Accept", string(expfmt.NewFormat(expfmt.TypeProtoDelim)))
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", url, response.Status)
	}
	return read(response)
}

// retryScrape reads metrics again after a failure, and counts the failures.
func (t *loadTest) retryScrape(ctx context.Context, of string, read func() (metricsSnapshot, error)) (metricsSnapshot, error) {
	for attempt := 1; ; attempt++ {
		snapshot, err := read()
		if err == nil || ctx.Err() != nil || attempt == scrapeAttempts {
			return snapshot, err
		}
		t.countFailedScrape(of, err)
		timer := time.NewTimer(scrapePause)
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
		timer.Stop()
	}
}

// countFailedScrape counts a failure to read metrics, after which they are read again.
func (t *loadTest) countFailedScrape(of string, err error) {
	t.failedScrapes.Add(1)
	t.logf("the metrics of %s are read again: %v", of, err)
}

// scrapeLikePrometheus requests all metrics of a replica at the usual interval, and discards them, until the replica has ended: 10,000
// policies have more than 300,000 series, and to parse them here would take time from the replica.
func (t *loadTest) scrapeLikePrometheus(ctx context.Context, r *replica) {
	ticker := time.NewTicker(prometheusInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.exited:
			return
		case <-ticker.C:
			err := requestMetrics(ctx, http.DefaultClient, r.metricsURL, func(response *http.Response) error {
				_, err := io.Copy(io.Discard, response.Body)
				return err
			})
			if err != nil && r.isRunning() && ctx.Err() == nil { // Prometheus goes on, too
				t.countFailedScrape(r.name, err)
			}
		}
	}
}

func parseMetrics(body io.Reader, format expfmt.Format) (map[string]*dto.MetricFamily, error) {
	families := map[string]*dto.MetricFamily{}
	decoder := expfmt.NewDecoder(body, format)
	for {
		family := &dto.MetricFamily{}
		err := decoder.Decode(family)
		if errors.Is(err, io.EOF) {
			return families, nil
		}
		if err != nil {
			return nil, fmt.Errorf("reading metrics: %w", err)
		}
		families[family.GetName()] = family
	}
}

// labels select series by their values.
type labels map[string]string

func (l labels) match(m *dto.Metric) bool {
	matched := 0
	for _, pair := range m.GetLabel() {
		if want, selected := l[pair.GetName()]; selected {
			if want != pair.GetValue() {
				return false
			}
			matched++
		}
	}
	return matched == len(l)
}

// sum adds up the counters or gauges of a name that have the labels.
func (s metricsSnapshot) sum(name string, selector labels) float64 {
	total := 0.0
	for _, m := range s.families[name].GetMetric() {
		if selector.match(m) {
			total += m.GetCounter().GetValue() + m.GetGauge().GetValue() + m.GetUntyped().GetValue()
		}
	}
	return total
}

// histogram adds up the histograms of a name that have the labels.
func (s metricsSnapshot) histogram(name string, selector labels) histogram {
	var total histogram
	for _, m := range s.families[name].GetMetric() {
		if !selector.match(m) {
			continue
		}
		h := newHistogram(m.GetHistogram())
		if total.counts == nil && total.native == nil {
			total = h
			continue
		}
		total = total.add(h)
	}
	return total
}
