// Package convert turns the API's types into those of the core, and back.
package convert

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/catalog"
	"github.com/dbscaler/dbscaler/internal/scaling/schedule"
)

// The kinds of mistake in a policy that the API server cannot see. The error of Policy wraps one of them.
var (
	// ErrUnknownClass: a ladder names a class that the catalogue does not have.
	ErrUnknownClass = catalog.ErrUnknownClass
	// ErrLadderOrder: a ladder's classes do not grow in vCPUs.
	ErrLadderOrder = errors.New("ladder out of order")
	// ErrSchedule: a schedule or disruption window cannot be read.
	ErrSchedule = errors.New("invalid schedule")
	// ErrPrice: a price or the budget cannot be read.
	ErrPrice = errors.New("invalid price")
)

// Policy turns an API object into the core's policy. The error says which field is wrong and what to do.
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
			Cooldown: seconds(valueOrZero(spec.Behavior.ScaleUp.CooldownSeconds)),
		},
		ScaleDown: scaling.Behavior{
			Window:   seconds(spec.Behavior.ScaleDown.WindowSeconds),
			Cooldown: seconds(valueOrZero(spec.Behavior.ScaleDown.CooldownSeconds)),
		},
		ScaleDownClassWindow: seconds(valueOrZero(spec.Behavior.ScaleDown.ClassWindowSeconds)),
		Guardrails: scaling.Guardrails{
			MaxOperationsPerDay:      int(spec.Guardrails.MaxOperationsPerDay),
			SurgeReaders:             int(valueOrZero(spec.Guardrails.SurgeReaders)),
			MaxStepFactor:            int(spec.Guardrails.MaxStepFactor),
			AllowEmergencyDisruption: spec.Guardrails.EmergencyDisruption == v1alpha1.EmergencyDisruptionAllow,
		},
		PredictiveScaling: scaling.PredictiveScaling{
			Trend: spec.PredictiveScaling.Trend == v1alpha1.PredictionModeEnabled, History: spec.PredictiveScaling.History == v1alpha1.PredictionModeEnabled,
		},
		AfterEngineUpgrade: scaling.UpgradeWatch{
			Duration: seconds(valueOrZero(spec.AfterEngineUpgrade.WatchSeconds)), ScaleUp: int(spec.AfterEngineUpgrade.ScaleUpPercent),
		},
		ManualControl: manualControl(in.Annotations),
	}
	if r := spec.Readers; r != nil {
		out.Readers = &scaling.ReaderLimits{
			InstanceClasses: instanceClasses(r.InstanceClasses),
			Min:             int(r.MinReplicas),
			Max:             int(r.MaxReplicas),
			Preference:      scaling.Preference(r.Preference),
			Redundancy:      scaling.Redundancy(r.Redundancy),
		}
	}
	if w := spec.Writer; w != nil {
		out.Writer = &scaling.WriterLimits{InstanceClasses: instanceClasses(w.InstanceClasses)}
	}
	if s := spec.Serverless; s != nil {
		out.Serverless, out.Writer = true, &scaling.WriterLimits{}
		for _, acus := range s.MaxCapacities {
			out.Writer.InstanceClasses = append(out.Writer.InstanceClasses, cmp.Or(catalog.ServerlessClassName(float64(acus)), fmt.Sprint(acus)))
		}
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

func scheduleWindow(schedule string, start *metav1.Time, durationSeconds int32, zone string) scaling.Window {
	return scaling.Window{Schedule: schedule, Start: timeOrZero(start), Duration: seconds(durationSeconds), TimeZone: zone}
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

// applyPrices reads the budget and the prices of a policy.
func applyPrices(out *scaling.Policy, spec v1alpha1.DBScalingPolicySpec) error {
	if text := spec.Guardrails.MaxHourlyCostUSD; text != "" {
		most, err := scaling.ParseUSD(text)
		if err != nil || most == 0 {
			return fmt.Errorf("spec.guardrails.maxHourlyCostUSD: %w: %q is no amount in US dollars above zero, such as 6.00", ErrPrice, text)
		}
		out.Guardrails.MaxHourlyCost = most
	}
	for _, p := range spec.Prices {
		each, err := scaling.ParseUSD(p.HourlyPriceUSD)
		if err != nil || each == 0 {
			return fmt.Errorf("spec.prices: %w: %q of %s is no amount in US dollars above zero, such as 0.52",
				ErrPrice, p.HourlyPriceUSD, p.InstanceClass)
		}
		if out.Prices == nil {
			out.Prices = map[string]scaling.Money{}
		}
		out.Prices[string(p.InstanceClass)] = each
	}
	return nil
}

// Target names the database of a policy.
func Target(in *v1alpha1.DBScalingPolicy) scaling.Target {
	ref := in.Spec.TargetRef
	return scaling.Target{
		Scope:      scaling.Scope{Region: ref.Region, RoleARN: ref.RoleARN},
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
	if p.Writer != nil {
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
	before := catalog.Class{}
	for _, name := range ladder {
		class, err := catalog.Lookup(name)
		if err != nil {
			return fmt.Errorf("%s: %w: correct it, or remove it from the list", field, err)
		}
		if class.VCPU < before.VCPU {
			return fmt.Errorf("%s: %w: %s (%d vCPU) comes after %s (%d vCPU); list the smallest first",
				field, ErrLadderOrder, class.Name, class.VCPU, before.Name, before.VCPU)
		}
		before = class
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

func valueOrZero(n *int32) int32 {
	if n == nil {
		return 0
	}
	return *n
}
