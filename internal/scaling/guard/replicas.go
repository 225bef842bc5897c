package guard

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/catalog"
)

// cannotReplicate vetoes a new read replica of a source that AWS refuses to replicate.
func cannotReplicate(in Input) (string, time.Duration, error) {
	if reason := in.Observation.CannotReplicate; reason != "" && addsReader(in.Operation) {
		return "AWS refuses every new read replica of " + in.Policy.Target.Identifier + ": " + reason, 0, nil
	}
	return "", 0, nil
}

// addsReader reports whether an operation creates a reader.
func addsReader(op scaling.Operation) bool {
	return slices.ContainsFunc(op.Steps, func(s scaling.Step) bool { return s.Action == scaling.CreateReader })
}

// refusedByAWS vetoes an operation with a step that AWS has refused within the last day: it would refuse it again.
func refusedByAWS(in Input) (string, time.Duration, error) {
	for _, s := range in.Operation.Steps {
		r, refused := in.Observation.FindRefusal(in.Proposal.Pool, s.Action, s.InstanceClass, s.Instance, in.Now)
		if !refused {
			continue
		}
		what := fmt.Sprintf("%s of %s", s.Action, s.Instance)
		if s.InstanceClass != "" {
			what = fmt.Sprintf("%s with %s", s.Action, s.InstanceClass)
		}
		return fmt.Sprintf("AWS refused %s (%s): correct the cause. The operator requests it again after %s, or when the policy's spec "+
			"changes", what, r.Message, r.ExpiresAt.UTC().Format(time.RFC3339)), r.ExpiresAt.Sub(in.Now), nil
	}
	return "", 0, nil
}

// licenseGrowth vetoes more vCPUs, also for the duration of the operation, when the customer brings the licence of the engine and
// the policy does not allow it. A licence of Oracle or SQL Server covers a number of vCPUs (RDS user guide, "RDS for Oracle licensing
// options").
func licenseGrowth(in Input) (string, time.Duration, error) {
	if !in.Observation.BringsLicense() || in.Policy.Guardrails.AllowLicenseGrowth {
		return "", 0, nil
	}
	for _, s := range in.Operation.Steps {
		grows := s.Action == scaling.CreateReader
		if i, exists := in.Observation.Instance(s.Instance); s.Action == scaling.ModifyInstanceClass && exists {
			from, errFrom := catalog.Lookup(i.Class)
			to, errTo := catalog.Lookup(s.InstanceClass)
			if err := firstError(errFrom, errTo); err != nil {
				return "", 0, err
			}
			grows = to.VCPUFor(in.Observation.Engine) > from.VCPUFor(in.Observation.Engine)
		}
		if grows {
			return fmt.Sprintf("%s is %s, and %s of %s adds vCPUs that need a licence: set guardrails.licenseGrowth to Allow if you hold "+
				"enough licences", in.Policy.Target.Identifier, in.Observation.LicenseModel, s.Action, s.Instance), 0, nil
		}
	}
	return "", 0, nil
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// suspendsSource reports whether a step of an operation suspends the I/O of the source for a moment.
func suspendsSource(o scaling.Observation, op scaling.Operation) bool {
	return slices.ContainsFunc(op.Steps, func(s scaling.Step) bool { return o.SuspendsSource(s.Action) })
}

// missingClassMessage says why a class is not among the orderable ones, and what to do.
func missingClassMessage(in Input, class string) string {
	o := in.Observation
	engine := o.Engine + " " + o.EngineVersion
	if features := o.OrderableGaps[class].Features; len(features) > 0 {
		return fmt.Sprintf("AWS does not offer %s for %s in %s with what the database uses (%s): remove the class from the policy, or "+
			"do without", class, engine, in.Policy.Target.Scope.Region, strings.Join(features, ", "))
	}
	if len(o.Orderable) == 0 && len(o.OrderableGaps) == 0 {
		return fmt.Sprintf("AWS offers no class for %s in %s any more: upgrade the engine", engine, in.Policy.Target.Scope.Region)
	}
	return fmt.Sprintf("AWS does not offer %s for %s in %s: remove it from the policy", class, engine, in.Policy.Target.Scope.Region)
}
