package rdssim

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	rdstypes "github.com/aws/aws-sdk-go-v2/service/rds/types"

	"github.com/dbscaler/dbscaler/internal/rdssim/model"
)

// TestDescribeEvents_Selection: the default is the last hour of all sources; a period, a source and categories select among the events.
func TestDescribeEvents_Selection(t *testing.T) {
	c := newTestServer(t)
	c.clock.Step(time.Hour)
	c.WithWorld(func(w *model.World) {
		if _, err := w.RebootInstance("eu-west-1", "ledger", false); err != nil {
			t.Fatal(err)
		}
	})
	restartedAt := c.clock.Now()
	c.clock.Step(50 * time.Minute)
	c.WithWorld(func(w *model.World) {
		if _, err := w.FailoverCluster("eu-west-1", "orders", ""); err != nil {
			t.Fatal(err)
		}
	})
	c.clock.Step(20 * time.Minute)
	now := c.clock.Now()
	for name, test := range map[string]struct {
		in   rds.DescribeEventsInput
		want map[string]int // number of events by source
	}{
		"default":           {rds.DescribeEventsInput{}, map[string]int{"orders": 2, "orders-1": 1, "orders-2": 1, "orders-3": 1}},
		"two hours":         {rds.DescribeEventsInput{Duration: aws.Int32(120)}, map[string]int{"orders": 2, "orders-1": 1, "orders-2": 1, "orders-3": 1, "ledger": 2}},
		"a period":          {rds.DescribeEventsInput{StartTime: aws.Time(restartedAt), EndTime: aws.Time(restartedAt.Add(30 * time.Minute))}, map[string]int{"ledger": 2}},
		"an hour from then": {rds.DescribeEventsInput{StartTime: aws.Time(restartedAt.Add(-30 * time.Minute))}, map[string]int{"ledger": 2}},
		"a type":            {rds.DescribeEventsInput{SourceType: rdstypes.SourceTypeDbCluster}, map[string]int{"orders": 2}},
		"a source": {rds.DescribeEventsInput{
			SourceType: rdstypes.SourceTypeDbInstance, SourceIdentifier: aws.String("ledger"), Duration: aws.Int32(120),
		}, map[string]int{"ledger": 2}},
		"a category": {rds.DescribeEventsInput{EventCategories: []string{"availability"}, Duration: aws.Int32(120)}, map[string]int{"ledger": 2}},
		"the future": {rds.DescribeEventsInput{StartTime: aws.Time(now), EndTime: aws.Time(now.Add(time.Hour))}, map[string]int{}},
	} {
		out, err := c.rdsClient.DescribeEvents(t.Context(), &test.in)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got := map[string]int{}
		for _, e := range out.Events {
			got[aws.ToString(e.SourceIdentifier)]++
		}
		for source, n := range test.want {
			if got[source] != n {
				t.Errorf("%s: %d events of %s, want %d", name, got[source], source, n)
			}
			delete(got, source)
		}
		if len(got) > 0 {
			t.Errorf("%s: events of %v as well", name, got)
		}
	}
}

// TestDescribeEvents_Refusals: what AWS refuses.
func TestDescribeEvents_Refusals(t *testing.T) {
	c := newTestServer(t)
	now := c.clock.Now()
	for name, test := range map[string]struct {
		in   rds.DescribeEventsInput
		want string
	}{
		"a source without its type": {rds.DescribeEventsInput{SourceIdentifier: aws.String("ledger")}, "InvalidParameterCombination"},
		"an unknown type":           {rds.DescribeEventsInput{SourceType: "database"}, "InvalidParameterValue"},
		"more than 14 days":         {rds.DescribeEventsInput{Duration: aws.Int32(20161)}, "InvalidParameterValue"},
		"an end before the start":   {rds.DescribeEventsInput{StartTime: aws.Time(now), EndTime: aws.Time(now.Add(-time.Hour))}, "InvalidParameterCombination"},
		"small pages":               {rds.DescribeEventsInput{MaxRecords: aws.Int32(19)}, "InvalidParameterValue"},
	} {
		if _, err := c.rdsClient.DescribeEvents(t.Context(), &test.in); errorCode(err) != test.want {
			t.Errorf("%s: got %v, want %s", name, err, test.want)
		}
	}
	c.setPolicy(t, readOnlyPolicy)
	if _, err := c.rdsClient.DescribeEvents(t.Context(), &rds.DescribeEventsInput{}); errorCode(err) != "AccessDenied" {
		t.Errorf("without the permission: got %v", err)
	}
}
