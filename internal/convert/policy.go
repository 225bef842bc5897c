// Package convert converts between the types of the API and those of package scaling. X returns a scaling value, XStatus the value
// of the status field.
package convert

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/catalog"
	"github.com/dbscaler/dbscaler/internal/scaling/schedule"
)

// The errors in a policy that the validation of the API server cannot detect. The error of Policy wraps one of them.
var (
	// ErrUnknownClass: a list of classes names a class that the catalog does not contain.
	ErrUnknownClass = catalog.ErrUnknownClass
	// ErrLadderOrder: a list of classes is not sorted by vCPUs.
	ErrLadderOrder = errors.New("ladder out of order")
	// ErrSchedule: a schedule or disruption window cannot be parsed.
	ErrSchedule = errors.New("invalid schedule")
	// ErrPrice: a price or the cost limit cannot be parsed.
	ErrPrice = errors.New("invalid price")
)

// Policy converts an API object. The error names the invalid field, its value and how to correct it.
func Policy(in *v1alpha1.DBScalingPolicy) (scaling.Policy, error) {
	spec := in.Spec
	out := scaling.Policy{
		Name:      in.Namespace + "/" + in.Name,
		Namespace: in.Namespace,
		Target:    Target(in),
		Mode:      scaling.Mode(spec.Mode),
		CPU: scaling.CPU{
			Target:    int(spec.CPU.TargetPercent),
			ScaleUp:   int(spec.CPU.ScaleUpPercent),
			ScaleDown: int(spec.CPU.ScaleDownPercent),
		},
		ScaleUp: scaling.Behavior{
			Window:   seconds(spec.Behavior.ScaleUp.WindowSeconds),
			Cooldown: seconds(ptr.Deref(spec.Behavior.ScaleUp.CooldownSeconds, 0)),
		},
		ScaleDown: scaling.Behavior{
			Window:   seconds(spec.Behavior.ScaleDown.WindowSeconds),
			Cooldown: seconds(ptr.Deref(spec.Behavior.ScaleDown.CooldownSeconds, 0)),
		},
		ScaleDownClassWindow: seconds(ptr.Deref(spec.Behavior.ScaleDown.ClassWindowSeconds, 0)),

		OverloadedMinuteVCPUHours: int(ptr.Deref(spec.Behavior.ScaleDown.OverloadedMinuteVCPUHours, 0)),
		Guardrails: scaling.Guardrails{
			MaxOperationsPerDay:      int(spec.Guardrails.MaxOperationsPerDay),
			SurgeReaders:             int(ptr.Deref(spec.Guardrails.SurgeReaders, 0)),
			MaxStepFactor:            int(spec.Guardrails.MaxStepFactor),
			AllowLicenseGrowth:       spec.Guardrails.LicenseGrowth == v1alpha1.LicenseGrowthAllow,
			AllowEmergencyDisruption: spec.Guardrails.EmergencyDisruption == v1alpha1.EmergencyDisruptionAllow,
			IOLimits:                 scaling.IOLimits(spec.Guardrails.IOLimits),

			TrustUnreadableParameters: spec.Guardrails.TrustParameterGroups == v1alpha1.TrustParameterGroupsWhenUnreadable,
		},
		PredictiveScaling: scaling.PredictiveScaling{
			Trend:   spec.PredictiveScaling.Trend == v1alpha1.PredictionModeEnabled,
			History: spec.PredictiveScaling.History == v1alpha1.PredictionModeEnabled,
		},
		AfterEngineUpgrade: scaling.UpgradeWatch{
			Duration: seconds(ptr.Deref(spec.AfterEngineUpgrade.WatchSeconds, 0)), ScaleUp: int(spec.AfterEngineUpgrade.ScaleUpPercent),
		},
		ManualControl: manualControl(in.Annotations),
	}
	if r := spec.Readers; r != nil {
		out.Readers = &scaling.ReaderLimits{
			InstanceClasses: instanceClasses(r.InstanceClasses),
			Min:             int(r.MinReplicas),
			Max:             int(r.MaxReplicas),
			Preference:      readerPreference(r.Preference, spec.TargetRef.Kind),
			Redundancy:      scaling.Redundancy(r.Redundancy),
		}
		out.ReaderTags = readerTags(r.Tags)
	}
	if w := spec.Writer; w != nil {
		out.Writer = &scaling.WriterLimits{InstanceClasses: instanceClasses(w.InstanceClasses)}
	}
	if s := spec.Serverless; s != nil {
		applyServerless(&out, *s)
	}
	for _, w := range spec.DisruptionWindows {
		out.DisruptionWindows = append(out.DisruptionWindows, scheduleWindow(w.Schedule, w.StartTime, w.DurationSeconds, w.TimeZone))
	}
	for _, s := range spec.Schedules {
		out.ScheduledMinimums = append(out.ScheduledMinimums, scheduledMinimum(s))
	}
	if err := applyPrices(&out, spec); err != nil {
		return out, err
	}
	return out, validate(out)
}

// readerTags converts the tags of new readers, or returns nil when there are none.
func readerTags(in []v1alpha1.ReaderTag) map[string]string {
	if len(in) == 0 {
		return nil
	}
	out := make(map[string]string, len(in))
	for _, tag := range in {
		out[tag.Key] = ptr.Deref(tag.Value, "")
	}
	return out
}

// readerPreference returns the preference of a spec, or the default of the kind of target. The default of the API server cannot depend
// on the kind. Read replicas of a DB instance have no reader endpoint, so that a larger class helps at once and another replica only
// when its clients know it.
func readerPreference(p v1alpha1.Preference, kind v1alpha1.TargetKind) scaling.Preference {
	switch {
	case p != "":
		return scaling.Preference(p)
	case kind == v1alpha1.TargetKindDBInstance:
		return scaling.Vertical
	default:
		return scaling.Cheapest
	}
}

// applyServerless converts the capacity range of Aurora Serverless v2 into out: the maximum capacities become a list of classes. The API
// server has validated the range.
func applyServerless(out *scaling.Policy, s v1alpha1.Serverless) {
	out.Serverless, out.Writer = true, &scaling.WriterLimits{}
	limits := capacityRange(s.MaxCapacity)
	for _, acus := range catalog.CapacitySteps(limits.Lowest, limits.Highest) {
		out.Writer.InstanceClasses = append(out.Writer.InstanceClasses, cmp.Or(catalog.ServerlessClassName(acus), fmt.Sprint(acus)))
	}
	if s.MinCapacity != nil {
		limits := capacityRange(*s.MinCapacity)
		out.MinCapacity = &limits
	}
}

func capacityRange(r v1alpha1.CapacityRange) scaling.CapacityRange {
	return scaling.CapacityRange{Lowest: quantityValue(r.Min), Highest: quantityValue(r.Max)}
}

// quantityValue is the value of a quantity; zero for nil.
func quantityValue(q *resource.Quantity) float64 {
	if q == nil {
		return 0
	}
	return q.AsApproximateFloat64()
}

// defaultTimeZone is what an absent timeZone means. It is not a default in the CRD, because Argo CD would show the policy as OutOfSync:
// config/crd.
const defaultTimeZone = "UTC"

func scheduleWindow(schedule string, start *metav1.Time, durationSeconds int32, zone string) scaling.Window {
	return scaling.Window{
		Schedule: schedule, Start: timeOrZero(start), Duration: seconds(durationSeconds), TimeZone: cmp.Or(zone, defaultTimeZone),
	}
}

func scheduledMinimum(s v1alpha1.Schedule) scaling.ScheduledMinimum {
	f := scaling.ScheduledMinimum{Name: s.Name, Window: scheduleWindow(s.Schedule, s.StartTime, s.DurationSeconds, s.TimeZone)}
	if s.Readers != nil {
		f.MinReaders, f.ReaderClass = int(s.Readers.MinReplicas), string(s.Readers.MinInstanceClass)
	}
	if s.Writer != nil {
		f.WriterClass = string(s.Writer.MinInstanceClass)
	}
	return f
}

// applyPrices parses the cost limit and the prices of a spec into out.
func applyPrices(out *scaling.Policy, spec v1alpha1.DBScalingPolicySpec) error {
	if text := spec.Guardrails.MaxHourlyCostUSD; text != "" {
		maximum, err := scaling.ParseUSD(text)
		if err != nil || maximum == 0 {
			return fmt.Errorf("spec.guardrails.maxHourlyCostUSD: %w: %q is not an amount in US dollars above zero, such as 6.00", ErrPrice, text)
		}
		out.Guardrails.MaxHourlyCost = maximum
	}
	for _, p := range spec.Prices {
		price, err := scaling.ParseUSD(p.HourlyPriceUSD)
		if err != nil || price == 0 {
			return fmt.Errorf("spec.prices: %w: %q of %s is not an amount in US dollars above zero, such as 0.52",
				ErrPrice, p.HourlyPriceUSD, p.InstanceClass)
		}
		if out.Prices == nil {
			out.Prices = map[string]scaling.Money{}
		}
		out.Prices[string(p.InstanceClass)] = price
	}
	return nil
}

// Target identifies the database of a policy, without the identity to reach it with.
func Target(in *v1alpha1.DBScalingPolicy) scaling.Target {
	ref := in.Spec.TargetRef
	return scaling.Target{
		Scope:      scaling.Scope{Region: ref.Region},
		Kind:       scaling.TargetKind(ref.Kind),
		Identifier: ref.Identifier,
	}
}

func validate(p scaling.Policy) error {
	if p.Readers != nil {
		if err := validateLadder("spec.readers.instanceClasses", p.Readers.InstanceClasses); err != nil {
			return err
		}
	}
	if p.Serverless {
		if err := validateLadder("spec.serverless.maxCapacity", p.Writer.InstanceClasses); err != nil {
			return err
		}
	} else if p.Writer != nil {
		if err := validateLadder("spec.writer.instanceClasses", p.Writer.InstanceClasses); err != nil {
			return err
		}
	}
	if err := schedule.Validate(p.DisruptionWindows); err != nil {
		return fmt.Errorf("spec.disruptionWindows: %w: %w", ErrSchedule, err)
	}
	for _, f := range p.ScheduledMinimums {
		if _, err := schedule.IsWindowOpen(f.Window, time.Unix(0, 0)); err != nil {
			return fmt.Errorf("spec.schedules: %w: %s: %w", ErrSchedule, f.Name, err)
		}
	}
	return nil
}

func validateLadder(field string, ladder []string) error {
	previous := catalog.Class{}
	for _, name := range ladder {
		class, err := catalog.Lookup(name)
		if err != nil {
			return fmt.Errorf("%s: %w: correct it, or remove it from the list", field, err)
		}
		if class.VCPU < previous.VCPU {
			return fmt.Errorf("%s: %w: %s (%g vCPU) comes after %s (%g vCPU); list the smallest first",
				field, ErrLadderOrder, class.Name, class.VCPU, previous.Name, previous.VCPU)
		}
		previous = class
	}
	return nil
}

func instanceClasses(in []v1alpha1.InstanceClass) []string {
	out := make([]string, len(in))
	for n, c := range in {
		out[n] = string(c)
	}
	return out
}

func seconds(n int32) time.Duration { return time.Duration(n) * time.Second }
