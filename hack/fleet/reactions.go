package main

import (
	"context"
	"slices"
	"time"

	"github.com/dbscaler/dbscaler/internal/rdssim"
)

// firstCalls returns the first successful change of each cluster.
func firstCalls(calls []rdssim.Call) map[string]rdssim.Call {
	first := map[string]rdssim.Call{}
	for _, c := range calls {
		cluster := c.Parameters["DBClusterIdentifier"]
		if _, known := first[cluster]; cluster != "" && c.Error == "" && !known {
			first[cluster] = c
		}
	}
	return first
}

// measureReactions measures for each changed cluster the time from the publication of the sample with which the mean over the scale-up
// window reached the threshold to the first call that changes the cluster.
func (t *loadTest) measureReactions(ctx context.Context, r *results) error {
	calls, err := t.admin.mutatingCalls(ctx)
	if err != nil {
		return err
	}
	first := firstCalls(calls)
	for _, n := range r.changed {
		call, called := first[t.clusterName(n)]
		if !called {
			r.withoutCall++
			continue
		}
		load, err := t.readerLoad(ctx, n, call.Time.Add(-changeLimit))
		if err != nil {
			return err
		}
		if published, found := publishedAbove(load, scaleUpPercent, scaleUpWindow); found {
			r.reactions = append(r.reactions, time.Duration(float64(call.Time.Sub(published))/t.speed))
		}
	}
	slices.Sort(r.reactions)
	return nil
}

// readerLoad returns the samples of the demand of the first reader of a cluster in percent of its vCPUs: DBLoadCPU where it is published
// and shows more than CPUUtilization, as the operator takes it.
func (t *loadTest) readerLoad(ctx context.Context, n int, since time.Time) ([]rdssim.PublishedSample, error) {
	samples, err := t.admin.samples(ctx, t.readerName(n), "CPUUtilization", since)
	if err != nil || !t.hasInsights(n) {
		return samples, err
	}
	sessions, err := t.admin.samples(ctx, t.readerName(n), "DBLoadCPU", since)
	for _, s := range sessions {
		k := slices.IndexFunc(samples, func(other rdssim.PublishedSample) bool { return other.Time.Equal(s.Time) })
		if k >= 0 && samples[k].Value >= 95 { // below saturation CPUUtilization is the demand
			samples[k].Value = max(samples[k].Value, 100*s.Value/classVCPUs)
		}
	}
	return samples, err
}

// publishedAbove returns when the first sample was published with which the mean over a window is at or above a threshold.
func publishedAbove(samples []rdssim.PublishedSample, threshold float64, window time.Duration) (time.Time, bool) {
	length := int(window / time.Minute)
	for end := length; end <= len(samples); end++ {
		sum := 0.0
		for _, s := range samples[end-length : end] {
			sum += s.Value
		}
		if sum/float64(length) >= threshold {
			return samples[end-1].PublishedAt, true
		}
	}
	return time.Time{}, false
}

// durationQuantile returns the quantile of sorted durations at the nearest rank; 0 without any.
func durationQuantile(sorted []time.Duration, q float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	rank := int(q * float64(len(sorted)))
	if float64(rank) < q*float64(len(sorted)) {
		rank++
	}
	return sorted[max(rank, 1)-1]
}
