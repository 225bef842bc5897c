package awsx

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// fakeAWS responds to the requests of a Client over the real wire protocols with data that a test sets. It can delay or
// truncate responses and omit data, which the simulator of a healthy database does not.
type fakeAWS struct {
	// skipped and repeated are instances that pages of the whole account lack or have twice, as when others are deleted or created while
	// the pages are read.
	skipped, repeated map[string]bool
	*httptest.Server
	clock *clocktesting.FakeClock

	mu sync.Mutex
	// clusters lists the members of each Aurora cluster; the first is the writer.
	clusters map[string][]string
	// createdAt is the creation time of an instance, by default long ago; zero means that it is being created.
	createdAt map[string]time.Time
	// metricValues are the values of each metric of each instance, as "instance metric", by minute.
	metricValues map[string]map[time.Time]float64
	// metricPageSize is the number of datapoints of a metric in one page; 0 means all.
	metricPageSize int
	// statusCodes overrides the StatusCode of a metric result, by instance or cluster.
	statusCodes map[string]string
	// failures replaces the responses to requests, by operation.
	failures map[string]func(w http.ResponseWriter)
	// maintenance holds the dates of one pending action as XML, by ARN.
	maintenance map[string]string
	// performanceInsights enables Performance Insights on all instances.
	performanceInsights bool
	// filter is the clusters that the present request asks for by a filter; empty for all.
	filter map[string]bool
	// callCounts counts the requests by operation, with the suffix "/filtered" if they have a filter.
	callCounts map[string]int
	// metricRequests are the GetMetricData requests, in order.
	metricRequests []metricDataRequest
}

// metricDataRequest is a GetMetricData request in CBOR.
type metricDataRequest struct {
	StartTime, EndTime time.Time
	NextToken          string
	MetricDataQueries  []struct {
		ID         string `cbor:"Id"`
		MetricStat struct {
			Metric struct {
				Namespace, MetricName string
				Dimensions            []struct{ Name, Value string }
			}
			Period int
			Stat   string
		}
	}
}

// metricDataResponse is a GetMetricData response in CBOR.
type metricDataResponse struct {
	MetricDataResults []metricDataResult
	NextToken         string `cbor:",omitempty"`
}

type metricDataResult struct {
	ID         string `cbor:"Id"`
	Timestamps []time.Time
	Values     []float64
	StatusCode string
}

func newFakeAWS(t *testing.T) *fakeAWS {
	t.Helper()
	a := &fakeAWS{
		clock: clocktesting.NewFakeClock(testStart), clusters: map[string][]string{}, createdAt: map[string]time.Time{},
		metricValues: map[string]map[time.Time]float64{}, statusCodes: map[string]string{},
		failures: map[string]func(http.ResponseWriter){}, callCounts: map[string]int{},
	}
	a.Server = httptest.NewServer(a)
	t.Cleanup(a.Close)
	return a
}

// newClient returns a Client that calls this server and uses its clock.
func (a *fakeAWS) newClient(t *testing.T, change ...func(*Options)) *Client {
	t.Helper()
	return newTestClient(t, a.URL, append([]func(*Options){func(o *Options) { o.Clock = a.clock }}, change...)...)
}

// publishMetric sets the value of a metric for the minutes [from, to) after testStart.
func (a *fakeAWS) publishMetric(instance, metric string, from, to int, value float64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	key := instance + " " + metric
	if a.metricValues[key] == nil {
		a.metricValues[key] = map[time.Time]float64{}
	}
	for n := from; n < to; n++ {
		a.metricValues[key][minuteAfterStart(n)] = value
	}
}

// update changes fields of the server between requests.
func (a *fakeAWS) update(f func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	f()
}

// expectCalls checks the number of requests since the last call of expectCalls, by operation. It ignores infrequent requests.
func (a *fakeAWS) expectCalls(t *testing.T, want map[string]int) {
	t.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	got := maps.Clone(a.callCounts)
	maps.DeleteFunc(got, func(operation string, _ int) bool { return isInfrequent(operation) })
	if !maps.Equal(got, want) {
		t.Errorf("made the requests %v, want %v", got, want)
	}
	clear(a.callCounts)
}

// isInfrequent reports whether a request is not made at each refresh: it reads metadata, or samples of a period longer than a
// minute.
func isInfrequent(operation string) bool {
	return strings.HasPrefix(operation, "GetMetricData/") ||
		operation == "DescribeOrderableDBInstanceOptions" || operation == "DescribeScalableTargets" ||
		operation == "DescribePendingMaintenanceActions" || operation == "DescribeBlueGreenDeployments"
}

// lastMetricRequest returns the latest GetMetricData request.
func (a *fakeAWS) lastMetricRequest() metricDataRequest {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.metricRequests[len(a.metricRequests)-1]
}

// ServeHTTP implements http.Handler.
func (a *fakeAWS) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	operation := r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]
	var form url.Values
	if target := r.Header.Get("X-Amz-Target"); target != "" { // the JSON protocol
		operation = target[strings.LastIndex(target, ".")+1:]
	}
	if operation == "" {
		if err := r.ParseForm(); err != nil {
			panic(http.ErrAbortHandler)
		}
		form = r.PostForm
		operation = form.Get("Action")
	}
	if a.filter = clusterFilterValues(form); len(a.filter) > 0 {
		a.callCounts[operation+"/filtered"]++
	} else if operation != "GetMetricData" || a.failures[operation] != nil {
		a.callCounts[operation]++
	}
	if fail := a.failures[operation]; fail != nil {
		fail(w)
		return
	}
	switch operation {
	case "DescribeDBClusters":
		writeResult(w, operation, a.describeClusters())
	case "DescribeDBInstances":
		writeResult(w, operation, a.describeInstances(form.Get("Marker")))
	case "GetMetricData":
		a.getMetricData(w, r)
	case "DescribeOrderableDBInstanceOptions":
		writeResult(w, operation, a.describeOrderable(form))
	case "DescribePendingMaintenanceActions":
		writeResult(w, operation, a.describeMaintenance())
	case "DescribeBlueGreenDeployments":
		writeResult(w, operation, "<BlueGreenDeployments></BlueGreenDeployments>")
	case "DescribeScalableTargets":
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		w.Write([]byte(`{"ScalableTargets":[]}`))
	default:
		writeError(w, http.StatusBadRequest, "InvalidAction", operation)
	}
}

// clusterFilterValues returns the values of the filter db-cluster-id of a request.
func clusterFilterValues(form url.Values) map[string]bool {
	values := map[string]bool{}
	for n := 1; form.Get("Filters.Filter.1.Name") == clusterFilter; n++ {
		value := form.Get(fmt.Sprintf("Filters.Filter.1.Values.Value.%d", n))
		if value == "" {
			break
		}
		values[value] = true
	}
	return values
}

// requestedClusters lists the clusters that the present request asks for.
func (a *fakeAWS) requestedClusters() []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(a.clusters)), func(name string) bool { return len(a.filter) > 0 && !a.filter[name] })
}

func (a *fakeAWS) describeClusters() string {
	var b strings.Builder
	for _, name := range a.requestedClusters() {
		fmt.Fprintf(&b, `<DBCluster><DBClusterIdentifier>%[1]s</DBClusterIdentifier><DBClusterArn>arn:cluster:%[1]s</DBClusterArn>`+
			`<DbClusterResourceId>cluster-%[1]s</DbClusterResourceId>`+
			`<Status>available</Status><EngineVersion>16.1</EngineVersion>`+
			`<Engine>aurora-postgresql</Engine><EngineMode>provisioned</EngineMode><DBClusterMembers>`, name)
		for n, member := range a.clusters[name] {
			fmt.Fprintf(&b, `<DBClusterMember><DBInstanceIdentifier>%s</DBInstanceIdentifier><IsClusterWriter>%v</IsClusterWriter>`+
				`<PromotionTier>1</PromotionTier></DBClusterMember>`, member, n == 0)
		}
		b.WriteString(`</DBClusterMembers></DBCluster>`)
	}
	return "<DBClusters>" + b.String() + "</DBClusters>"
}

// describeInstances returns pages of 100; the marker is the first instance of the next page.
func (a *fakeAWS) describeInstances(marker string) string {
	type member struct{ name, cluster string }
	var all []member
	for _, cluster := range a.requestedClusters() {
		for _, name := range a.clusters[cluster] {
			isAccount := len(a.filter) == 0
			if isAccount && a.skipped[name] {
				continue
			}
			all = append(all, member{name, cluster})
			if isAccount && a.repeated[name] {
				all = append(all, member{name, cluster})
			}
		}
	}
	first := max(0, slices.IndexFunc(all, func(m member) bool { return m.name == marker }))
	end := min(first+100, len(all))
	var b strings.Builder
	for _, m := range all[first:end] {
		created, set := a.createdAt[m.name]
		if !set {
			created = testStart.Add(-1000 * time.Hour)
		}
		fmt.Fprintf(&b, `<DBInstance><DBInstanceIdentifier>%[1]s</DBInstanceIdentifier><DBInstanceArn>arn:db:%[1]s</DBInstanceArn>`+
			`<DBClusterIdentifier>%[2]s</DBClusterIdentifier><PerformanceInsightsEnabled>%[5]t</PerformanceInsightsEnabled>`+
			`<DbiResourceId>db-%[3]s-%[4]d</DbiResourceId><Engine>aurora-postgresql</Engine><DBInstanceClass>db.r6g.large</DBInstanceClass>`+
			`<DBInstanceStatus>available</DBInstanceStatus>`, m.name, m.cluster, strings.ToUpper(m.name), created.Unix(), a.performanceInsights)
		if !created.IsZero() {
			fmt.Fprintf(&b, `<InstanceCreateTime>%s</InstanceCreateTime>`, created.Format(time.RFC3339))
		}
		b.WriteString(`</DBInstance>`)
	}
	next := ""
	if end < len(all) {
		next = "<Marker>" + all[end].name + "</Marker>"
	}
	return "<DBInstances>" + b.String() + "</DBInstances>" + next
}

func (a *fakeAWS) getMetricData(w http.ResponseWriter, r *http.Request) {
	var request metricDataRequest
	if err := cbor.NewDecoder(r.Body).Decode(&request); err != nil {
		writeError(w, http.StatusBadRequest, "MalformedBody", err.Error())
		return
	}
	period := time.Duration(request.MetricDataQueries[0].MetricStat.Period) * time.Second
	if period == time.Minute {
		a.metricRequests = append(a.metricRequests, request)
		a.callCounts["GetMetricData"]++
	} else {
		a.callCounts[fmt.Sprintf("GetMetricData/%d", request.MetricDataQueries[0].MetricStat.Period)]++
	}
	page := 0
	if request.NextToken != "" {
		var err error
		if page, err = strconv.Atoi(request.NextToken); err != nil {
			panic(err)
		}
	}
	var response metricDataResponse
	for _, q := range request.MetricDataQueries {
		instance := q.MetricStat.Metric.Dimensions[0].Value
		key := instance
		if d := q.MetricStat.Metric.Dimensions; len(d) > 1 {
			key += " " + d[1].Value
		}
		result := metricDataResult{ID: q.ID, StatusCode: "Complete"}
		for from := request.StartTime.UTC(); from.Before(request.EndTime); from = from.Add(period) {
			if value, ok := a.statistic(key+" "+q.MetricStat.Metric.MetricName, q.MetricStat.Stat, from, period); ok {
				result.Timestamps, result.Values = append(result.Timestamps, from), append(result.Values, value)
			}
		}
		if n := a.metricPageSize; n > 0 {
			first, end := min(page*n, len(result.Values)), min((page+1)*n, len(result.Values))
			if end < len(result.Values) {
				result.StatusCode, response.NextToken = "PartialData", fmt.Sprint(page+1)
			}
			result.Timestamps, result.Values = result.Timestamps[first:end], result.Values[first:end]
		}
		if status, set := a.statusCodes[instance]; set {
			result.StatusCode = status
		}
		response.MetricDataResults = append(response.MetricDataResults, result)
	}
	mode, err := cbor.EncOptions{Time: cbor.TimeUnix, TimeTag: cbor.EncTagRequired}.EncMode()
	if err != nil {
		panic(err)
	}
	body, err := mode.Marshal(response)
	if err != nil {
		panic(err)
	}
	w.Header().Set("Smithy-Protocol", "rpc-v2-cbor")
	w.Header().Set("Content-Type", "application/cbor")
	w.Write(body)
}

// statistic computes a statistic of a metric over a period.
func (a *fakeAWS) statistic(key, stat string, from time.Time, length time.Duration) (value float64, known bool) {
	n := 0.0
	for at := from; at.Before(from.Add(length)); at = at.Add(time.Minute) {
		v, ok := a.metricValues[key][at]
		switch {
		case !ok:
			continue
		case n == 0:
			value = v
		case stat == "Maximum":
			value = max(value, v)
		case stat == "Minimum":
			value = min(value, v)
		default:
			value += v
		}
		n++
	}
	if stat == "Average" && n > 0 {
		value /= n
	}
	return value, n > 0
}

// describeOrderable lists two classes, one of them twice.
func (a *fakeAWS) describeOrderable(form url.Values) string {
	if form.Get("Engine") != "aurora-postgresql" {
		return "<OrderableDBInstanceOptions></OrderableDBInstanceOptions>"
	}
	option := func(class string) string {
		return "<OrderableDBInstanceOption><DBInstanceClass>" + class + "</DBInstanceClass></OrderableDBInstanceOption>"
	}
	return "<OrderableDBInstanceOptions>" + option("db.r6g.xlarge") + option("db.r6g.large") + option("db.r6g.xlarge") + "</OrderableDBInstanceOptions>"
}

// describeMaintenance lists the pending maintenance, by ARN.
func (a *fakeAWS) describeMaintenance() string {
	var b strings.Builder
	for _, arn := range slices.Sorted(maps.Keys(a.maintenance)) {
		b.WriteString("<ResourcePendingMaintenanceActions><ResourceIdentifier>" + arn + "</ResourceIdentifier><PendingMaintenanceActionDetails>" +
			"<PendingMaintenanceAction><Action>system-update</Action>" + a.maintenance[arn] + "</PendingMaintenanceAction>" +
			"</PendingMaintenanceActionDetails></ResourcePendingMaintenanceActions>")
	}
	return "<PendingMaintenanceActions>" + b.String() + "</PendingMaintenanceActions>"
}

// clusterTarget returns the target for a cluster in euWest1.
func clusterTarget(name string) scaling.Target {
	return scaling.Target{Scope: euWest1, Kind: scaling.DBCluster, Identifier: name}
}
