package alarms

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// template is a CloudFormation template.
type template struct {
	AWSTemplateFormatVersion string
	Description              string
	Rules                    map[string]templateRule
	Resources                map[string]templateResource
}

// templateRule refuses the template in the wrong region or account.
type templateRule struct{ Assertions []templateAssertion }

type templateAssertion struct {
	Assert            map[string][]any
	AssertDescription string
}

type templateResource struct {
	Type       string
	Properties alarmProperties
}

// alarmProperties are those of AWS::CloudWatch::Alarm, in the words of PutMetricAlarm. ACK has the same in other case.
type alarmProperties struct {
	AlarmName, AlarmDescription string
	AlarmActions, OKActions     []string            `json:",omitempty"`
	Namespace                   string              `json:",omitempty"`
	MetricName                  string              `json:",omitempty"`
	Dimensions                  []templateDimension `json:",omitempty"`
	Statistic                   string              `json:",omitempty"`
	Period                      int                 `json:",omitempty"`
	Metrics                     []metricDataQuery   `json:",omitempty"`
	ComparisonOperator          string
	Threshold                   float64
	EvaluationPeriods           int
	DatapointsToAlarm           int
	TreatMissingData            string
	Tags                        []templateTag `json:",omitempty"`
}

type templateDimension struct{ Name, Value string }

type templateTag struct{ Key, Value string }

type metricDataQuery struct {
	ID         string      `json:"Id"`
	Expression string      `json:",omitempty"`
	Label      string      `json:",omitempty"`
	MetricStat *metricStat `json:",omitempty"`
	ReturnData bool
}

type metricStat struct {
	Metric struct {
		Namespace, MetricName string
		Dimensions            []templateDimension
	}
	Period int
	Stat   string
}

func cloudFormationTemplate(set *Set) template {
	out := template{
		AWSTemplateFormatVersion: "2010-09-09",
		Description:              "Alarms of the dbscaler policy " + set.Namespace + "/" + set.Name,
		Rules:                    map[string]templateRule{"Region": mustEqual("AWS::Region", set.Region)},
		Resources:                map[string]templateResource{},
	}
	if set.AccountID != "" {
		out.Rules["Account"] = mustEqual("AWS::AccountId", set.AccountID)
	}
	for n := range set.Alarms {
		a := &set.Alarms[n]
		out.Resources[logicalID(set, a)] = templateResource{"AWS::CloudWatch::Alarm", newAlarmProperties(set, a)}
	}
	return out
}

// mustEqual compares a pseudo parameter with the value for which the alarms are.
func mustEqual(parameter, value string) templateRule {
	return templateRule{[]templateAssertion{{
		Assert:            map[string][]any{"Fn::Equals": {map[string]string{"Ref": parameter}, value}},
		AssertDescription: "The database is in " + value + ": alarms elsewhere have no data and never fire",
	}}}
}

// logicalID is the name of an alarm in the template, which may have letters and digits only. Identifiers are in lower case, so that X for a
// hyphen keeps them apart.
func logicalID(set *Set, a *Alarm) string {
	name := set.Policy.Target.Identifier + "-" + a.Role + "-" + string(a.Kind)
	return strings.ToUpper(name[:1]) + strings.ReplaceAll(name[1:], "-", "X")
}

func newAlarmProperties(set *Set, a *Alarm) alarmProperties {
	out := alarmProperties{
		AlarmName: a.Name, AlarmDescription: a.Description, AlarmActions: set.TopicARNs, OKActions: set.TopicARNs,
		ComparisonOperator: a.Comparison, Threshold: a.Threshold, EvaluationPeriods: a.EvaluationPeriods,
		DatapointsToAlarm: a.DatapointsToAlarm, TreatMissingData: a.TreatMissingData,
	}
	tags := set.tags(a)
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		out.Tags = append(out.Tags, templateTag{key, tags[key]})
	}
	period := int(a.Period / time.Second)
	if a.Expression == "" {
		m := a.Metrics[0]
		out.Namespace, out.MetricName, out.Dimensions = metricNamespace, m.Name, templateDimensions(m)
		out.Statistic, out.Period = m.Statistic, period
		return out
	}
	out.Metrics = []metricDataQuery{{ID: expressionID, Expression: a.Expression, Label: string(a.Kind), ReturnData: true}}
	for _, m := range a.Metrics {
		query := metricDataQuery{ID: m.ID, MetricStat: &metricStat{Period: period, Stat: m.Statistic}}
		query.MetricStat.Metric.Namespace, query.MetricStat.Metric.MetricName = metricNamespace, m.Name
		query.MetricStat.Metric.Dimensions = templateDimensions(m)
		out.Metrics = append(out.Metrics, query)
	}
	return out
}

// expressionID is the name of the watched expression.
const expressionID = "watched"

func templateDimensions(m Metric) []templateDimension {
	out := make([]templateDimension, len(m.Dimensions))
	for n, d := range m.Dimensions {
		out[n] = templateDimension(d)
	}
	return out
}
