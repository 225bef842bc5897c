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

// scrapeTimeout limits one reading of metrics.
const scrapeTimeout = 30 * time.Second

// metricsSnapshot is the metrics of a process at a time, by name.
type metricsSnapshot struct {
	at       time.Time
	families map[string]*dto.MetricFamily
}

// scrape reads the metrics of a process, with native histograms where it has them.
func scrape(ctx context.Context, client *http.Client, url string) (metricsSnapshot, error) {
	ctx, cancel := context.WithTimeout(ctx, scrapeTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return metricsSnapshot{}, err
	}
	request.Header.Set("Accept", string(expfmt.NewFormat(expfmt.TypeProtoDelim)))
	response, err := client.Do(request)
	if err != nil {
		return metricsSnapshot{}, err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return metricsSnapshot{}, fmt.Errorf("%s answers %s", url, response.Status)
	}
	families, err := parseMetrics(response.Body, expfmt.ResponseFormat(response.Header))
	return metricsSnapshot{at: time.Now(), families: families}, err
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
