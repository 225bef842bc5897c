package view

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/utils/ptr"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/convert"
	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/decide"
)

// builder makes the view of one policy.
type builder struct {
	Input
	status *v1alpha1.DBScalingPolicyStatus
	// policy is the spec; validPolicy says whether it could be converted.
	policy      scaling.Policy
	validPolicy bool
	// observation is Input.Observation with what status remembers, or what status knows without it; pools are the loads by it.
	observation scaling.Observation
	pools       []scaling.PoolAssessment
	operation   *scaling.Operation
}

// NewPolicy makes the view of a policy.
func NewPolicy(in Input) Policy {
	b := builder{Input: in, status: &in.Object.Status, operation: convert.Operation(in.Object.Status.Operation)}
	var err error
	b.policy, err = convert.Policy(in.Object)
	b.validPolicy = err == nil
	b.observe()
	p := Policy{
		Namespace: in.Object.Namespace, Name: in.Object.Name, Time: in.Now.UTC(), Target: b.target(), Mode: string(in.Object.Spec.Mode),
		Deleting:       in.Object.DeletionTimestamp != nil,
		StatusOutdated: b.status.ObservedGeneration != 0 && b.status.ObservedGeneration < in.Object.Generation,
		Measured:       in.Observation != nil && in.Observation.Found, MeasurementError: in.MeasurementError,
		EventsUnknown: in.EventsUnknown, Events: sortedEvents(in.Events),
	}
	p.Pools = b.viewPools()
	p.Decision = b.viewDecision()
	p.Operation = b.viewOperation()
	p.Conditions = b.viewConditions()
	p.Problems = problems(p.Conditions)
	p.ManualControls = b.manualControls()
	p.Foreseen = b.foreseen()
	p.Cost = b.cost()
	b.addRemembered(&p)
	p.State, p.Summary = summarize(&p)
	return p
}

// observe restores the observation, and assesses the load by it when the database was read.
func (b *builder) observe() {
	if b.Observation != nil && b.Observation.Found {
		b.observation = convert.RestoreObservation(*b.Observation, b.Object, b.Now)
		if b.validPolicy {
			b.pools = decide.Evaluate(b.policy, b.observation, b.Now).Pools
		}
		return
	}
	o := &b.observation
	o.History = convert.History(b.status.History)
	if b.status.Target == nil {
		return
	}
	o.Engine, o.EngineVersion = b.status.Target.Engine, b.status.Target.EngineVersion
	o.UpgradedAt = convert.EngineUpgradedAt(b.status.Target)
	for _, pool := range []*v1alpha1.PoolStatus{b.status.Writer, b.status.Readers} {
		if pool == nil {
			continue
		}
		for _, i := range pool.Instances {
			o.Instances = append(o.Instances, scaling.Instance{
				Identifier: i.Identifier, Class: i.InstanceClass, PendingClass: i.PendingInstanceClass, Status: i.Status,
				Writer: pool == b.status.Writer,
			})
		}
	}
}

func (b *builder) target() Target {
	ref := b.Object.Spec.TargetRef
	t := Target{Kind: string(ref.Kind), Identifier: ref.Identifier, Region: ref.Region, Account: ref.AccountRef.Name}
	if s := b.status.Target; s != nil {
		t.ARN, t.Engine, t.EngineVersion, t.CapacityRange = s.ARN, s.Engine, s.EngineVersion, s.CapacityRange
	}
	return t
}

func (b *builder) viewDecision() *Decision {
	d := b.status.Decision
	if d == nil {
		return nil
	}
	out := &Decision{
		Reason: d.Reason, Message: d.Message, Cause: d.Cause, Time: d.Time.UTC(), Pool: string(d.Pool),
		Emergency: d.Urgency == v1alpha1.UrgencyEmergency, Hash: d.Hash,
	}
	if d.Desired != nil {
		out.Desired, out.From = formatShape(*d.Desired), b.shapeOf(d.Pool)
	}
	for n, guard := range d.BlockedBy {
		block := Block{Guard: guard, Remedy: GuardRemedy(guard)}
		if n == 0 {
			block.Message = blockedMessage(d.Message, guard)
		}
		out.BlockedBy = append(out.BlockedBy, block)
	}
	for _, a := range d.Alternatives {
		out.Candidates = append(out.Candidates, candidateOfStatus(a))
	}
	return out
}

// blockedMessage is the part of a decision's message that says why a guard blocks the change: the whole while an operation waits.
func blockedMessage(message, guard string) string {
	if _, after, found := strings.Cut(message, "Blocked by "+guard+": "); found {
		return after
	}
	return message
}

// shapeOf is the present shape of a pool in status.
func (b *builder) shapeOf(pool v1alpha1.Pool) string {
	switch {
	case pool == v1alpha1.PoolWriter && b.status.Writer != nil:
		return b.status.Writer.Shape
	case pool == v1alpha1.PoolReaders && b.status.Readers != nil:
		return b.status.Readers.Shape
	}
	return ""
}

func candidateOfStatus(a v1alpha1.Alternative) Candidate {
	out := Candidate{Shape: formatShape(a.Shape), Verdict: a.Reason, Text: decide.VerdictText(scaling.Verdict(a.Reason)), IO: a.IO}
	if a.PredictedUtilizationPercent != nil {
		out.PredictedPercent = ptr.To(float64(*a.PredictedUtilizationPercent))
	}
	if price, err := scaling.ParseUSD(a.HourlyCostUSD); err == nil {
		out.HourlyUSD = dollars(price)
	}
	return out
}

// addRemembered adds ended operations, shortages and refusals.
func (b *builder) addRemembered(p *Policy) {
	for _, r := range b.status.History {
		record := Record{
			ID: r.ID, Pool: string(r.Pool), Direction: string(r.Direction), From: formatShape(r.From), To: formatShape(r.To),
			Outcome: string(r.Outcome), Reason: r.Reason, Message: r.Message, StartTime: r.StartTime.UTC(), CompletionTime: r.CompletionTime.UTC(),
			DurationSeconds: seconds(r.CompletionTime.Sub(r.StartTime.Time)),
		}
		if r.UtilizationBeforePercent != nil {
			record.BeforePercent = ptr.To(int(*r.UtilizationBeforePercent))
		}
		if r.UtilizationAfterPercent != nil {
			record.AfterPercent = ptr.To(int(*r.UtilizationAfterPercent))
		}
		p.History = append(p.History, record)
	}
	for _, s := range b.status.CapacityShortages {
		if b.Now.Before(s.ExpiryTime.Time) {
			p.Shortages = append(p.Shortages, Shortage{Class: s.InstanceClass, Zone: s.AvailabilityZone, Until: s.ExpiryTime.UTC()})
		}
	}
	for _, r := range b.status.Refusals {
		if b.Now.Before(r.ExpiryTime.Time) {
			p.Refusals = append(p.Refusals, Refusal{
				Action: string(r.Action), Class: r.InstanceClass, Instance: r.Instance, Message: r.Message, Until: r.ExpiryTime.UTC(),
			})
		}
	}
}

// sortedEvents returns the events, newest first.
func sortedEvents(in []Event) []Event {
	out := slices.Clone(in)
	slices.SortStableFunc(out, func(a, b Event) int {
		return cmp.Or(b.Time.Compare(a.Time), cmp.Compare(a.Reason, b.Reason), cmp.Compare(a.Note, b.Note))
	})
	return out
}

func formatShape(s v1alpha1.Shape) string {
	return scaling.Shape{InstanceClass: s.InstanceClass, Count: int(ptr.Deref(s.Replicas, 0))}.String()
}

// dollars is an amount in dollars.
func dollars(m scaling.Money) *float64 { return ptr.To(float64(m) / float64(scaling.Dollar)) }

func seconds(d time.Duration) int64 { return int64(d / time.Second) }

// poolNoun names a pool in a sentence.
func poolNoun(pool string) string {
	switch scaling.Pool(pool) {
	case scaling.Writer:
		return "writer"
	case scaling.Readers:
		return "readers"
	case scaling.MinCapacity:
		return "minimum capacity"
	}
	return strings.ToLower(fmt.Sprint(pool))
}
