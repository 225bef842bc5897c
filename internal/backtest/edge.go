package backtest

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/dbscaler/dbscaler/internal/rdssim/model"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

// edge sees the model's world as the operator's AWS edge sees AWS: as late, and as often.
type edge struct {
	world     *model.World
	target    scaling.Target
	orderable []string
	// cursor is up to where what was published has been taken in.
	cursor          time.Time
	feeds           map[string]*feed // by resource id
	writer, readers history
	// topology is what was last described, without samples; At is when. It is out of date after a change.
	topology  scaling.Observation
	resources []string // of its instances
	instances []scaling.Instance
	changed   bool
	happened  int
}

func newEdge(w *model.World, s Setup) *edge {
	slowly := history{reads: reads{every: edgeSlowly}}
	return &edge{
		world: w, target: s.Policy.Target, orderable: s.orderable(), feeds: map[string]*feed{}, writer: slowly, readers: slowly, changed: true,
	}
}

// observe is what the operator would see at now, no older than notBefore and never older than the edge lets it be.
func (e *edge) observe(now, notBefore time.Time) scaling.Observation {
	if oldest := now.Add(-edgeInterval); notBefore.Before(oldest) {
		notBefore = oldest
	}
	if e.changed || e.topology.ObservedAt.Before(notBefore) || e.stale(now) {
		e.read(now, notBefore)
	}
	o := e.topology
	e.instances = append(e.instances[:0], o.Instances...) // no observation outlives a look
	o.Instances = e.instances
	o.WriterCPU, o.ReadersCPU = e.writer.known, e.readers.known
	aurora := isAurora(o.Engine)
	for n := range o.Instances {
		if f, known := e.feeds[e.resources[n]]; known {
			f.attach(&o.Instances[n], now, aurora)
		}
	}
	return o
}

// isAurora says whether an engine is Aurora's.
func isAurora(engine string) bool { return strings.HasPrefix(engine, "aurora-") }

// stale says whether something has to be read again.
func (e *edge) stale(now time.Time) bool {
	if e.writer.stale(now) || e.target.Kind == scaling.DBCluster && e.readers.stale(now) {
		return true
	}
	for n := range e.topology.Instances {
		if e.topology.Instances[n].CreatedAt.IsZero() {
			continue
		}
		f, known := e.feeds[e.resources[n]]
		if !known || f.minutes.stale(now) || f.slow.stale(now) || f.uptime.stale(now) {
			return true
		}
	}
	return false
}

// read brings the topology up to date, and the samples that are due.
func (e *edge) read(now, notBefore time.Time) {
	switch happened := e.world.ProcessedEvents(); {
	case e.changed, e.happened != happened && e.topology.ObservedAt.Before(notBefore):
		e.describe(now)
		e.changed, e.happened = false, happened
	case e.topology.ObservedAt.Before(notBefore):
		e.topology.ObservedAt = now // it would look the same
	}
	alone := e.target.Kind == scaling.DBInstance
	e.cursor = e.world.ForEachPublished(e.target.Scope.Region, e.target.Identifier, e.cursor, func(r model.InstanceMetrics) {
		e.feed(r.ResourceID).take(r)
		switch {
		case r.IsWriter:
			e.writer.take(r)
		case !alone:
			e.readers.take(r)
		}
	})
	e.writer.read(now)
	e.readers.read(now)
	for n := range e.topology.Instances {
		if created := e.topology.Instances[n].CreatedAt; !created.IsZero() {
			e.feed(e.resources[n]).read(now, created)
		}
	}
	if len(e.feeds) > len(e.resources) {
		e.forget()
	}
}

func (e *edge) feed(resource string) *feed {
	f, known := e.feeds[resource]
	if !known {
		f = &feed{slow: reads{every: edgeSlowly}, uptime: reads{every: edgeUptime}}
		e.feeds[resource] = f
	}
	return f
}

// forget drops the feeds of instances that are gone.
func (e *edge) forget() {
	for resource := range e.feeds {
		if !slices.Contains(e.resources, resource) {
			delete(e.feeds, resource)
		}
	}
}

// describe reads the topology.
func (e *edge) describe(now time.Time) {
	region, id := e.target.Scope.Region, e.target.Identifier
	o := scaling.Observation{ObservedAt: now, Orderable: e.orderable}
	var members []*model.Instance
	writer := id
	if e.target.Kind == scaling.DBCluster {
		c, err := e.world.Cluster(region, id)
		if err != nil {
			e.topology, e.resources = o, nil
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
	e.resources = make([]string, 0, len(members))
	for _, i := range members {
		e.resources = append(e.resources, i.ResourceID)
		o.Instances = append(o.Instances, instance(i, i.Identifier == writer))
	}
	e.topology = o
}

// instance is what the RDS API shows of an instance.
func instance(i *model.Instance, writer bool) scaling.Instance {
	out := scaling.Instance{
		Identifier: i.Identifier, ARN: i.ARN(), Class: i.Class, PendingClass: i.PendingChanges.Class, Status: i.Status, Writer: writer,
		PromotionTier: i.PromotionTier, AvailabilityZone: i.AvailabilityZone, CreatedAt: i.CreatedAt, Tags: i.Tags,
	}
	if !isAurora(i.Engine) {
		out.BackupWindow = i.BackupWindow
	}
	return out
}
