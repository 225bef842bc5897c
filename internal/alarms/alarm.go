package alarms

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// Kind says what an alarm watches. It ends the name of the alarm.
type Kind string

// The kinds of alarm. The package comment describes them.
const (
	LoadHigh          Kind = "load-high"
	Saturated         Kind = "saturated"
	NotScaled         Kind = "not-scaled"
	CapacityAtMaximum Kind = "capacity-at-maximum"
	MetricsMissing    Kind = "metrics-missing"
)

// Severity says how urgent an alarm is, as in the alert rules of Prometheus.
type Severity string

// The severities.
const (
	// Warning is for the next working hour.
	Warning Severity = "warning"
	// Critical is for the person on call.
	Critical Severity = "critical"
)

// How an alarm treats missing data (CloudWatch API reference, PutMetricAlarm).
const (
	missingIsMissing   = "missing"
	missingIsBreaching = "breaching"
)

// How an alarm compares a value with its threshold (CloudWatch API reference, PutMetricAlarm).
const (
	atLeast  = "GreaterThanOrEqualToThreshold"
	lessThan = "LessThanThreshold"
)

// The limits of CloudWatch.
const (
	maxNameLength        = 255              // CloudFormation resource type AWS::CloudWatch::Alarm, AlarmName
	maxDescriptionLength = 1024             // the same, AlarmDescription
	maxActions           = 5                // the same, AlarmActions
	maxMetrics           = 10               // CloudWatch API reference, MetricDataQuery: metrics that an alarm retrieves
	maxEvaluation        = 86400            // CloudWatch API reference, PutMetricAlarm: seconds, for periods of less than an hour
	maxExpressionLength  = 2048             // CloudFormation resource type AWS::CloudWatch::Alarm, Expression
	metricNamespace      = "AWS/RDS"        // Aurora user guide, "Amazon CloudWatch metrics for Amazon Aurora"
	cpuUtilization       = "CPUUtilization" // in percent of the vCPUs; of Serverless v2 in percent of those of the maximum capacity
	acuUtilization       = "ACUUtilization" // capacity of Serverless v2 in percent of the maximum capacity
	engineUptime         = "EngineUptime"   // seconds since the engine of an Aurora instance started
)

// Dimension is a dimension of a metric.
type Dimension struct{ Name, Value string }

// Metric is a metric in the namespace AWS/RDS that an alarm reads.
type Metric struct {
	// ID is its name in the expression.
	ID, Name   string
	Dimensions []Dimension
	// Statistic is Average, Minimum or Maximum.
	Statistic string
}

// Alarm is a CloudWatch alarm.
type Alarm struct {
	Name     string
	Kind     Kind
	Severity Severity
	// Role names the watched instances in the name of the alarm, for example readers.
	Role string
	// Pool is the pool of the watched instances, and IsPool says that the alarm watches all of it, and that the policy scales it.
	Pool   scaling.Pool
	IsPool bool
	// Description says what is wrong and what to do.
	Description string
	Metrics     []Metric
	// Expression is the watched value. It is empty when the alarm watches its only metric.
	Expression string
	// Period is what a datapoint covers. DatapointsToAlarm of the newest EvaluationPeriods datapoints must breach.
	Period                               time.Duration
	EvaluationPeriods, DatapointsToAlarm int
	// Comparison and TreatMissingData are values of PutMetricAlarm.
	Comparison       string
	Threshold        float64
	TreatMissingData string
}

// duration is the time that all evaluated datapoints cover.
func (a *Alarm) duration() time.Duration { return time.Duration(a.EvaluationPeriods) * a.Period }

// Set is the alarms of one policy.
type Set struct {
	// Policy is what they derive from.
	Policy scaling.Policy
	// Namespace and Name are those of the policy.
	Namespace, Name string
	// Region and AccountID are those of the database. AccountID is empty when it is not known. AccountName is the AWSAccount, or empty.
	Region, AccountID, AccountName string
	TopicARNs                      []string
	// RunbookURL is the address of the runbooks, and ends with a slash.
	RunbookURL string
	Alarms     []Alarm
	// Notes say which alarms are missing, and why.
	Notes []string
}

// tags are the AWS tags of an alarm.
func (s *Set) tags(a *Alarm) map[string]string {
	return map[string]string{"dbscaler.io/policy": s.Namespace + "/" + s.Name, "severity": string(a.Severity)}
}

// prefixPattern matches the prefixes of names. CloudWatch accepts more, but such names are hard to use in a shell and in ARNs.
var prefixPattern = regexp.MustCompile(`^[A-Za-z0-9._/-]*$`)

// topicPattern matches the ARN of an SNS topic (SNS API reference, CreateTopic).
var topicPattern = regexp.MustCompile(`^arn:aws[a-z-]*:sns:([a-z0-9-]+):[0-9]{12}:[A-Za-z0-9_-]{1,256}(\.fifo)?$`)

// checkTopics checks the topics: CloudWatch notifies only topics of its own region.
func checkTopics(arns []string, region string) error {
	if len(arns) > maxActions {
		return fmt.Errorf("%d SNS topics: CloudWatch allows %d actions for an alarm: subscribe several receivers to one topic", len(arns),
			maxActions)
	}
	for _, arn := range arns {
		switch match := topicPattern.FindStringSubmatch(arn); {
		case match == nil:
			return fmt.Errorf("the SNS topic %q is not an ARN: set one such as arn:aws:sns:%s:123456789012:on-call", arn, region)
		case match[1] != region:
			return fmt.Errorf("the SNS topic %s is in %s, and the database in %s: an alarm notifies only topics of its own region: set one there",
				arn, match[1], region)
		}
	}
	return nil
}

// check reports what CloudWatch would refuse.
func (s *Set) check() error {
	names := map[string]bool{}
	for n := range s.Alarms {
		a := &s.Alarms[n]
		switch {
		case utf8.RuneCountInString(a.Name) > maxNameLength:
			return fmt.Errorf("the name of the alarm %s has %d characters, and CloudWatch allows %d: set a shorter prefix", a.Name,
				utf8.RuneCountInString(a.Name), maxNameLength)
		case names[a.Name]:
			return fmt.Errorf("two alarms have the name %s: name each instance once", a.Name)
		case len(a.Metrics) > maxMetrics || len(a.Expression) > maxExpressionLength:
			return fmt.Errorf("the alarm %s reads %d metrics, and CloudWatch allows %d: name at most %d instances", a.Name, len(a.Metrics),
				maxMetrics, maxMetrics)
		case a.duration() > maxEvaluation*time.Second:
			return fmt.Errorf("the alarm %s evaluates %s, and CloudWatch allows a day: set a shorter behavior.scaleUp.windowSeconds", a.Name,
				a.duration())
		case utf8.RuneCountInString(a.Description) > maxDescriptionLength:
			return errors.New("the description of the alarm " + a.Name + " is too long: use a shorter name of the policy")
		}
		names[a.Name] = true
	}
	return nil
}

// kubernetesName is the name of an alarm as the name of a Kubernetes object: lower case, and without what DNS does not allow.
func kubernetesName(name string) string {
	name = strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '-', r == '.':
			return r
		}
		return '-'
	}, strings.ToLower(name))
	const maxLength = 253 // of the name of an object; the end tells the alarms apart
	if len(name) > maxLength {
		name = name[len(name)-maxLength:]
	}
	name = strings.TrimLeft(name, "-.")
	for strings.Contains(name, "..") || strings.Contains(name, ".-") || strings.Contains(name, "-.") {
		name = strings.NewReplacer("..", "-", ".-", "-", "-.", "-").Replace(name)
	}
	return name
}
