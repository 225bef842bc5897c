package model

import (
	"errors"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling/catalog"
)

const (
	// defaultOperationBytes is the size of an operation: that of the IOPS in the tables of EBS limits.
	defaultOperationBytes = 16 << 10
	// burstMinutes is how long a full burst balance lasts at the highest rate, and refillMinutes how long it takes to fill without I/O:
	// instances can burst for 30 minutes at least once every 24 hours (EC2 user guide, "Amazon EBS-optimized instances").
	burstMinutes, refillMinutes = 30, 24 * 60
	// operationSeconds is the time that an operation takes on an SSD volume that is not at a limit.
	operationSeconds = 0.0005
	// queuedPerUnserved is the number of requests in the queue per operation a second that is not served, and maxQueue the most of them.
	queuedPerUnserved, maxQueue = 0.02, 250
	// cacheWarmUp is how long the buffer cache takes to fill after a start.
	cacheWarmUp = coldCacheDuration
)

// IOWorkload is what the clients of a database read and write, steadily.
type IOWorkload struct {
	Writer IODemand `json:"writer,omitempty"`
	// Readers is what the clients of all readers together do. A replica outside Aurora applies the writes of the writer, too.
	Readers IODemand `json:"readers,omitempty"`
	// OperationBytes is the size of an operation. The default is 16384.
	OperationBytes float64 `json:"operationBytes,omitempty"`
	// WorkingSetGiB is the memory that would cache all that the clients of an Aurora database read. With 0, everything is cached.
	WorkingSetGiB float64 `json:"workingSetGiB,omitempty"`
}

// IODemand is a number of operations per second. Those of Aurora are requests to the buffer cache, of which only the ones that miss
// reach the storage.
type IODemand struct {
	ReadIOPS  float64 `json:"readIOPS,omitempty"`
	WriteIOPS float64 `json:"writeIOPS,omitempty"`
}

func (w *IOWorkload) validate() error {
	if w == nil {
		return nil
	}
	rates := []float64{w.Writer.ReadIOPS, w.Writer.WriteIOPS, w.Readers.ReadIOPS, w.Readers.WriteIOPS, w.OperationBytes, w.WorkingSetGiB}
	for _, v := range rates {
		if !(v >= 0) {
			return errors.New("io: want numbers >= 0")
		}
	}
	return nil
}

// ioSample is what an instance did on its storage in one minute. Rates are per second.
type ioSample struct {
	readIOPS, writeIOPS, operationBytes, queueDepth float64
	// iopsBalance and byteBalance are in percent.
	iopsBalance, byteBalance float64
	cacheHitPercent          float64
}

// ioState is what is left of an instance's bursts, from 0 to 1; used is what is gone.
type ioState struct{ iopsUsed, bytesUsed float64 }

// RequestedIO returns the operations and bytes per second that the clients of an instance request, whether its class can do them or
// not. It returns false if the instance does not exist.
func (w *World) RequestedIO(region, identifier string) (iops, bytesPerSecond float64, exists bool) {
	s, err := w.findInstance(region, identifier)
	if err != nil {
		return 0, 0, false
	}
	d := s.ioDemand(w.now)
	return d.ReadIOPS + d.WriteIOPS, (d.ReadIOPS + d.WriteIOPS) * s.group.operationBytes(), true
}

// CacheHitPercent returns the hit ratio that the buffer cache of a class would have once it is warm.
func (w *World) CacheHitPercent(region, identifier, class string) float64 {
	s, errInstance := w.findInstance(region, identifier)
	c, errClass := catalog.Lookup(class)
	if errInstance != nil || errClass != nil {
		return 100
	}
	return s.group.cacheHitPercent(float64(c.MemoryBytes), s.Engine)
}

// operationBytes is the size of an operation of the group.
func (g *instanceGroup) operationBytes() float64 {
	if g.io.OperationBytes > 0 {
		return g.io.OperationBytes
	}
	return defaultOperationBytes
}

// cacheHitPercent returns the hit ratio of a warm buffer cache that follows the memory of the class: clients read all of the working
// set equally often.
func (g *instanceGroup) cacheHitPercent(memoryBytes float64, engine string) float64 {
	workingSet := g.io.WorkingSetGiB * (1 << 30)
	if workingSet == 0 { // as nearly always
		return 100
	}
	if cache := catalog.PageCacheRatio(engine) * memoryBytes; cache < workingSet {
		return 100 * cache / workingSet
	}
	return 100
}

// ioDemand returns what reaches the storage of an instance, whether the storage can do it or not.
func (s *instanceState) ioDemand(now time.Time) IODemand {
	g := s.group
	demand := g.io.Writer
	readers := len(g.readers.inService)
	switch {
	case !s.isWriter():
		demand = IODemand{
			ReadIOPS: g.io.Readers.ReadIOPS / max(1, float64(readers)), WriteIOPS: g.io.Readers.WriteIOPS / max(1, float64(readers)),
		}
		if !isAurora(s.Engine) {
			demand.WriteIOPS += g.io.Writer.WriteIOPS
		}
	case readers == 0: // the clients of the readers use the writer
		demand.ReadIOPS += g.io.Readers.ReadIOPS
		demand.WriteIOPS += g.io.Readers.WriteIOPS
	}
	if isAurora(s.Engine) {
		demand.ReadIOPS *= 1 - s.cacheHits(now)/100
	}
	return demand
}

// cacheHits returns the hit ratio of the buffer cache now, in percent.
func (s *instanceState) cacheHits(now time.Time) float64 {
	hits := s.group.cacheHitPercent(s.memoryBytes, s.Engine)
	if s.group.io.WorkingSetGiB > 0 {
		if age := now.Sub(s.inServiceSince); age < cacheWarmUp {
			hits *= max(0, float64(age)/float64(cacheWarmUp))
		}
	}
	return hits
}

// serveIO simulates the storage of an instance for the minute that ends now: what its class can do, and what is left of its bursts.
// The storage of Aurora has no limit.
func (s *instanceState) serveIO(now time.Time) ioSample {
	demand, bytes := s.ioDemand(now), s.group.operationBytes()
	requested := demand.ReadIOPS + demand.WriteIOPS
	p := ioSample{operationBytes: bytes, iopsBalance: 100, byteBalance: 100, cacheHitPercent: s.cacheHits(now)}
	served := requested
	if baseline, highest := s.class.BaselineEBS, s.class.MaxEBS; baseline.IsKnown() && !isAurora(s.Engine) {
		served = min(
			serveLimit(requested, baseline.IOPS, highest.IOPS, &s.io.iopsUsed),
			serveLimit(requested*bytes, baseline.BytesPerSecond, highest.BytesPerSecond, &s.io.bytesUsed)/bytes,
		)
		p.iopsBalance, p.byteBalance = 100*(1-s.io.iopsUsed), 100*(1-s.io.bytesUsed)
	}
	if requested > 0 {
		p.readIOPS, p.writeIOPS = demand.ReadIOPS*served/requested, demand.WriteIOPS*served/requested
	}
	p.queueDepth = min(served*operationSeconds+(requested-served)*queuedPerUnserved, maxQueue)
	return p
}

// serveLimit returns what is served of a request in one minute, and moves the used share of the burst.
func serveLimit(requested, baseline, highest float64, used *float64) float64 {
	switch {
	case requested <= baseline:
		*used = max(0, *used-(1-requested/baseline)/refillMinutes)
		return requested
	case *used >= 1 || highest <= baseline:
		return baseline
	}
	served := min(requested, highest)
	*used = min(1, *used+(served-baseline)/(highest-baseline)/burstMinutes)
	return served
}

// isOnVolumes reports whether the storage of an engine is EBS volumes of the instance.
func isOnVolumes(s *instanceState) bool { return !isAurora(s.Engine) }

// ioMetricValues are the metricValues of the storage and of the CPU credits.
var ioMetricValues = map[string]func(*instanceState, sample) (float64, bool){
	"ReadIOPS":            func(_ *instanceState, p sample) (float64, bool) { return p.io.readIOPS, true },
	"WriteIOPS":           func(_ *instanceState, p sample) (float64, bool) { return p.io.writeIOPS, true },
	"ReadThroughput":      func(_ *instanceState, p sample) (float64, bool) { return p.io.readIOPS * p.io.operationBytes, true },
	"WriteThroughput":     func(_ *instanceState, p sample) (float64, bool) { return p.io.writeIOPS * p.io.operationBytes, true },
	"DiskQueueDepth":      func(_ *instanceState, p sample) (float64, bool) { return p.io.queueDepth, true },
	"BufferCacheHitRatio": func(s *instanceState, p sample) (float64, bool) { return p.io.cacheHitPercent, isAurora(s.Engine) },
	"EBSIOBalance%": func(s *instanceState, p sample) (float64, bool) {
		return p.io.iopsBalance, isOnVolumes(s) && s.class.BurstsOnEBS()
	},
	"EBSByteBalance%": func(s *instanceState, p sample) (float64, bool) {
		return p.io.byteBalance, isOnVolumes(s) && s.class.BurstsOnEBS()
	},
	"CPUCreditBalance": func(_ *instanceState, p sample) (float64, bool) { return p.credits.balance, p.credits.isPublished() },
	"CPUSurplusCreditsCharged": func(_ *instanceState, p sample) (float64, bool) {
		return p.credits.surplusCharged, p.credits.isPublished() && !p.credits.standard
	},
}
