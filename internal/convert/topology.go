package convert

import (
	"cmp"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/catalog"
)

const (
	// pastLength is the greatest number of past capacities remembered, as the API's limit has it.
	pastLength = 64
	// pastAge is how long they are remembered: as long as CloudWatch keeps one-minute points (CloudWatch user guide, "Metrics
	// retention").
	pastAge = 15 * 24 * time.Hour
	// pastLeast is how long a pool must have been so to be remembered: what is read by it are means of a quarter of an hour.
	pastLeast = 15 * time.Minute
)

// TargetStatus writes what was found. When the engine's version is another than before, it notes the time: AWS cannot be
// asked reliably when that was.
func TargetStatus(before *v1alpha1.TargetStatus, o scaling.Observation) *v1alpha1.TargetStatus {
	out := &v1alpha1.TargetStatus{ARN: o.ARN, Engine: o.Engine, EngineVersion: o.EngineVersion}
	switch {
	case before == nil || before.ARN != o.ARN:
	case before.EngineVersion != o.EngineVersion:
		out.UpgradeTime = ptr.To(metav1.NewTime(o.At.Truncate(time.Second)))
	default:
		out.UpgradeTime = before.UpgradeTime
	}
	return out
}

// Upgraded reads when the engine was seen to be upgraded; zero when it never was.
func Upgraded(in *v1alpha1.TargetStatus) time.Time {
	if in == nil {
		return time.Time{}
	}
	return stamp(in.UpgradeTime)
}

// PoolStatus writes what a pool consists of. It keeps the time since when that has been so from the status before, and
// starts it anew when an instance came, went, changed its class, restarted or was out of service: AWS cannot tell that later.
// How many vCPUs there were before is kept as well.
func PoolStatus(before *v1alpha1.PoolStatus, o scaling.Observation, pool scaling.Pool) *v1alpha1.PoolStatus {
	instances := o.Pool(pool)
	if len(instances) == 0 {
		return nil
	}
	out := &v1alpha1.PoolStatus{Shape: o.Shape(pool).String()}
	for _, i := range instances {
		s := v1alpha1.InstanceStatus{
			Identifier: i.Identifier, InstanceClass: i.Class, PendingInstanceClass: i.PendingClass, Status: i.Status,
		}
		if i.Own() {
			s.CreatedBy = i.Tags[scaling.TagCreatedBy]
		}
		out.Instances = append(out.Instances, s)
	}
	slices.SortFunc(out.Instances, func(a, b v1alpha1.InstanceStatus) int { return cmp.Compare(a.Identifier, b.Identifier) })
	same := before != nil && before.Since != nil && allServing(before) && sameInstances(before, out)
	restarted := restart(instances)
	switch {
	case !allServing(out):
	case same && !restarted.After(before.Since.Add(restartDoubt)):
		out.Since = before.Since
	case same: // it is still what it was, and its samples from before the restart are not to be trusted
		out.Since = ptr.To(metav1.NewTime(restarted))
	default:
		out.Since = ptr.To(metav1.NewTime(o.At.Truncate(time.Second)))
	}
	out.PastCapacity = remember(before, out, o)
	return out
}

// restartDoubt is by how much EngineUptime may put a start too late, compared with when the instance was seen in service.
const restartDoubt = 3 * time.Minute

// restart is when an instance last restarted as far as that is known.
func restart(instances []scaling.Instance) time.Time {
	var last time.Time
	for _, i := range instances {
		if i.RestartedAt.After(last) {
			last = i.RestartedAt
		}
	}
	return last.Truncate(time.Second)
}

// remember adds what a pool was before to what is remembered of it, when that has ended.
func remember(before, after *v1alpha1.PoolStatus, o scaling.Observation) []v1alpha1.PastCapacity {
	if before == nil {
		return nil
	}
	past := slices.Clone(before.PastCapacity)
	if before.Since != nil && (after.Since == nil || !after.Since.Equal(before.Since)) {
		ended := metav1.NewTime(o.At.Truncate(time.Second))
		if vcpus := vcpusOf(o.Engine, before.Instances); vcpus > 0 && ended.Sub(before.Since.Time) >= pastLeast {
			past = append(past, v1alpha1.PastCapacity{StartTime: *before.Since, EndTime: ended, VCPUs: vcpus})
		}
	}
	past = slices.DeleteFunc(past, func(p v1alpha1.PastCapacity) bool { return o.At.Sub(p.EndTime.Time) > pastAge })
	return past[max(0, len(past)-pastLength):]
}

// vcpusOf is the vCPUs of instances together; zero when a class is not known.
func vcpusOf(engine string, instances []v1alpha1.InstanceStatus) int32 {
	total := 0
	for _, i := range instances {
		class, err := catalog.Lookup(i.InstanceClass)
		if err != nil {
			return 0
		}
		total += class.VCPUFor(engine)
	}
	return int32(total)
}

// Shapes reads how many vCPUs a pool had when, up to now.
func Shapes(in *v1alpha1.PoolStatus, o scaling.Observation) []scaling.PastCapacity {
	if in == nil {
		return nil
	}
	var out []scaling.PastCapacity
	for _, p := range in.PastCapacity {
		out = append(out, scaling.PastCapacity{Since: p.StartTime.Time, Until: p.EndTime.Time, VCPUs: float64(p.VCPUs)})
	}
	if vcpus := vcpusOf(o.Engine, in.Instances); in.Since != nil && vcpus > 0 {
		out = append(out, scaling.PastCapacity{Since: in.Since.Time, Until: o.At, VCPUs: float64(vcpus)})
	}
	return out
}

// Since reads since when a pool has been what it is; zero while it is changing.
func Since(in *v1alpha1.PoolStatus) time.Time {
	if in == nil {
		return time.Time{}
	}
	return stamp(in.Since)
}

func allServing(p *v1alpha1.PoolStatus) bool {
	return !slices.ContainsFunc(p.Instances, func(i v1alpha1.InstanceStatus) bool { return !scaling.Serving(i.Status) })
}

func sameInstances(a, b *v1alpha1.PoolStatus) bool {
	return slices.EqualFunc(a.Instances, b.Instances, func(x, y v1alpha1.InstanceStatus) bool {
		return x.Identifier == y.Identifier && x.InstanceClass == y.InstanceClass
	})
}
