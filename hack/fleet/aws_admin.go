package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/dbscaler/dbscaler/internal/rdssim"
	"github.com/dbscaler/dbscaler/internal/rdssim/model"
)

// awsAdmin is the admin API of the simulated AWS.
type awsAdmin struct{ endpoint string }

// get decodes the answer to a request.
func (a awsAdmin) get(ctx context.Context, path string, into any) error {
	return a.call(ctx, http.MethodGet, path, nil, into)
}

func (a awsAdmin) call(ctx context.Context, method, path string, body, into any) error {
	content, err := json.Marshal(body)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, method, a.endpoint+path, bytes.NewReader(content))
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode >= http.StatusMultipleChoices {
		text, _ := io.ReadAll(response.Body)
		return fmt.Errorf("%s answers %s: %s", path, response.Status, text)
	}
	if into == nil {
		return nil
	}
	return json.NewDecoder(response.Body).Decode(into)
}

// counts returns the numbers of calls so far.
func (a awsAdmin) counts(ctx context.Context) (callCounts, error) {
	var list []rdssim.CallCount
	err := a.get(ctx, "/_sim/counts", &list)
	return callCounts{at: time.Now(), list: list}, err
}

// setLoad replaces the load of a cluster.
func (a awsAdmin) setLoad(ctx context.Context, cluster string, load model.Load) error {
	body := map[string]any{"region": region, "database": cluster, "load": load}
	return a.call(ctx, http.MethodPost, "/_sim/load", body, nil)
}

// mutatingCalls returns the calls that requested changes.
func (a awsAdmin) mutatingCalls(ctx context.Context) ([]rdssim.Call, error) {
	var calls []rdssim.Call
	return calls, a.get(ctx, "/_sim/mutating-calls", &calls)
}

// samples returns the published samples of an instance since a time.
func (a awsAdmin) samples(ctx context.Context, instance, metric string, since time.Time) ([]rdssim.PublishedSample, error) {
	query := url.Values{"region": {region}, "instance": {instance}, "metric": {metric}, "since": {since.UTC().Format(time.RFC3339)}}
	var samples []rdssim.PublishedSample
	return samples, a.get(ctx, "/_sim/samples?"+query.Encode(), &samples)
}

// clusters returns all clusters.
func (a awsAdmin) clusters(ctx context.Context) ([]model.Cluster, error) {
	var state struct{ Clusters []model.Cluster }
	return state.Clusters, a.get(ctx, "/_sim/state?region="+region, &state)
}

// callCounts are the numbers of calls at a time.
type callCounts struct {
	at   time.Time
	list []rdssim.CallCount
}

// since returns the calls and the metrics requested since an earlier time, by operation, of the accounts that are included.
func (c callCounts) since(before callCounts, includes func(account string) bool) (calls, metrics map[string]float64) {
	calls, metrics = map[string]float64{}, map[string]float64{}
	add := func(counts callCounts, factor float64) {
		for _, count := range counts.list {
			if includes(count.Account) {
				calls[count.Operation] += factor * float64(count.Calls)
				metrics[count.Operation] += factor * float64(count.Metrics)
			}
		}
	}
	add(c, 1)
	add(before, -1)
	return calls, metrics
}
