package recording

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
)

// The limits of one GetMetricData request (CloudWatch API reference, GetMetricData).
const (
	maxQueries    = 500
	maxDatapoints = 100_800
)

// ErrNoData says that CloudWatch has no interval in which every instance has a sample.
var ErrNoData = errors.New("CloudWatch has no CPUUtilization of every instance")

// MetricsClient is the part of the CloudWatch client that Fetch uses.
type MetricsClient interface {
	GetMetricData(context.Context, *cloudwatch.GetMetricDataInput, ...func(*cloudwatch.Options)) (*cloudwatch.GetMetricDataOutput, error)
}

// Instance is a database instance whose metrics are read.
type Instance struct {
	// ID is its DBInstanceIdentifier.
	ID string
	// Class is the instance class during the whole time, for example db.r6g.large.
	Class string
}

// Query selects the metrics to read.
type Query struct {
	// Instances are one instance, or all readers of a cluster. The recording is the sum of their demands.
	Instances []Instance
	// Engine is written as in the RDS API, or empty. SQL Server has fewer vCPUs on some classes.
	Engine string
	// From is rounded down to a whole period. Only whole periods that end by To are read.
	From, To time.Time
	// Period is the interval of the recording: 1 to 60 whole minutes.
	Period time.Duration
}

// fetchedMetrics are the metrics of each instance: the percentage of its vCPUs, and the sessions on CPU or waiting for it, if
// published.
var fetchedMetrics = [...]string{"CPUUtilization", "DBLoadCPU"}

// Fetch reads a recording from CloudWatch. An interval without a sample of every instance is NaN. The recording starts and ends
// with known intervals. It fails if the query is invalid, if a request fails, and if no interval is known.
func Fetch(ctx context.Context, client MetricsClient, q Query) (*Recording, error) {
	f := fetcher{client: client, Query: q}
	length, err := f.validate()
	if err != nil {
		return nil, err
	}
	r := &Recording{Start: f.From, Interval: f.Period}
	queries := len(f.Instances) * len(fetchedMetrics)
	for offset := 0; offset < length; {
		n := min(length-offset, maxDatapoints/min(queries, maxQueries))
		if err := f.fetchIntervals(ctx, r, n); err != nil {
			return nil, err
		}
		offset += n
	}
	r.trim()
	if len(r.Demand) == 0 {
		return nil, fmt.Errorf("%w from %s to %s: check the names, the region and the period; %s", ErrNoData,
			f.From.Format(time.DateTime), f.To.UTC().Format(time.DateTime), retentionHint)
	}
	return r, nil
}

// fetcher carries out a query.
type fetcher struct {
	client MetricsClient
	Query
	// vcpus are the vCPUs of each instance.
	vcpus []float64
}

// validate checks the query, rounds From and returns the number of periods.
func (f *fetcher) validate() (length int, err error) {
	if len(f.Instances) == 0 {
		return 0, errors.New("name one instance or more to read from CloudWatch")
	}
	seen := map[string]bool{}
	for _, instance := range f.Instances {
		if instance.ID == "" || seen[instance.ID] {
			return 0, fmt.Errorf("the instance %q is named twice or has no name: name each instance once", instance.ID)
		}
		seen[instance.ID] = true
		vcpus, err := classVCPUs(instance.Class, f.Engine)
		if err != nil {
			return 0, fmt.Errorf("instance %s: %w", instance.ID, err)
		}
		f.vcpus = append(f.vcpus, vcpus)
	}
	if f.Period < minIntervalSeconds*time.Second || f.Period > maxIntervalSeconds*time.Second || f.Period%time.Minute != 0 {
		return 0, fmt.Errorf("the period is %s: it must be whole minutes, 1 to 60", f.Period)
	}
	f.From = f.From.UTC().Truncate(f.Period)
	switch n := f.To.Sub(f.From) / f.Period; {
	case n < 1:
		return 0, errors.New("the time to read is shorter than a period: give an earlier start or a later end")
	case n > maxIntervals:
		return 0, fmt.Errorf("the time to read is %d periods, and the maximum is %d: %s", n, maxIntervals, reduceIntervalsHint)
	default:
		return int(n), nil
	}
}

// fetchIntervals reads so many intervals of all instances and appends them to the recording.
func (f *fetcher) fetchIntervals(ctx context.Context, r *Recording, length int) error {
	start := r.End()
	// samples has one series for each instance and metric, in the order of the queries.
	samples := make([][]float64, len(f.Instances)*len(fetchedMetrics))
	for first := 0; first < len(samples); first += maxQueries {
		end := min(first+maxQueries, len(samples))
		if err := f.fetchSamples(ctx, start, length, samples, first, end); err != nil {
			return err
		}
	}
	first := len(r.Demand)
	r.Demand = append(r.Demand, make([]float64, length)...)
	for n := range length {
		anyCensored := false
		for i, vcpus := range f.vcpus {
			used, dbLoad := samples[i*len(fetchedMetrics)][n], samples[i*len(fetchedMetrics)+1][n]
			demand, censored := estimateDemand(used/100*vcpus, dbLoad, used >= SaturatedPercent)
			r.Demand[first+n] += demand // a missing sample is NaN and makes the sum NaN
			anyCensored = anyCensored || censored
		}
		if anyCensored && !math.IsNaN(r.Demand[first+n]) {
			r.markCensored(first + n)
		}
	}
	return nil
}

// fetchSamples reads the samples of the queries from first to before end, page by page.
func (f *fetcher) fetchSamples(ctx context.Context, start time.Time, length int, samples [][]float64, first, end int) error {
	input := &cloudwatch.GetMetricDataInput{
		StartTime: aws.Time(start), EndTime: aws.Time(start.Add(time.Duration(length) * f.Period)),
		ScanBy: types.ScanByTimestampAscending,
	}
	for n := first; n < end; n++ {
		samples[n] = newUnknownDemand(length)
		input.MetricDataQueries = append(input.MetricDataQueries, f.newMetricQuery(n))
	}
	statuses := make([]string, end-first)
	pages := cloudwatch.NewGetMetricDataPaginator(f.client, input)
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("CloudWatch GetMetricData: %w", err)
		}
		for _, result := range page.MetricDataResults {
			n, err := strconv.Atoi(strings.TrimPrefix(aws.ToString(result.Id), queryIDPrefix))
			if err != nil || n < first || n >= end {
				continue
			}
			if err := f.storeResult(samples[n], start, n, result); err != nil {
				return err
			}
			statuses[n-first] = string(result.StatusCode)
		}
	}
	// Only the last page is not partial.
	for n, status := range statuses {
		if problem := statusProblem(status); problem != "" {
			return fmt.Errorf("CloudWatch GetMetricData: %s %s", f.queryName(first+n), problem)
		}
	}
	return nil
}

// queryIDPrefix is the prefix of each query ID, which must start with a lower-case letter.
const queryIDPrefix = "m"

// newMetricQuery is query n: a metric of an instance.
func (f *fetcher) newMetricQuery(n int) types.MetricDataQuery {
	return types.MetricDataQuery{
		Id: aws.String(queryIDPrefix + strconv.Itoa(n)),
		MetricStat: &types.MetricStat{
			Metric: &types.Metric{
				Namespace: aws.String("AWS/RDS"), MetricName: aws.String(fetchedMetrics[n%len(fetchedMetrics)]),
				Dimensions: []types.Dimension{{
					Name: aws.String("DBInstanceIdentifier"), Value: aws.String(f.Instances[n/len(fetchedMetrics)].ID),
				}},
			},
			Period: aws.Int32(int32(f.Period / time.Second)),
			Stat:   aws.String(string(types.StatisticAverage)),
		},
	}
}

// queryName is the name of query n in errors.
func (f *fetcher) queryName(n int) string {
	return fetchedMetrics[n%len(fetchedMetrics)] + " of " + f.Instances[n/len(fetchedMetrics)].ID
}

// storeResult copies the values of one page's result of query n to a series.
func (f *fetcher) storeResult(series []float64, start time.Time, n int, result types.MetricDataResult) error {
	if len(result.Timestamps) != len(result.Values) {
		return fmt.Errorf("CloudWatch GetMetricData: %s has %d timestamps and %d values",
			f.queryName(n), len(result.Timestamps), len(result.Values))
	}
	for k, timestamp := range result.Timestamps {
		value := result.Values[k]
		var problem string
		if fetchedMetrics[n%len(fetchedMetrics)] == fetchedMetrics[0] {
			value, problem = converter{vcpus: 1}.check(value)
		} else {
			problem = checkDBLoad(value)
		}
		if problem != "" {
			return fmt.Errorf("CloudWatch GetMetricData: %s at %s: %s", f.queryName(n), timestamp.UTC().Format(time.DateTime), problem)
		}
		if offset := timestamp.Sub(start); offset >= 0 && offset < time.Duration(len(series))*f.Period {
			series[offset/f.Period] = value
		}
	}
	return nil
}

// trim removes the unknown intervals at the start and at the end.
func (r *Recording) trim() {
	isKnown := func(v float64) bool { return !math.IsNaN(v) }
	first := slices.IndexFunc(r.Demand, isKnown)
	if first < 0 {
		r.Demand, r.Censored = nil, nil
		return
	}
	last := len(r.Demand) - 1
	for !isKnown(r.Demand[last]) {
		last--
	}
	if r.Censored != nil {
		r.Censored = append(r.Censored, make([]bool, len(r.Demand)-len(r.Censored))...)[first : last+1]
		if !slices.Contains(r.Censored, true) {
			r.Censored = nil
		}
	}
	r.Demand = r.Demand[first : last+1]
	r.Start = r.Start.Add(time.Duration(first) * r.Interval)
}
