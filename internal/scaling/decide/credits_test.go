package decide

import (
	"strings"
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

func TestEvaluate_CPUCredits(t *testing.T) {
	for _, test := range []struct {
		name, class, smaller string
		credits              scaling.CPUCredits
		want                 scaling.Reason
		text                 string
	}{
		{name: "t4g without surplus credits", class: "db.t4g.xlarge", smaller: "db.t4g.large",
			credits: scaling.CPUCredits{Balance: fiveMinuteSeries(0), SurplusCharged: fiveMinuteSeries(0)}, want: scaling.ReasonScaleDown},
		{name: "t4g whose surplus is not published", class: "db.t4g.xlarge", smaller: "db.t4g.large", want: scaling.ReasonScaleDown},
		{name: "t4g with surplus credits", class: "db.t4g.xlarge", smaller: "db.t4g.large",
			credits: scaling.CPUCredits{Balance: fiveMinuteSeries(0), SurplusCharged: withSamples(fiveMinuteSeries(0), 10, 0.2)},
			want:    scaling.ReasonCPUCreditsExhausted, text: "CPUSurplusCreditsCharged"},
		{name: "t2 with credits", class: "db.t2.medium", smaller: "db.t2.small",
			credits: scaling.CPUCredits{Balance: fiveMinuteSeries(300)}, want: scaling.ReasonScaleDown},
		{name: "t2 without credits", class: "db.t2.medium", smaller: "db.t2.small",
			credits: scaling.CPUCredits{Balance: withSamples(fiveMinuteSeries(300), 10, 0)},
			want:    scaling.ReasonCPUCreditsExhausted, text: "CPUCreditBalance"},
		{name: "t2 whose balance is not known", class: "db.t2.medium", smaller: "db.t2.small",
			want: scaling.ReasonCPUCreditsExhausted, text: "samples of its CPUCreditBalance are missing"},
		{name: "a class without credits", class: xlarge, smaller: large,
			credits: scaling.CPUCredits{SurplusCharged: fiveMinuteSeries(1)}, want: scaling.ReasonScaleDown},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := newPolicy(withoutReaders, withWriter(test.smaller, test.class))
			p.Guardrails.IOLimits = scaling.IgnoreIOLimits
			p.ScaleDown.Window = 4 * time.Hour
			w := writer(test.class, recentSamples(repeated(5, 245)...))
			w.Credits = test.credits
			w.FreeableMemory = fiveMinuteSeries(float64(64 << 30))
			o := newObservation(w)
			o.Engine = "mysql"
			o.Prices = map[string]scaling.Money{test.smaller: 1e6, test.class: 2e6}
			d := Evaluate(p, o, now)
			if reason(d) != test.want || !strings.Contains(d.Hold.Message, test.text) {
				t.Errorf("got %s (%s), want %s with %q", reason(d), d.Hold.Message, test.want, test.text)
			}
		})
	}
}
