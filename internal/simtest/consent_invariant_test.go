package simtest

import (
	"time"

	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
)

// checkConsent requires that status does not show a database whose opt-in tag was removed a while ago. While AWS cannot be read, status
// stays as it was.
func (ic *invariantChecker) checkConsent(p *v1alpha1.DBScalingPolicy) {
	if p == nil {
		return
	}
	since, optedOut := ic.optedOutSince[p.Name]
	found := meta.FindStatusCondition(p.Status.Conditions, v1alpha1.ConditionTargetFound)
	if !optedOut || ic.sim.now.Sub(since) < 3*time.Minute || found != nil && found.Reason == v1alpha1.ReasonAWSUnavailable {
		return
	}
	if s := p.Status; s.Readers != nil || s.Writer != nil || s.Target != nil && s.Operation == nil {
		ic.sim.violationf("status shows the database of %s, whose opt-in tag was removed %s ago", p.Name, ic.sim.now.Sub(since))
	}
}
