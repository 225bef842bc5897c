package backtest

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/dbscaler/dbscaler/internal/rdssim/model"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

// awsObserver sees the model's world as the operator's AWS edge sees AWS: as late, and as often.
type awsObserver struct {
	world            *model.World
	target           scaling.Target
	orderableClasses []string
	// cursor is up to where what was published has been taken in.
	cursor          time.Time
	feeds           map[string]*metricFeed // by resource id
	writer, readers roleHistory
	// topology is what was last described, without samples; At is when. It is out of date after a change.
	topology        scaling.Observation
	resourceIDs     []string // of its instances
	instances       []scaling.Instance
	topologyChanged bool
	processedEvents int
}

func newAWSObserver(w *model.World, s Setup) *awsObserver {
	slowly := roleHistory{readSchedule: readSchedule{interval: slowInterval}}
	return &awsObserver{
		world: w, target: s.Policy.Target, orderableClasses: s.orderableClasses(), feeds: map[string]*metricFeed{}, writer: slowly, readers: slowly, topologyChanged: true,
	}
}

// observe is what the operator would see at now, no older than notBefore and never older than the edge lets it be.
func (e *awsObserver) observe(now, notBefore time.Time) scaling.Observation {
	if oldest := now.Add(-maxSnapshotAge); notBefore.Before(oldest) {
		notBefore = oldest
	}
	if e.topologyChanged || e.topology.ObservedAt.Before(notBefore) || e.isStale(now) {
		e.refresh(now, notBefore)
	}
	o := e.topology
	e.instances = append(e.instances[:0], o.Instances...) // no observation outlives a look
	o.Instances = e.instances
	o.WriterCPU, o.ReadersCPU = e.writer.samples, e.readers.samples
	aurora := isAurora(o.Engine)
	for n := range o.Instances {
		if f, known := e.feeds[e.resourceIDs[n]]; known {
			f.addSamples(&o.Instances[n], now, aurora)
		}
	}
	return o
}

// isAurora says whether an engine is Aurora's.
func isAurora(engine string) bool { return strings.HasPrefix(engine, "aurora-") }

// isStale says whether something has to be read again.
func (e *awsObserver) isStale(now time.Time) bool {
	if e.writer.isStale(now) || e.target.Kind == scaling.DBCluster && e.readers.isStale(now) {
		return true
	}
	for n := range e.topology.Instances {
		if e.topology.Instances[n].CreatedAt.IsZero() {
			continue
		}
		f, known := e.feeds[e.resourceIDs[n]]
		if !known || f.minuteSchedule.isStale(now) || f.slowSchedule.isStale(now) || f.uptimeSchedule.isStale(now) {
			return true
		}
	}
	return false
}

// refresh brings the topology up to date, and the samples that are due.
func (e *awsObserver) refresh(now, notBefore time.Time) {
	switch happened := e.world.ProcessedEvents(); {
	case e.topologyChanged, e.processedEvents != happened && e.topology.ObservedAt.Before(notBefore):
		e.describeTopology(now)
		e.topologyChanged, e.processedEvents = false, happened
	case e.topology.ObservedAt.Before(notBefore):
		e.topology.ObservedAt = now // it would look the same
	}
	alone := e.target.Kind == scaling.DBInstance
	e.cursor = e.world.ForEachPublished(e.target.Scope.Region, e.target.Identifier, e.cursor, func(r model.InstanceMetrics) {
		e.feedOf(r.ResourceID).record(r)
		switch {
		case r.IsWriter:
			e.writer.record(r)
		case !alone:
			e.readers.record(r)
		}
	})
	e.writer.read(now)
	e.readers.read(now)
	for n := range e.topology.Instances {
		if created := e.topology.Instances[n].CreatedAt; !created.IsZero() {
			e.feedOf(e.resourceIDs[n]).read(now, created)
		}
	}
	if len(e.feeds) > len(e.resourceIDs) {
		e.dropUnusedFeeds()
	}
}

func (e *awsObserver) feedOf(resource string) *metricFeed {
	f, known := e.feeds[resource]
	if !known {
		f = &metricFeed{slowSchedule: readSchedule{interval: slowInterval}, uptimeSchedule: readSchedule{interval: uptimeInterval}}
		e.feeds[resource] = f
	}
	return f
}

// dropUnusedFeeds drops the feeds of instances that are gone.
func (e *awsObserver) dropUnusedFeeds() {
	for resource := range e.feeds {
		if !slices.Contains(e.resourceIDs, resource) {
			delete(e.feeds, resource)
		}
	}
}

// describeTopology reads the topology.
func (e *awsObserver) describeTopology(now time.Time) {
	region, id := e.target.Scope.Region, e.target.Identifier
	o := scaling.Observation{ObservedAt: now, Orderable: e.orderableClasses}
	var members []*model.Instance
	writer := id
	if e.target.Kind == scaling.DBCluster {
		c, err := e.world.Cluster(region, id)
		if err != nil {
			e.topology, e.resourceIDs = o, nil
			return
		}
		o.Found, o.Kind, o.ARN, o.Engine, o.EngineVersion = true, scaling.DBCluster, c.ARN(), c.Engine, c.EngineVersion
		o.Status, o.Tags, writer = c.Status, c.Tags, c.Writer
		for _, member := range c.Members {
			if i, err := e.world.Instance(region, member); err == nil {
				members = append(members, i)
			}
		}
	} else if i, err := e.world.Instance(region, id); err == nil {
		o.Found, o.Kind, o.ARN, o.Engine, o.EngineVersion = true, scaling.DBInstance, i.ARN(), i.Engine, i.EngineVersion
		o.Status, o.Tags, o.MultiAZ = i.Status, i.Tags, i.MultiAZ
		members = append(members, i)
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
	e.resourceIDs = make([]string, 0, len(members))
	for _, i := range members {
		e.resourceIDs = append(e.resourceIDs, i.ResourceID)
		o.Instances = append(o.Instances, describeInstance(i, i.Identifier == writer))
	}
	e.topology = o
}

// describeInstance is what the RDS API shows of an instance.
func describeInstance(i *model.Instance, writer bool) scaling.Instance {
	out := scaling.Instance{
		Identifier: i.Identifier, ARN: i.ARN(), Class: i.Class, PendingClass: i.PendingChanges.Class, Status: i.Status, Writer: writer,
		PromotionTier: i.PromotionTier, AvailabilityZone: i.AvailabilityZone, CreatedAt: i.CreatedAt, Tags: i.Tags,
	}
	if !isAurora(i.Engine) {
		out.BackupWindow = i.BackupWindow
	}
	return out
}
