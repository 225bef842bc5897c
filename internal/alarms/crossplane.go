package alarms

import "time"

// crossplaneSpec is the spec of a MetricAlarm of Crossplane's provider for CloudWatch.
type crossplaneSpec struct {
	ForProvider crossplaneAlarm `json:"forProvider"`
}

// crossplaneAlarm has no name: the annotation crossplane.io/external-name has it.
type crossplaneAlarm struct {
	Region             string            `json:"region"`
	AlarmDescription   string            `json:"alarmDescription"`
	AlarmActions       []string          `json:"alarmActions,omitempty"`
	OKActions          []string          `json:"okActions,omitempty"`
	Namespace          string            `json:"namespace,omitempty"`
	MetricName         string            `json:"metricName,omitempty"`
	Dimensions         map[string]string `json:"dimensions,omitempty"`
	Statistic          string            `json:"statistic,omitempty"`
	Period             int               `json:"period,omitempty"`
	MetricQuery        []crossplaneQuery `json:"metricQuery,omitempty"`
	ComparisonOperator string            `json:"comparisonOperator"`
	Threshold          float64           `json:"threshold"`
	EvaluationPeriods  int               `json:"evaluationPeriods"`
	DatapointsToAlarm  int               `json:"datapointsToAlarm"`
	TreatMissingData   string            `json:"treatMissingData"`
	Tags               map[string]string `json:"tags"`
}

type crossplaneQuery struct {
	ID         string             `json:"id"`
	Expression string             `json:"expression,omitempty"`
	Label      string             `json:"label,omitempty"`
	Metric     []crossplaneMetric `json:"metric,omitempty"` // of one element, as blocks of Terraform are
	ReturnData bool               `json:"returnData"`
}

type crossplaneMetric struct {
	Namespace  string            `json:"namespace"`
	MetricName string            `json:"metricName"`
	Dimensions map[string]string `json:"dimensions"`
	Period     int               `json:"period"`
	Stat       string            `json:"stat"`
}

func crossplaneAlarms(set *Set) []object {
	out := make([]object, len(set.Alarms))
	for n := range set.Alarms {
		a := &set.Alarms[n]
		out[n] = object{
			APIVersion: "cloudwatch.aws.upbound.io/v1beta1", Kind: "MetricAlarm",
			Metadata: metadata{Name: kubernetesName(a.Name), Annotations: map[string]string{"crossplane.io/external-name": a.Name}},
			Spec:     crossplaneSpec{newCrossplaneAlarm(set, a)},
		}
	}
	return out
}

func newCrossplaneAlarm(set *Set, a *Alarm) crossplaneAlarm {
	out := crossplaneAlarm{
		Region: set.Region, AlarmDescription: a.Description, AlarmActions: set.TopicARNs, OKActions: set.TopicARNs,
		ComparisonOperator: a.Comparison, Threshold: a.Threshold, EvaluationPeriods: a.EvaluationPeriods,
		DatapointsToAlarm: a.DatapointsToAlarm, TreatMissingData: a.TreatMissingData, Tags: set.tags(a),
	}
	period := int(a.Period / time.Second)
	if a.Expression == "" {
		m := a.Metrics[0]
		out.Namespace, out.MetricName, out.Dimensions, out.Statistic, out.Period = metricNamespace, m.Name, dimensionMap(m), m.Statistic, period
		return out
	}
	out.MetricQuery = []crossplaneQuery{{ID: expressionID, Expression: a.Expression, Label: string(a.Kind), ReturnData: true}}
	for _, m := range a.Metrics {
		out.MetricQuery = append(out.MetricQuery, crossplaneQuery{ID: m.ID, Metric: []crossplaneMetric{{
			Namespace: metricNamespace, MetricName: m.Name, Dimensions: dimensionMap(m), Period: period, Stat: m.Statistic,
		}}})
	}
	return out
}

func dimensionMap(m Metric) map[string]string {
	out := make(map[string]string, len(m.Dimensions))
	for _, d := range m.Dimensions {
		out[d.Name] = d.Value
	}
	return out
}
