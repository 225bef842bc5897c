package awsx

import (
	"context"
	"maps"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"
	"golang.org/x/sync/errgroup"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// partialTopology is what was read so far of the first topology of a scope. That takes half a minute with 10,000 clusters, since requests
// are limited, and the past of the databases that are known can be read meanwhile. It is for nothing but samples: an observation needs all
// that belongs to a database, and a page that is still missing may have a further instance of it. A nil one ignores what it receives.
type partialTopology struct {
	// added is signaled for each page.
	added chan<- struct{}

	mu        sync.Mutex
	clusters  map[string]*types.DBCluster
	instances map[string]*types.DBInstance
}

func newPartialTopology(added chan<- struct{}) *partialTopology {
	return &partialTopology{added: added, clusters: map[string]*types.DBCluster{}, instances: map[string]*types.DBInstance{}}
}

func (p *partialTopology) addCluster(id string, c *types.DBCluster) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clusters[id] = c
}

func (p *partialTopology) addInstance(id string, i *types.DBInstance) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.instances[id] = i
}

func (p *partialTopology) endPage() {
	if p != nil {
		signal(p.added)
	}
}

// clear forgets everything once the topology was read.
func (p *partialTopology) clear() {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	clear(p.clusters)
	clear(p.instances)
}

// view returns a topology of one target for its samples: a cluster with the members that it names, or an instance. It is nil while some of
// that is not known.
func (p *partialTopology) view(target scaling.Target) *topology {
	p.mu.Lock()
	defer p.mu.Unlock()
	if target.Kind != scaling.DBCluster {
		if i := p.instances[target.Identifier]; i != nil {
			return &topology{instances: map[string]*types.DBInstance{target.Identifier: i}}
		}
		return nil
	}
	cluster := p.clusters[target.Identifier]
	if cluster == nil {
		return nil
	}
	t := newTopology(time.Time{})
	for n := range cluster.DBClusterMembers {
		id := aws.ToString(cluster.DBClusterMembers[n].DBInstanceIdentifier)
		if t.instances[id] = p.instances[id]; t.instances[id] == nil {
			return nil
		}
		t.memberIDs[target.Identifier] = append(t.memberIDs[target.Identifier], id)
	}
	t.clusters[target.Identifier] = cluster
	return t
}

// readEarly reads the past of targets whose databases are known, as long as the first topology is being read. The samples that are
// published until it is complete are read then, and only then somebody is told.
func (p *scopePoller) readEarly(ctx context.Context) {
	var reading errgroup.Group
	reading.SetLimit(concurrentReads)
	for views := p.takeEarly(); len(views) > 0; views = p.takeEarly() {
		reading.Go(func() error {
			p.withTimeout(ctx, func(ctx context.Context) bool {
				p.fetchSeriesOf(ctx, maps.All(views), func(_ scaling.Target, series targetSeries, cached cachedSeries, _ time.Time) bool {
					return cached.readAt.IsZero() && !series.metric.isReadOnDemand()
				})
				return true
			})
			return nil
		})
	}
	_ = reading.Wait() // no read returns an error
}

// takeEarly returns targets for one read, each once; none when fewer are known, and on standby, which does not hurry.
func (p *scopePoller) takeEarly() map[scaling.Target]*topology {
	p.pollMu.Lock()
	defer p.pollMu.Unlock()
	if p.isReady || p.isStandby {
		return nil
	}
	views := map[scaling.Target]*topology{}
	for t, target := range p.polled {
		if target.isReadEarly {
			continue
		}
		if view := p.early.view(t); view != nil {
			views[t] = view
		}
		if len(views) == targetsPerRead {
			break
		}
	}
	if len(views) < targetsPerRead {
		return nil
	}
	for t := range views {
		p.polled[t].isReadEarly = true
	}
	return views
}
