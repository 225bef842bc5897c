package backtest

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/dbscaler/dbscaler/internal/rdssim/model"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

// awsObserver observes the simulated world as the operator's AWS client observes AWS: with the same delays and at the same intervals.
type awsObserver struct {
	world            *model.World
	target           scaling.Target
	orderableClasses []string
	// cursor is the time up to which published metrics were recorded.
	cursor          time.Time
	feeds           map[string]*metricFeed // by resource ID
	writer, readers roleHistory
	// topology is the newest description, without samples. Its ObservedAt is when it was read.
	topology scaling.Observation
	// resourceIDs and instanceFeeds are those of its instances.
	resourceIDs   []string
	instanceFeeds []*metricFeed
	// instances is the buffer of the returned instances: each observe overwrites it.
	instances []scaling.Instance
	// topologyChanged says that the operator changed the topology since it was described.
	topologyChanged bool
	// minuteInterval is how often one-minute samples are read; zero means at each refresh.
	minuteInterval time.Duration
	// riseLimits say when they are read before that.
	riseLimits scaling.RiseLimits
	// processedEvents is the number of the world's events when the topology was described.
	processedEvents int
}

func newAWSObserver(world *model.World, s Setup) *awsObserver {
	history := roleHistory{readSchedule: readSchedule{interval: historyInterval}, samples: scaling.NewSeriesBuffer(historyPeriod)}
	return &awsObserver{
		world: world, target: s.Policy.Target, orderableClasses: s.orderableClasses(), feeds: map[string]*metricFeed{},
		writer: history, readers: history, topologyChanged: true,
	}
}

// observe returns the operator's observation at now. It is not older than notBefore, and never older than maxSnapshotAge.
func (obs *awsObserver) observe(now, notBefore time.Time) scaling.Observation {
	if oldest := now.Add(-maxSnapshotAge); notBefore.Before(oldest) {
		notBefore = oldest
	}
	if obs.topologyChanged || obs.topology.ObservedAt.Before(notBefore) || obs.isStale(now) {
		obs.refresh(now, notBefore)
	}
	o := obs.topology
	obs.instances = append(obs.instances[:0], o.Instances...) // an observation is used for one reconcile only
	o.Instances = obs.instances
	o.WriterCPU, o.ReadersCPU = obs.writer.samples.Series(), obs.readers.samples.Series()
	aurora := isAurora(o.Engine)
	for n, feed := range obs.instanceFeeds {
		feed.addSamples(&o.Instances[n], now, aurora)
	}
	return o
}

// isAurora reports whether an engine is an Aurora engine.
func isAurora(engine string) bool { return strings.HasPrefix(engine, "aurora-") }

// isStale reports whether any metrics have to be read again.
func (obs *awsObserver) isStale(now time.Time) bool {
	if obs.writer.isStale(now) || obs.target.Kind == scaling.DBCluster && obs.readers.isStale(now) {
		return true
	}
	for n, feed := range obs.instanceFeeds {
		if obs.topology.Instances[n].CreatedAt.IsZero() {
			continue
		}
		feed.setMinuteInterval(obs.minuteInterval)
		if feed.minuteSchedule.isStale(now) || feed.slowSchedule.isStale(now) || feed.uptimeSchedule.isStale(now) {
			return true
		}
	}
	return false
}

// refresh reads the topology, if it may have changed, and the metrics that are due.
func (obs *awsObserver) refresh(now, notBefore time.Time) {
	switch processed := obs.world.ProcessedEvents(); {
	case obs.topologyChanged, obs.processedEvents != processed && obs.topology.ObservedAt.Before(notBefore):
		obs.describeTopology(now)
		obs.topologyChanged, obs.processedEvents = false, processed
	case obs.topology.ObservedAt.Before(notBefore):
		obs.topology.ObservedAt = now // nothing happened, so a new description would be equal
	}
	standalone := obs.target.Kind == scaling.DBInstance
	obs.cursor = obs.world.ForEachPublished(obs.target.Scope.Region, obs.target.Identifier, obs.cursor, func(metrics model.InstanceMetrics) {
		obs.feedOf(metrics.ResourceID).record(metrics)
		switch {
		case metrics.IsWriter:
			obs.writer.record(metrics)
		case !standalone:
			obs.readers.record(metrics)
		}
	})
	if obs.hasRisen(now) {
		obs.minuteInterval = 0
	}
	obs.writer.read(now)
	obs.readers.read(now)
	for n, feed := range obs.instanceFeeds {
		if created := obs.topology.Instances[n].CreatedAt; !created.IsZero() {
			feed.setMinuteInterval(obs.minuteInterval)
			feed.read(now, created)
		}
	}
	if len(obs.feeds) > len(obs.resourceIDs) {
		obs.dropUnusedFeeds()
	}
}

// hasRisen reports whether the load of a pool has risen above its limit in a minute that was published since the samples were read.
func (obs *awsObserver) hasRisen(now time.Time) bool {
	if obs.minuteInterval <= time.Minute {
		return false
	}
	var newest time.Time
	for _, feed := range obs.instanceFeeds {
		if sample, known := feed.cpuRead.NewestSample(); known && sample.Time.After(newest) {
			newest = sample.Time
		}
	}
	if now.Sub(newest) > scaling.MaxSampleAge {
		return false
	}
	for minute := newest.Add(time.Minute); minute.Before(now); minute = minute.Add(time.Minute) {
		if obs.writer.exceeds(obs.riseLimits.Writer, minute) || obs.readers.exceeds(obs.riseLimits.Readers, minute) {
			return true
		}
	}
	return false
}

// feedOf returns the feed of a resource ID. It creates the feed if there is none.
func (obs *awsObserver) feedOf(resource string) *metricFeed {
	for n, id := range obs.resourceIDs { // faster than the map
		if id == resource {
			return obs.instanceFeeds[n]
		}
	}
	feed, exists := obs.feeds[resource]
	if !exists {
		feed = newMetricFeed()
		obs.feeds[resource] = feed
	}
	return feed
}

// dropUnusedFeeds deletes the feeds of deleted instances.
func (obs *awsObserver) dropUnusedFeeds() {
	for resource := range obs.feeds {
		if !slices.Contains(obs.resourceIDs, resource) {
			delete(obs.feeds, resource)
		}
	}
}

// describeTopology reads the topology, the writer first and the readers by name.
func (obs *awsObserver) describeTopology(now time.Time) {
	region, id := obs.target.Scope.Region, obs.target.Identifier
	o := scaling.Observation{ObservedAt: now, Orderable: obs.orderableClasses}
	var members []*model.Instance
	writer := id
	if obs.target.Kind == scaling.DBCluster {
		cluster, err := obs.world.Cluster(region, id)
		if err != nil {
			obs.topology, obs.resourceIDs, obs.instanceFeeds = o, nil, nil
			return
		}
		o.Found, o.Kind, o.ARN, o.Engine, o.EngineVersion = true, scaling.DBCluster, cluster.ARN(), cluster.Engine, cluster.EngineVersion
		o.Status, o.Tags, writer = cluster.Status, cluster.Tags, cluster.Writer
		for _, member := range cluster.Members {
			if instance, err := obs.world.Instance(region, member); err == nil {
				members = append(members, instance)
			}
		}
	} else if instance, err := obs.world.Instance(region, id); err == nil {
		o.Found, o.Kind, o.ARN, o.Engine, o.EngineVersion = true, scaling.DBInstance, instance.ARN(), instance.Engine, instance.EngineVersion
		o.Status, o.Tags, o.MultiAZ = instance.Status, instance.Tags, instance.MultiAZ
		members = append(members, instance)
	}
	slices.SortFunc(members, func(a, b *model.Instance) int {
		if (a.Identifier == writer) != (b.Identifier == writer) {
			if a.Identifier == writer {
				return -1
			}
			return 1
		}
		return cmp.Compare(a.Identifier, b.Identifier)
	})
	obs.resourceIDs, obs.instanceFeeds = obs.resourceIDs[:0], obs.instanceFeeds[:0]
	for _, instance := range members {
		feed := obs.feedOf(instance.ResourceID)
		obs.resourceIDs, obs.instanceFeeds = append(obs.resourceIDs, instance.ResourceID), append(obs.instanceFeeds, feed)
		o.Instances = append(o.Instances, describeInstance(instance, instance.Identifier == writer))
	}
	obs.topology = o
}

// describeInstance is an instance as the RDS API describes it.
func describeInstance(instance *model.Instance, writer bool) scaling.Instance {
	out := scaling.Instance{
		Identifier: instance.Identifier, ARN: instance.ARN(), Class: instance.Class, PendingClass: instance.PendingChanges.Class,
		Status: instance.Status, Writer: writer,
		PromotionTier: instance.PromotionTier, AvailabilityZone: instance.AvailabilityZone, CreatedAt: instance.CreateTime(), Tags: instance.Tags,
	}
	if !isAurora(instance.Engine) {
		out.BackupWindow = instance.BackupWindow
	}
	return out
}
