package awsx

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/aws/aws-sdk-go-v2/aws"
	rdstypes "github.com/aws/aws-sdk-go-v2/service/rds/types"

	"github.com/dbscaler/dbscaler/internal/rdssim/model"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

// last is the newest value of a series.
func last(series scaling.Series) float64 {
	newest, known := series.NewestSample()
	if !known {
		return -1
	}
	return newest.Value
}

// The names of the metrics, and so what the SDK encodes, are those of AWS: EBSIOBalance% has a percent sign.
func TestSimulator_ObservesIO(t *testing.T) {
	tags := map[string]string{scaling.TagOptIn: "platform"}
	s := simulate(t, model.Scenario{
		Start: metav1.NewTime(testStart), AccountID: "123456789012",
		Databases: []model.Database{
			{
				Identifier: "ledger", Region: "eu-west-1", Engine: "postgres", EngineVersion: "16.4", Class: "db.t3.large", Tags: tags,
				IO: &model.IOWorkload{Writer: model.IODemand{ReadIOPS: 6000, WriteIOPS: 2000}, OperationBytes: 8192},
			},
			{
				Identifier: "orders", Region: "eu-west-1", Engine: "aurora-postgresql", EngineVersion: "16.4", Tags: tags,
				Instances: []model.Member{{Identifier: "orders-a", Class: "db.r6g.large"}},
				IO:        &model.IOWorkload{Writer: model.IODemand{ReadIOPS: 1000}, WorkingSetGiB: 20.672},
			},
		},
	}, nil)
	ledger := s.observe(t, scaling.Target{Scope: euWest1, Kind: scaling.DBInstance, Identifier: "ledger"}).Instances[0]
	for name, test := range map[string]struct {
		got, from, to float64
	}{
		// The class sustains 4,000 IOPS and 86.9 MB/s, and its burst of 15,700 IOPS lasts longer than the hour at this rate.
		"ReadIOPS":        {last(ledger.IO.ReadIOPS), 6000, 6000},
		"WriteIOPS":       {last(ledger.IO.WriteIOPS), 2000, 2000},
		"ReadThroughput":  {last(ledger.IO.ReadThroughput), 6000 * 8192, 6000 * 8192},
		"WriteThroughput": {last(ledger.IO.WriteThroughput), 2000 * 8192, 2000 * 8192},
		"DiskQueueDepth":  {last(ledger.IO.QueueDepth), 4, 4},
		"EBSIOBalance%":   {last(ledger.IO.IOBalance), 30, 45},
		"EBSByteBalance%": {last(ledger.IO.ByteBalance), 100, 100},
		// Idle: 24 hours of 36 credits.
		"CPUCreditBalance":         {last(ledger.Credits.Balance), 860, 864},
		"CPUSurplusCreditsCharged": {last(ledger.Credits.SurplusCharged), 0, 0},
		"BufferCacheHitRatio":      {last(ledger.IO.CacheHitRatio), -1, -1},
	} {
		if test.got < test.from || test.got > test.to {
			t.Errorf("%s is %v, want %v to %v", name, test.got, test.from, test.to)
		}
	}
	orders := s.observe(t, ordersCluster).Instances[0]
	if hits, reads := last(orders.IO.CacheHitRatio), last(orders.IO.ReadIOPS); hits < 49.9 || hits > 50.1 || reads < 499 || reads > 501 {
		t.Errorf("%.2f %% cache hits and %.1f reads, want 50 %% and 500", hits, reads)
	}
	if orders.IO.WriteIOPS.Len()+orders.IO.QueueDepth.Len()+orders.IO.IOBalance.Len()+orders.Credits.Balance.Len() > 0 {
		t.Errorf("metrics were read that Aurora on this class does not publish: %+v", orders.IO)
	}
}

// Whether Performance Insights publishes DBLoadCPU is not known in the standard mode: it is asked for once an hour until it does.
func TestRefresh_AsksHourlyForUnpublishedLoad(t *testing.T) {
	instance := rdstypes.DBInstance{Engine: aws.String("postgres"), DatabaseInsightsMode: rdstypes.DatabaseInsightsModeStandard}
	loadMetrics := func(i rdstypes.DBInstance) (found []*metric) {
		for _, m := range instanceMetrics(nil, &rdstypes.DBCluster{}, &i) {
			if m.name == "DBLoadCPU" {
				found = append(found, m)
			}
		}
		return found
	}
	if got := loadMetrics(instance); len(got) != 1 || got[0] != possibleDBLoadCPU {
		t.Fatalf("standard mode: got %v", got)
	}
	instance.PerformanceInsightsEnabled = aws.Bool(true)
	if got := loadMetrics(instance); len(got) != 1 || got[0] != dbLoadCPU {
		t.Errorf("Performance Insights on: got %v", got)
	}
	instance.PerformanceInsightsEnabled, instance.DatabaseInsightsMode = nil, rdstypes.DatabaseInsightsModeAdvanced
	if got := loadMetrics(instance); len(got) != 1 || got[0] != dbLoadCPU {
		t.Errorf("advanced mode: got %v", got)
	}
	instance.DatabaseInsightsMode = ""
	if got := loadMetrics(instance); len(got) != 0 {
		t.Errorf("no Insights: got %v", got)
	}

	// The same instance in a client: no request in the hour after an empty answer, and one a minute once there is a sample.
	s := &scopeClient{}
	s.topology = auroraTopology(func(_ *rdstypes.DBCluster, members []rdstypes.DBInstance) {
		members[2].DatabaseInsightsMode = rdstypes.DatabaseInsightsModeStandard
	})
	key := seriesKey{"db-orders-b", possibleDBLoadCPU}
	isDue := func(after time.Duration, samples ...scaling.Sample) bool {
		s.series = map[seriesKey]cachedSeries{key: {readAt: testStart, coveredUntil: testStart, samples: cacheOf(possibleDBLoadCPU, samples)}}
		isWanted := func(_ scaling.Target, series targetSeries, cached cachedSeries, now time.Time) bool {
			return cached.isDue(series.metric, now, minRefreshAge)
		}
		for _, q := range s.newQueries(s.views([]scaling.Target{ordersCluster}), isWanted, testStart.Add(after)) {
			if q.seriesKey == key {
				return true
			}
		}
		return false
	}
	if isDue(time.Minute) || isDue(58*time.Minute) || !isDue(time.Hour) {
		t.Error("an empty series is not read once an hour")
	}
	if !isDue(time.Minute, scaling.Sample{Time: testStart, Value: 1}) {
		t.Error("a published series is not read every minute")
	}
	if stale := (cachedSeries{readAt: testStart}); stale.isStale(possibleDBLoadCPU, testStart.Add(59*time.Minute)) ||
		!stale.isStale(possibleDBLoadCPU, testStart.Add(61*time.Minute)) {
		t.Error("an empty series causes a refresh before the hour has passed, or not after it")
	}
}
