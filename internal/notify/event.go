// Package notify reports what happens to policies as CloudEvents. Derive says what a change of status reports, and NewEvent how; both are
// pure. A Sender delivers events to sinks. What was not delivered stays in status.notifications, so that it survives a restart.
package notify

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"time"

	"k8s.io/utils/ptr"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

// ContentType is the media type of an event in the structured mode (CloudEvents 1.0, HTTP protocol binding, section 3.2).
const ContentType = "application/cloudevents+json"

// specVersion is the version of CloudEvents.
const specVersion = "1.0"

// SchemaURI identifies the JSON Schema of Data, docs/reference/notification.schema.json.
const SchemaURI = "https://github.com/dbscaler/dbscaler/blob/main/docs/reference/notification.schema.json"

// eventTypes are the attribute type of each notification.
var eventTypes = map[v1alpha1.NotificationType]string{
	v1alpha1.NotificationOperationStarted:   "io.dbscaler.operation.started.v1",
	v1alpha1.NotificationOperationSucceeded: "io.dbscaler.operation.succeeded.v1",
	v1alpha1.NotificationOperationFailed:    "io.dbscaler.operation.failed.v1",
	v1alpha1.NotificationApprovalWanted:     "io.dbscaler.approval.wanted.v1",
	v1alpha1.NotificationChangeBlocked:      "io.dbscaler.change.blocked.v1",
	v1alpha1.NotificationOwnershipConflict:  "io.dbscaler.ownership.conflict.v1",
	v1alpha1.NotificationOverloadSeen:       "io.dbscaler.overload.seen.v1",
}

// summaries are the first words of the text of each notification.
var summaries = map[v1alpha1.NotificationType]string{
	v1alpha1.NotificationOperationStarted:   "operation started",
	v1alpha1.NotificationOperationSucceeded: "operation succeeded",
	v1alpha1.NotificationOperationFailed:    "operation failed",
	v1alpha1.NotificationApprovalWanted:     "approval wanted",
	v1alpha1.NotificationChangeBlocked:      "change blocked",
	v1alpha1.NotificationOwnershipConflict:  "ownership conflict",
	v1alpha1.NotificationOverloadSeen:       "overload seen",
}

// Event is a CloudEvent 1.0 (github.com/cloudevents/spec, cloudevents/spec.md). Its JSON is the structured mode of the JSON event format.
type Event struct {
	SpecVersion string `json:"specversion"`
	// ID and Source together are unique, so that a receiver recognizes an event that is delivered twice.
	ID     string `json:"id"`
	Source string `json:"source"`
	Type   string `json:"type"`
	// Subject is the ARN of the database, or its kind and identifier while the ARN is not known.
	Subject         string    `json:"subject"`
	Time            time.Time `json:"time"`
	DataContentType string    `json:"datacontenttype"`
	DataSchema      string    `json:"dataschema"`
	Data            Data      `json:"data"`
}

// Data is the payload of every event. docs/reference/notification.schema.json is its JSON Schema. A field that does not apply, or is not
// known, is absent.
type Data struct {
	// Text is one line for people: policy, what happened, the change, and what to do.
	Text string `json:"text"`
	// Policy is the DBScalingPolicy.
	Policy PolicyReference `json:"policy"`
	// Target is the database.
	Target TargetReference `json:"target"`
	// Pool is the pool: Writer, Readers or MinCapacity.
	Pool string `json:"pool,omitempty"`
	// Direction is that of an operation: Up, Down or Cleanup.
	Direction string `json:"direction,omitempty"`
	// From is the present shape, or that before an operation, and To the desired one.
	From *Shape `json:"from,omitempty"`
	To   *Shape `json:"to,omitempty"`
	// Reason says in one word why: the reason of the decision or of a failure, or the guard or limit that blocks a change.
	Reason string `json:"reason,omitempty"`
	// Message explains it, and says what to do.
	Message string `json:"message,omitempty"`
	// Cause has the figures that led to the decision.
	Cause string `json:"cause,omitempty"`
	// Operation is the id of the operation, and Hash the hash of the decision in the ledger and in status.
	Operation string `json:"operation,omitempty"`
	Hash      string `json:"hash,omitempty"`
	// UtilizationPercent is the CPU utilization of the pool in percent: when an operation was started, or now. Above 100 when DBLoadCPU
	// shows more demand than vCPUs.
	UtilizationPercent *int32 `json:"utilizationPercent,omitempty"`
	// HourlyCost is the list price of the pool.
	HourlyCost *CostChange `json:"hourlyCost,omitempty"`
	// Approval says how to approve the change, if it waits for that.
	Approval *Approval `json:"approval,omitempty"`
}

// PolicyReference names a DBScalingPolicy.
type PolicyReference struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	// Cluster is the name of the Kubernetes cluster; absent when it has none.
	Cluster string `json:"cluster,omitempty"`
}

// TargetReference names a database.
type TargetReference struct {
	// Kind is DBCluster or DBInstance.
	Kind string `json:"kind"`
	// Identifier is the DB cluster identifier or the DB instance identifier.
	Identifier string `json:"identifier"`
	// Region is the AWS region.
	Region string `json:"region"`
	// ARN is the Amazon Resource Name.
	ARN string `json:"arn,omitempty"`
}

// Shape is the class and the number of instances.
type Shape struct {
	// InstanceClass is the class of each instance; absent when they differ.
	InstanceClass string `json:"instanceClass,omitempty"`
	// Count is the number of instances.
	Count int32 `json:"count"`
}

// String writes a shape as status does: 2 × db.r6g.large.
func (s Shape) String() string {
	if s.InstanceClass == "" {
		return fmt.Sprintf("%d instances", s.Count)
	}
	return fmt.Sprintf("%d × %s", s.Count, s.InstanceClass)
}

// CostChange is what the pool costs per hour in US dollars, as decimals. A price that is not known is absent.
type CostChange struct {
	FromUSD string `json:"fromUSD,omitempty"`
	ToUSD   string `json:"toUSD,omitempty"`
	// ChangeUSD is ToUSD minus FromUSD, with its sign.
	ChangeUSD string `json:"changeUSD,omitempty"`
}

// Approval says how to approve a change.
type Approval struct {
	// Command approves it, with the kubectl plugin. It refuses to approve another change.
	Command string `json:"command"`
	// CommandWithoutPlugin approves it without the plugin.
	CommandWithoutPlugin string `json:"commandWithoutPlugin"`
	// Expiry says until when the commands have an effect. An approval has no time of its own: it is one of this change of this pool.
	Expiry string `json:"expiry"`
}

// approvalExpiry is Approval.Expiry. See scaling.Change.Hash.
const approvalExpiry = "The commands have an effect as long as status.decision.hash of the policy is this hash: until another shape is " +
	"desired, or the pool has changed. Afterwards they approve nothing"

// NewEvent returns the event of a notification of a policy. cluster is the name of the Kubernetes cluster; empty when it has none.
func NewEvent(p *v1alpha1.DBScalingPolicy, n v1alpha1.PendingNotification, cluster string) Event {
	target := TargetReference{
		Kind: string(p.Spec.TargetRef.Kind), Identifier: p.Spec.TargetRef.Identifier, Region: p.Spec.TargetRef.Region,
	}
	if p.Status.Target != nil {
		target.ARN = p.Status.Target.ARN
	}
	subject := target.ARN
	if subject == "" {
		subject = target.Kind + "/" + target.Identifier
	}
	data := Data{
		Policy: PolicyReference{Namespace: p.Namespace, Name: p.Name, Cluster: cluster}, Target: target,
		Pool: string(n.Pool), Direction: string(n.Direction), From: newShape(n.From), To: newShape(n.To), Reason: n.Reason, Message: n.Message,
		Cause: n.Cause, Operation: n.Operation, Hash: n.Hash, UtilizationPercent: n.UtilizationPercent,
		HourlyCost: newCostChange(n.FromHourlyCostUSD, n.ToHourlyCostUSD),
	}
	if n.Type == v1alpha1.NotificationApprovalWanted {
		data.Approval = newApproval(p, n.Hash)
	}
	data.Text = data.describe(summaries[n.Type])
	return Event{
		SpecVersion: specVersion, ID: n.ID, Source: Source(p, cluster), Type: eventTypes[n.Type], Subject: subject, Time: n.Time.UTC(),
		DataContentType: "application/json", DataSchema: SchemaURI, Data: data,
	}
}

// Source is the attribute source of the events of a policy, a URI reference. A cluster without a name has no part in it.
func Source(p *v1alpha1.DBScalingPolicy, cluster string) string {
	source := fmt.Sprintf("/namespaces/%s/dbscalingpolicies/%s", p.Namespace, p.Name)
	if cluster != "" {
		source = "/clusters/" + url.PathEscape(cluster) + source
	}
	return source
}

// newApproval says how to approve a change.
func newApproval(p *v1alpha1.DBScalingPolicy, hash string) *Approval {
	return &Approval{
		Command: scaling.PluginCommand(p.Namespace+"/"+p.Name, "approve", "--hash", hash),
		CommandWithoutPlugin: fmt.Sprintf("kubectl annotate --overwrite dbsp -n %s %s %s=%s", p.Namespace, p.Name,
			v1alpha1.AnnotationApprove, hash),
		Expiry: approvalExpiry,
	}
}

// describe writes Data.Text.
func (d *Data) describe(summary string) string {
	parts := []string{fmt.Sprintf("%s/%s: %s", d.Policy.Namespace, d.Policy.Name, summary)}
	switch {
	case d.Pool != "" && d.From != nil && d.To != nil:
		parts = append(parts, fmt.Sprintf("%s: %s → %s", d.Pool, d.From, d.To))
	case d.Pool != "" && d.To != nil:
		parts = append(parts, fmt.Sprintf("%s: → %s", d.Pool, d.To))
	case d.Pool != "" && d.From != nil:
		parts = append(parts, fmt.Sprintf("%s: %s", d.Pool, d.From))
	}
	if d.HourlyCost != nil && d.HourlyCost.ChangeUSD != "" {
		parts = append(parts, d.HourlyCost.ChangeUSD+" USD per hour")
	}
	if d.UtilizationPercent != nil {
		parts = append(parts, fmt.Sprintf("CPU %d %%", *d.UtilizationPercent))
	}
	switch {
	case d.Approval != nil:
		parts = append(parts, "To approve: "+d.Approval.Command)
	case d.Message != "":
		parts = append(parts, d.Message)
	case d.Reason != "":
		parts = append(parts, d.Reason)
	}
	return strings.Join(strings.Fields(strings.Join(parts, ". ")), " ")
}

func newShape(s *v1alpha1.Shape) *Shape {
	if s == nil {
		return nil
	}
	return &Shape{InstanceClass: s.InstanceClass, Count: ptr.Deref(s.Replicas, 0)}
}

// newCostChange returns what is known of two prices, or nil.
func newCostChange(from, to string) *CostChange {
	if from == "" && to == "" {
		return nil
	}
	c := &CostChange{FromUSD: from, ToUSD: to}
	before, beforeErr := scaling.ParseUSD(from)
	after, afterErr := scaling.ParseUSD(to)
	if beforeErr == nil && afterErr == nil {
		sign := "+"
		if after < before {
			sign, before, after = "-", after, before
		}
		c.ChangeUSD = sign + strings.TrimPrefix((after-before).String(), "$")
	}
	return c
}

// Encode returns the event as JSON.
func (e Event) Encode() ([]byte, error) { return json.Marshal(e) }
