package state

import (
	"slices"
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

var eventTarget = scaling.Target{Kind: scaling.DBCluster, Identifier: "orders"}

// observedCluster is an Aurora cluster with a writer and a reader, created a day ago, with a sample of each
// minute until three minutes ago.
func observedCluster(edits ...func(*scaling.Observation)) scaling.Observation {
	o := scaling.Observation{ObservedAt: now, Found: true, Kind: scaling.DBCluster, Engine: "aurora-postgresql"}
	for _, name := range []string{"writer", "reader"} {
		i := scaling.Instance{
			Identifier: name, Class: large, Status: scaling.StatusAvailable, Writer: name == "writer", CreatedAt: now.Add(-24 * time.Hour),
		}
		i.CPU = scaling.NewSeries(time.Minute, now.Add(-5*time.Hour), slices.Repeat([]float64{97}, 5*60-2)...)
		o.Instances = append(o.Instances, i)
	}
	for _, edit := range edits {
		edit(&o)
	}
	return o
}

// event is one of an instance, some time ago.
func event(ago time.Duration, instance, category, message string) scaling.DatabaseEvent {
	return scaling.DatabaseEvent{
		Time: now.Add(-ago), SourceType: scaling.EventOfInstance, SourceIdentifier: instance, Categories: []string{category}, Message: message,
	}
}

// eventOf is an event of another source type.
func eventOf(sourceType, source string, ago time.Duration, category, message string) scaling.DatabaseEvent {
	e := event(ago, source, category, message)
	e.SourceType = sourceType
	return e
}

const (
	minute = time.Minute
	// lookBack is the result without any change, and unknown the one when it is not known.
	lookBack = scaling.EventLookBack
	unknown  = time.Duration(0)
)

// The pools are known to be unchanged since the end of their last change. Expected are the ages of the writer and of the readers.
func TestUnchangedSince_ByEvents(t *testing.T) {
	for name, test := range map[string]struct {
		events          []scaling.DatabaseEvent
		writer, readers time.Duration
	}{
		"no event": {nil, lookBack, lookBack},
		"a class change of the reader": {[]scaling.DatabaseEvent{
			event(60*minute, "reader", "configuration change", "Applying modification to database instance class"),
			event(56*minute, "reader", "availability", "DB instance shutdown"),
			event(52*minute, "reader", "availability", "DB instance restarted"),
			event(50*minute, "reader", "configuration change", "Finished applying modification to DB instance class"),
		}, lookBack, 50 * minute},
		"its events out of order": {[]scaling.DatabaseEvent{
			event(50*minute, "reader", "configuration change", "Finished applying modification to DB instance class"),
			event(60*minute, "reader", "configuration change", "Applying modification to database instance class"),
		}, lookBack, 50 * minute},
		"its end lost": {[]scaling.DatabaseEvent{
			event(60*minute, "reader", "configuration change", "Applying modification to database instance class"),
		}, lookBack, unknown},
		"its end lost, and another instance that restarted later": {[]scaling.DatabaseEvent{
			event(60*minute, "reader", "configuration change", "Applying modification to database instance class"),
			event(40*minute, "writer", "availability", "DB instance restarted"),
		}, 40 * minute, unknown},
		"a restart of the writer": {[]scaling.DatabaseEvent{
			event(41*minute, "writer", "availability", "DB instance shutdown"),
			event(40*minute, "writer", "availability", "DB instance restarted"),
		}, 40 * minute, lookBack},
		"a shutdown": {[]scaling.DatabaseEvent{event(40*minute, "writer", "availability", "DB instance shutdown")}, unknown, lookBack},
		"a failover of the cluster": {[]scaling.DatabaseEvent{
			eventOf("db-cluster", "orders", 41*minute, "failover", "Started cross AZ failover to DB instance: writer"),
			eventOf("db-cluster", "orders", 40*minute, "failover", "Completed failover to DB instance: writer"),
		}, 40 * minute, 40 * minute},
		"a failover whose end is lost": {[]scaling.DatabaseEvent{
			eventOf("db-cluster", "orders", 41*minute, "failover", "Started same AZ failover to DB instance: writer"),
		}, unknown, unknown},
		"a failed failover": {[]scaling.DatabaseEvent{
			eventOf("db-cluster", "orders", 41*minute, "failover", "Cluster failover failed, check the health of your cluster"),
		}, unknown, unknown},
		"a failover of another cluster": {[]scaling.DatabaseEvent{
			eventOf("db-cluster", "payments", 40*minute, "failover", "Completed failover to DB instance: x"),
		}, lookBack, lookBack},
		"an upgrade of the cluster": {[]scaling.DatabaseEvent{
			eventOf("db-cluster", "orders", 70*minute, "maintenance", "Database cluster upgrade is in progress."),
			eventOf("db-cluster", "orders", 55*minute, "maintenance", "Database cluster engine version has been upgraded."),
		}, 55 * minute, 55 * minute},
		"a recovery": {[]scaling.DatabaseEvent{
			event(50*minute, "writer", "recovery", "Recovery of the DB instance has started."),
			event(45*minute, "writer", "recovery", "Recovery of the DB instance is complete."),
		}, 45 * minute, lookBack},
		"a recovery before a failover that is to come": {[]scaling.DatabaseEvent{
			event(45*minute, "writer", "recovery", "Multi-AZ instance recovery completed. Pending failover or activation."),
		}, unknown, lookBack},
		"an instance deleted in the region": {[]scaling.DatabaseEvent{
			event(45*minute, "gone", "deletion", "DB instance deleted"),
		}, lookBack, 45 * minute},
		"a member deleted": {[]scaling.DatabaseEvent{
			event(45*minute, "reader", "notification", "Cluster topology is updated."),
		}, lookBack, 45 * minute},
		"an instance of another cluster restarted": {[]scaling.DatabaseEvent{
			event(45*minute, "other", "availability", "DB instance restarted"),
		}, lookBack, lookBack},
		"a switchover of a blue/green deployment": {[]scaling.DatabaseEvent{
			eventOf("blue-green-deployment", "bgd-1", 45*minute, "notification", "Switchover completed on blue/green deployment."),
		}, 45 * minute, 45 * minute},
		"a cluster renamed": {[]scaling.DatabaseEvent{
			eventOf("db-cluster", "orders", 45*minute, "notification", "Renamed cluster from old to orders."),
		}, 45 * minute, 45 * minute},
		"a source of an unknown type": {[]scaling.DatabaseEvent{
			eventOf("db-novelty", "x", 45*minute, "notification", "Something new finished"),
		}, 45 * minute, 45 * minute},
		"an unknown event": {[]scaling.DatabaseEvent{event(45*minute, "writer", "notification", "Something happened")}, unknown, lookBack},
		"an unknown event that is over": {[]scaling.DatabaseEvent{
			event(45*minute, "writer", "novelty", "Something has been completed"),
		}, 45 * minute, lookBack},
		"two events at once of which one is no end": {[]scaling.DatabaseEvent{
			event(45*minute, "writer", "availability", "DB instance shutdown"), event(45*minute, "writer", "availability", "DB instance restarted"),
		}, unknown, lookBack},
		"routine": {[]scaling.DatabaseEvent{
			event(45*minute, "writer", "backup", "Backing up DB instance"), event(44*minute, "writer", "backup", "Finished DB Instance backup"),
			event(43*minute, "writer", "low storage", "Allocated storage has been exhausted. Allocate additional storage to resolve."),
			event(42*minute, "writer", "maintenance", "The DB instance has a DB engine minor version upgrade available."),
			event(41*minute, "writer", "notification", "The gp2 burst balance credits for the RDS database instance are low. To resolve this issue, "+
				"reduce IOPS usage or modify your storage settings to enable higher performance."),
			eventOf("db-snapshot", "writer", 40*minute, "creation", "Automated snapshot created"),
			eventOf("db-cluster", "orders", 39*minute, "configuration change", "Reset master credentials"),
		}, lookBack, lookBack},
		"a parameter group": {[]scaling.DatabaseEvent{
			event(45*minute, "writer", "configuration change", "Finished updating DB parameter group"),
		}, 45 * minute, lookBack},
		"an event of right now": {[]scaling.DatabaseEvent{event(0, "writer", "availability", "DB instance restarted")}, unknown, lookBack},
		"an event of the last half hour": {[]scaling.DatabaseEvent{
			event(29*minute, "writer", "availability", "DB instance restarted"),
		}, unknown, lookBack},
		"an event half an hour ago": {[]scaling.DatabaseEvent{
			event(30*minute, "writer", "availability", "DB instance restarted"),
		}, 30 * minute, lookBack},
	} {
		t.Run(name, func(t *testing.T) { checkUnchangedSince(t, observedCluster(), test.events, test.writer, test.readers) })
	}
}

// What the observation itself shows counts as well: AWS may have lost an event.
func TestUnchangedSince_ByObservation(t *testing.T) {
	reader := func(edit func(*scaling.Instance)) func(*scaling.Observation) {
		return func(o *scaling.Observation) { edit(&o.Instances[1]) }
	}
	created := reader(func(i *scaling.Instance) { i.CreatedAt = now.Add(-60 * minute) })
	without := func(from, to time.Duration) func(*scaling.Observation) {
		return reader(func(i *scaling.Instance) {
			kept := scaling.NewSeriesBuffer(time.Minute)
			for at, percent := range i.CPU.All() {
				if at.Before(now.Add(-from)) || !at.Before(now.Add(-to)) {
					kept.Add(at, percent)
				}
			}
			i.CPU = kept.Series()
		})
	}
	for name, test := range map[string]struct {
		edit            func(*scaling.Observation)
		events          []scaling.DatabaseEvent
		writer, readers time.Duration
	}{
		"created, and its event":   {created, []scaling.DatabaseEvent{event(52*minute, "reader", "creation", "DB instance created")}, lookBack, 52 * minute},
		"created without an event": {created, nil, lookBack, unknown},
		"created before its last event": {created, []scaling.DatabaseEvent{
			event(80*minute, "reader", "availability", "DB instance restarted"),
		}, lookBack, unknown},
		"no creation time":                  {reader(func(i *scaling.Instance) { i.CreatedAt = time.Time{} }), nil, lookBack, unknown},
		"restarted by its uptime":           {reader(func(i *scaling.Instance) { i.RestartedAt = now.Add(-55 * minute) }), nil, lookBack, 55 * minute},
		"restarted long ago":                {reader(func(i *scaling.Instance) { i.RestartedAt = now.Add(-9 * time.Hour) }), nil, lookBack, lookBack},
		"two samples missing":               {without(52*minute, 50*minute), nil, lookBack, lookBack},
		"three samples missing":             {without(53*minute, 50*minute), nil, lookBack, 50 * minute},
		"no sample before":                  {without(6*time.Hour, 70*minute), nil, lookBack, 70 * minute},
		"no sample":                         {without(6*time.Hour, 0), nil, lookBack, unknown},
		"a Multi-AZ DB cluster":             {func(o *scaling.Observation) { o.ResizedAsUnit = true }, nil, unknown, unknown},
		"a blue/green deployment":           {func(o *scaling.Observation) { o.BlueGreen = &scaling.BlueGreenDeployment{} }, nil, unknown, unknown},
		"blue/green deployments unreadable": {func(o *scaling.Observation) { o.BlueGreenUnknown = "denied" }, nil, unknown, unknown},
	} {
		t.Run(name, func(t *testing.T) {
			checkUnchangedSince(t, observedCluster(test.edit), test.events, test.writer, test.readers)
		})
	}
}

func checkUnchangedSince(t *testing.T, o scaling.Observation, events []scaling.DatabaseEvent, writer, readers time.Duration) {
	t.Helper()
	for pool, want := range map[scaling.Pool]time.Duration{scaling.Writer: writer, scaling.Readers: readers} {
		got := UnchangedSince(o, eventTarget, pool, events)
		if want == unknown && !got.IsZero() || want != unknown && !got.Equal(now.Add(-want)) {
			t.Errorf("the %s has been unchanged for %s, want %s", pool, now.Sub(got), want)
		}
	}
}

// The time is kept until the pool changes, or EngineUptime shows a restart that the events lack.
func TestPoolState_UnchangedSince(t *testing.T) {
	known := stateAfter(observationAt(0, large))
	known.UnchangedSince = now.Add(-time.Hour)
	restarted := observationAt(5*minute, large)
	restarted.Instances[0].RestartedAt = now.Add(-10 * minute)
	busy := observationAt(5*minute, large)
	busy.Instances[0].Status = "rebooting"
	for name, test := range map[string]struct {
		pool PoolState
		want bool
	}{
		"unchanged":              {known.Update(new(observationAt(5*minute, large)), scaling.Readers), true},
		"another class":          {known.Update(new(observationAt(5*minute, xlarge)), scaling.Readers), false},
		"out of service":         {known.Update(&busy, scaling.Readers), false},
		"restarted before, late": {known.Update(&restarted, scaling.Readers), false},
		"first observation":      {stateAfter(observationAt(0, large)), false},
	} {
		if got := test.pool.UnchangedSince; got.Equal(now.Add(-time.Hour)) != test.want || !test.want && !got.IsZero() {
			t.Errorf("%s: unchanged since %s", name, got)
		}
	}
	if got := known.Update(&restarted, scaling.Readers).ChangedAt; !got.Equal(now) {
		t.Errorf("a restart before the first observation moved the last change to %s", got)
	}
}
