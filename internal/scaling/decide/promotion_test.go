package decide

import (
	"strings"
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// The writer scales up to at most the size of the largest reader at the best promotion tier.
func TestEvaluate_PromotionCandidate(t *testing.T) {
	tier := func(i scaling.Instance, tier int) scaling.Instance {
		i.PromotionTier = tier
		return i
	}
	p := newPolicy(withWriter(large, xlarge, xlarge2, xlarge4), withPreference(scaling.Vertical))
	busy := writer(xlarge, constantLoad(90)) // 3.6 vCPU need 6.5: a 2xlarge
	for _, test := range []struct {
		name        string
		policy      scaling.Policy
		observation scaling.Observation
		want        []string
	}{
		{"the reader is large enough: writer", p, newObservation(busy, ownReader("a", xlarge2, constantLoad(40))),
			[]string{"Writer 1 × db.r6g.2xlarge"}},
		{"the reader is too small: readers first, to the class of the writer", p, newObservation(busy, ownReader("a", xlarge, constantLoad(40))),
			[]string{"Readers 1 × db.r6g.2xlarge"}},
		{"the large reader has a worse promotion tier: readers first", p,
			newObservation(busy, tier(ownReader("a", xlarge2, constantLoad(40)), 15), tier(ownReader("b", xlarge, constantLoad(40)), 1)),
			[]string{"Readers 2 × db.r6g.2xlarge"}},
		{"of the readers at the best tier the largest counts", p,
			newObservation(busy, tier(ownReader("a", xlarge2, constantLoad(40)), 1), tier(ownReader("b", xlarge, constantLoad(40)), 1)),
			[]string{"Writer 1 × db.r6g.2xlarge"}},
		{"the writer waits for a disruption window: the readers wait, too", func() scaling.Policy {
			p := newPolicy(withWriter(large, xlarge, xlarge2), withPreference(scaling.Vertical))
			p.DisruptionWindows = []scaling.Window{{Schedule: "0 2 * * *", Duration: time.Hour, TimeZone: "UTC"}}
			return p
		}(), newObservation(busy, ownReader("a", xlarge, constantLoad(40))), nil},
		{"no scale-down of readers below the new writer", p, newObservation(busy, ownReader("a", xlarge2, constantLoad(5))),
			[]string{"Writer 1 × db.r6g.2xlarge"}},
		{"no scale-down of readers while the writer lacks a promotion candidate",
			newPolicy(withWriter(xlarge, xlarge4), withReaders(1, 4, large, xlarge, xlarge2)),
			newObservation(writer(xlarge, constantLoad(90)), ownReader("a", xlarge2, constantLoad(5))), nil},
		{"readers scale up without losing readers", newPolicy(withWriter(large, xlarge, xlarge2), withReaders(1, 4, large, xlarge2)),
			newObservation(busy, ownReader("a", large, constantLoad(40)), ownReader("b", large, constantLoad(40)),
				ownReader("c", large, constantLoad(40)), ownReader("d", large, constantLoad(40))),
			[]string{"Readers 4 × db.r6g.2xlarge"}},
		{"read replicas are not promotion candidates", newPolicy(withWriter(large, xlarge, xlarge2), withReaders(1, 4, large, xlarge2)),
			func() scaling.Observation {
				o := newObservation(busy, ownReader("a", large, constantLoad(40)))
				o.Kind = scaling.DBInstance
				return o
			}(), []string{"Writer 1 × db.r6g.2xlarge"}},
		{"a manual override of the readers takes precedence", func() scaling.Policy {
			return newPolicy(withWriter(large, xlarge, xlarge2), withOverride(&scaling.Shape{InstanceClass: xlarge, Count: 1}, nil, time.Hour))
		}(), newObservation(busy, ownReader("a", xlarge, constantLoad(40))), nil},
		{"without readers there is no bound", p, newObservation(busy), []string{"Readers 1 × db.r6g.large", "Writer 1 × db.r6g.2xlarge"}},
		{"readers that the policy does not scale: no bound", newPolicy(withoutReaders, withWriter(xlarge, xlarge2)),
			newObservation(busy, foreignReader("a", xlarge, constantLoad(40))), []string{"Writer 1 × db.r6g.2xlarge"}},
		{"the limits of the readers do not allow the class", newPolicy(withWriter(xlarge, xlarge2), withReaders(1, 4, large, xlarge)),
			newObservation(busy, ownReader("a", xlarge, constantLoad(40))), nil},
		{"readers stay as large as the writer", p,
			newObservation(writer(xlarge2, constantLoad(50)), ownReader("a", xlarge2, constantLoad(5))), nil},
		{"readers smaller than the writer may become smaller", p,
			newObservation(writer(xlarge4, constantLoad(50)), ownReader("a", xlarge2, constantLoad(5))), []string{"Readers 1 × db.r6g.large"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := Evaluate(test.policy, test.observation, now)
			var got []string
			for _, proposal := range d.Proposals {
				got = append(got, string(proposal.Pool)+" "+proposal.To.String())
			}
			if strings.Join(got, ", ") != strings.Join(test.want, ", ") {
				t.Errorf("got %v (%s), want %v", got, d.Hold.Message, test.want)
			}
		})
	}
}
