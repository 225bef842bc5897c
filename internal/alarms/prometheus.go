package alarms

import (
	"fmt"
	"strconv"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// ruleSpec is the spec of a PrometheusRule of the Prometheus operator, and the content of a rule file.
type ruleSpec struct {
	Groups []ruleGroup `json:"groups"`
}

type ruleGroup struct {
	Name  string `json:"name"`
	Rules []rule `json:"rules"`
}

type rule struct {
	Alert       string            `json:"alert"`
	Expr        string            `json:"expr"`
	For         string            `json:"for,omitempty"`
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
}

// prometheusRule has the alarms of whole pools as rules over the operator's own metrics. The metrics of a single instance, and of a pool
// that the policy does not scale, are not among them.
func prometheusRule(set *Set) object {
	group := ruleGroup{Name: "dbscaler-" + set.Namespace + "-" + set.Name, Rules: []rule{}}
	seen := map[string]bool{}
	for n := range set.Alarms {
		a := &set.Alarms[n]
		r, ok := newRule(set, a)
		// The roles of Aurora Serverless v2 are one pool of the operator.
		if key := r.Alert + string(a.Pool); ok && !seen[key] {
			seen[key] = true
			group.Rules = append(group.Rules, r)
		}
	}
	return object{
		APIVersion: "monitoring.coreos.com/v1", Kind: "PrometheusRule",
		Metadata: metadata{Name: kubernetesName("dbscaler-" + set.Name), Namespace: set.Namespace},
		Spec:     ruleSpec{[]ruleGroup{group}},
	}
}

func newRule(set *Set, a *Alarm) (rule, bool) {
	if !a.IsPool {
		return rule{}, false
	}
	policy := fmt.Sprintf("namespace=%q, name=%q", set.Namespace, set.Name)
	pool := fmt.Sprintf("%s, pool=%q", policy, string(a.Pool))
	cpu := func(threshold float64) string {
		return fmt.Sprintf("max by (namespace, name, pool) (dbscaler_pool_cpu_utilization_percent{%s}) >= %s", pool,
			strconv.FormatFloat(threshold, 'f', -1, 64))
	}
	out := rule{
		// The label pool has the value of the series. It tells the rules of two pools apart.
		Labels:      map[string]string{"severity": string(a.Severity), "pool": string(a.Pool)},
		Annotations: map[string]string{"runbook_url": set.RunbookURL + a.Kind.runbook() + ".md"},
	}
	hold := a.duration()
	var state string
	switch a.Kind {
	case LoadHigh:
		out.Alert, out.Expr = "DBScalerPolicyLoadHigh", cpu(a.Threshold)
		state = fmt.Sprintf("has been at %g %% CPU or above for %s, longer than an operation takes", a.Threshold, formatMinutes(hold))
	case Saturated:
		out.Alert, out.Expr = "DBScalerPolicySaturated", cpu(a.Threshold)
		state = fmt.Sprintf("has been at %g %% CPU or above for %s: queries wait", a.Threshold, formatMinutes(hold))
	case NotScaled:
		// The operator itself says whether an operation is in progress, so that no operation must be waited for.
		hold = max(set.Policy.ScaleUp.Window+detectionDelay, minNotScaled).Round(time.Minute)
		out.Alert = "DBScalerPolicyNotScaled"
		out.Expr = fmt.Sprintf("(%s) unless on (namespace, name) max by (namespace, name) (dbscaler_policy_operation_in_progress{%s}) > 0",
			cpu(a.Threshold), policy)
		state = fmt.Sprintf("has been at %g %% CPU or above for %s without an operation", a.Threshold, formatMinutes(hold))
	case MetricsMissing:
		out.Alert = "DBScalerPolicySamplesMissing"
		out.Expr = fmt.Sprintf("time() - max by (namespace, name, pool) (dbscaler_pool_newest_sample_timestamp_seconds{%s}) > %d", pool,
			int(hold/time.Second))
		state, hold = fmt.Sprintf("has had no CPU samples for %s", formatMinutes(hold)), detectionDelay
	default:
		return rule{}, false
	}
	out.For = fmt.Sprintf("%dm", wholeMinutes(hold))
	out.Annotations["summary"] = fmt.Sprintf("The pool %s of %s/%s %s", a.Pool, set.Namespace, set.Name, state)
	out.Annotations["description"] = fmt.Sprintf("The pool %s of %s, which the policy %s/%s scales, %s. %s Do: kubectl describe dbsp "+
		"-n %s %s.", a.Pool, set.Policy.Target.Identifier, set.Namespace, set.Name, state, suspectOf(set, a), set.Namespace, set.Name)
	return out, true
}

// suspectOf is what usually causes an alert.
func suspectOf(set *Set, a *Alarm) string {
	if a.Kind == MetricsMissing {
		return "The database is down or stopped, or CloudWatch cannot be read."
	}
	if set.Policy.Mode == scaling.Enforce {
		return "A guard or a window blocks the change, the policy is at its maximum, or the operator does not act."
	}
	return suspect(set.Policy)
}
