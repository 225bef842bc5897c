package alarms

import (
	"maps"
	"slices"
	"time"
)

// ackAlarm is the spec of a MetricAlarm of the cloudwatch-controller of AWS Controllers for Kubernetes.
type ackAlarm struct {
	Name               string         `json:"name"`
	AlarmDescription   string         `json:"alarmDescription"`
	AlarmActions       []string       `json:"alarmActions,omitempty"`
	OKActions          []string       `json:"oKActions,omitempty"`
	Namespace          string         `json:"namespace,omitempty"`
	MetricName         string         `json:"metricName,omitempty"`
	Dimensions         []ackDimension `json:"dimensions,omitempty"`
	Statistic          string         `json:"statistic,omitempty"`
	Period             int            `json:"period,omitempty"`
	Metrics            []ackQuery     `json:"metrics,omitempty"`
	ComparisonOperator string         `json:"comparisonOperator"`
	Threshold          float64        `json:"threshold"`
	EvaluationPeriods  int            `json:"evaluationPeriods"`
	DatapointsToAlarm  int            `json:"datapointsToAlarm"`
	TreatMissingData   string         `json:"treatMissingData"`
	Tags               []ackTag       `json:"tags"`
}

type ackDimension struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

type ackTag struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

type ackQuery struct {
	ID         string         `json:"id"`
	Expression string         `json:"expression,omitempty"`
	Label      string         `json:"label,omitempty"`
	MetricStat *ackMetricStat `json:"metricStat,omitempty"`
	ReturnData bool           `json:"returnData"`
}

type ackMetricStat struct {
	Metric ackMetric `json:"metric"`
	Period int       `json:"period"`
	Stat   string    `json:"stat"`
}

type ackMetric struct {
	Namespace  string         `json:"namespace"`
	MetricName string         `json:"metricName"`
	Dimensions []ackDimension `json:"dimensions"`
}

func ackAlarms(set *Set) []object {
	out := make([]object, len(set.Alarms))
	for n := range set.Alarms {
		a := &set.Alarms[n]
		out[n] = object{
			APIVersion: "cloudwatch.services.k8s.aws/v1alpha1", Kind: "MetricAlarm",
			Metadata: metadata{
				Name: kubernetesName(a.Name), Namespace: set.Namespace, Annotations: map[string]string{"services.k8s.aws/region": set.Region},
			},
			Spec: newACKAlarm(set, a),
		}
	}
	return out
}

func newACKAlarm(set *Set, a *Alarm) ackAlarm {
	out := ackAlarm{
		Name: a.Name, AlarmDescription: a.Description, AlarmActions: set.TopicARNs, OKActions: set.TopicARNs,
		ComparisonOperator: a.Comparison, Threshold: a.Threshold, EvaluationPeriods: a.EvaluationPeriods,
		DatapointsToAlarm: a.DatapointsToAlarm, TreatMissingData: a.TreatMissingData,
	}
	tags := set.tags(a)
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		out.Tags = append(out.Tags, ackTag{key, tags[key]})
	}
	period := int(a.Period / time.Second)
	if a.Expression == "" {
		m := a.Metrics[0]
		out.Namespace, out.MetricName, out.Dimensions, out.Statistic, out.Period = metricNamespace, m.Name, ackDimensions(m), m.Statistic, period
		return out
	}
	out.Metrics = []ackQuery{{ID: expressionID, Expression: a.Expression, Label: string(a.Kind), ReturnData: true}}
	for _, m := range a.Metrics {
		out.Metrics = append(out.Metrics, ackQuery{ID: m.ID, MetricStat: &ackMetricStat{
			Metric: ackMetric{Namespace: metricNamespace, MetricName: m.Name, Dimensions: ackDimensions(m)}, Period: period, Stat: m.Statistic,
		}})
	}
	return out
}

func ackDimensions(m Metric) []ackDimension {
	out := make([]ackDimension, len(m.Dimensions))
	for n, d := range m.Dimensions {
		out[n] = ackDimension(d)
	}
	return out
}
