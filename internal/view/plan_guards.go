package view

import (
	"slices"
	"strings"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

// GuardUnknown is the verdict on a guard that reads what the source does not have: neither a pass nor a veto is known.
const GuardUnknown = "Unknown"

// statusKnowledge says which verdicts of guards are known from the status of a policy.
type statusKnowledge struct {
	policy      *scaling.Policy
	observation *scaling.Observation
	view        *Policy
	proposal    *scaling.Proposal
	operation   *scaling.Operation
	// isPriced says whether every price is known.
	isPriced bool
}

// missing says what a guard would have to know and the status lacks; empty when its verdict is known. blocked is whether it vetoed.
type missing func(k *statusKnowledge, blocked bool) string

// missingInStatus has the guards that read more than the status has. Each of the others is exact: it reads the policy, the annotations,
// the history, the classes of the instances, shortages, refusals and the time.
var missingInStatus = map[string]missing{
	"Budget":               priceMissing,
	"LicenseGrowth":        licenseMissing,
	"ClassNotOrderable":    orderableMissing,
	"CannotReplicate":      replicationMissing,
	"OptInTagMissing":      tagsMissing,
	"ReaderAutoScaling":    autoScalingMissing,
	"DeclaredElsewhere":    declarationsMissing,
	"BlueGreenDeployment":  fromCondition(v1alpha1.ConditionBlueGreenDeployment),
	"MetricsStale":         samplesMissing,
	"DatabaseBusy":         clusterStatusMissing,
	"PendingModifications": unlessBlocked("what waits for the maintenance window"),
	"PendingReboot":        ifDisruptive("parameters that wait for a restart"),
	"PendingMaintenance":   unlessBlocked("the maintenance that AWS has scheduled"),
	"BackupWindow":         backupMissing,
	"ReaderNotOwned":       replicasMissing,
	"CustomEndpoints":      endpointsMissing,
	"PromotionCandidate":   promotionMissing,
	"MinimumReaders":       endpointsMissing,
	"ReaderCapacity":       loadMissing,
	"ReplicaLag":           lagMissing,
	"DisruptionWindow":     sourceMissing,
}

// qualify replaces the verdict of a guard that status does not know.
func (k *statusKnowledge) qualify(g *GuardVerdict) {
	lacks := missingInStatus[g.Guard]
	if lacks == nil {
		return
	}
	switch text := lacks(k, g.Verdict == GuardBlocked); text {
	case "":
	case passedByStatus:
		*g = GuardVerdict{Guard: g.Guard, Verdict: GuardPassed}
	default:
		*g = GuardVerdict{Guard: g.Guard, Verdict: GuardUnknown, Message: text}
	}
}

// passedByStatus says that the veto of a guard comes from what the status lacks, and that a condition says that it passes.
const passedByStatus = "passed"

func (k *statusKnowledge) isAurora() bool { return strings.HasPrefix(k.observation.Engine, "aurora") }

// hasStep reports whether a step matches.
func (k *statusKnowledge) hasStep(match func(s scaling.Step) bool) bool {
	return slices.ContainsFunc(k.operation.Steps, match)
}

func (k *statusKnowledge) hasAction(action scaling.Action) bool {
	return k.hasStep(func(s scaling.Step) bool { return s.Action == action })
}

// changesForeignInstance reports whether a step changes an instance that dbscaler did not create.
func (k *statusKnowledge) changesForeignInstance() bool {
	return k.hasStep(func(s scaling.Step) bool {
		i, exists := k.observation.Instance(s.Instance)
		return s.ChangesAllMembers() || exists && !i.CreatedByOperator()
	})
}

// unlessBlocked is for guards whose veto by the status counts, and whose pass needs more.
func unlessBlocked(what string) missing {
	return func(_ *statusKnowledge, blocked bool) string {
		if blocked {
			return ""
		}
		return what
	}
}

// ifDisruptive is for guards that only concern operations that restart an instance.
func ifDisruptive(what string) missing {
	return func(k *statusKnowledge, _ bool) string {
		if !k.operation.IsDisruptive() {
			return ""
		}
		return what
	}
}

// fromCondition is for guards of what a condition of the policy shows while it exists.
func fromCondition(condition string) missing {
	return func(k *statusKnowledge, _ bool) string {
		if c := k.view.condition(condition); c != nil && c.Status != "False" {
			return "the condition " + condition + " says: " + oneLine(c.Message)
		}
		return ""
	}
}

func clusterStatusMissing(k *statusKnowledge, blocked bool) string {
	if blocked || k.observation.Kind == scaling.DBInstance {
		return ""
	}
	return "the status of the cluster"
}

func priceMissing(k *statusKnowledge, _ bool) string {
	if k.policy.Guardrails.MaxHourlyCost == 0 || k.isPriced {
		return ""
	}
	return "the prices of all classes: the operator may know them from a price file or from AWS"
}

func licenseMissing(k *statusKnowledge, _ bool) string {
	hasLicense := slices.ContainsFunc([]string{"oracle", "sqlserver", "db2", "custom"}, func(prefix string) bool {
		return strings.HasPrefix(k.observation.Engine, prefix)
	})
	if !hasLicense || k.policy.Guardrails.AllowLicenseGrowth {
		return ""
	}
	return "the licence model of the database"
}

func orderableMissing(k *statusKnowledge, _ bool) string {
	if !k.hasStep(func(s scaling.Step) bool {
		return s.InstanceClass != "" && s.Action != scaling.ModifyCapacity && s.Action != scaling.ModifyMinCapacity
	}) {
		return ""
	}
	return "the classes that AWS offers for this database"
}

func replicationMissing(k *statusKnowledge, _ bool) string {
	if k.observation.Kind != scaling.DBInstance || !k.hasAction(scaling.CreateReader) {
		return ""
	}
	return "whether AWS allows new read replicas of the instance"
}

func tagsMissing(k *statusKnowledge, _ bool) string {
	if c := k.view.condition(v1alpha1.ConditionAuthorized); c == nil || c.Status != "True" {
		return "the opt-in tags of the database"
	}
	if k.changesForeignInstance() {
		return "the opt-in tag of each instance"
	}
	return passedByStatus
}

func autoScalingMissing(k *statusKnowledge, blocked bool) string {
	if blocked || !k.isAurora() || k.proposal.Pool != scaling.Readers || k.proposal.From.Count == k.proposal.To.Count {
		return ""
	}
	return "whether Aurora Auto Scaling manages the number of readers"
}

func declarationsMissing(k *statusKnowledge, _ bool) string {
	if k.observation.DeclarationsUnknown == "" || !k.hasStep(func(s scaling.Step) bool {
		return s.Action == scaling.ModifyInstanceClass || s.Action == scaling.DeleteReader
	}) {
		return ""
	}
	return "the objects of ACK and Crossplane, which may declare the instances"
}

func samplesMissing(k *statusKnowledge, blocked bool) string {
	if !blocked {
		return ""
	}
	if c := k.view.condition(v1alpha1.ConditionMetricsAvailable); c != nil && c.Status == "True" {
		return passedByStatus
	}
	return "whether there are recent samples"
}

func backupMissing(k *statusKnowledge, _ bool) string {
	if k.isAurora() || !k.changesForeignInstance() { // the backups of Aurora interrupt nothing
		return ""
	}
	return "the backup window"
}

func replicasMissing(k *statusKnowledge, blocked bool) string {
	if blocked || k.observation.Kind != scaling.DBInstance || !k.hasAction(scaling.DeleteReader) {
		return ""
	}
	return "whether others replicate from the replica to remove"
}

func endpointsMissing(k *statusKnowledge, _ bool) string {
	return fromCondition(v1alpha1.ConditionCustomEndpoints)(k, false)
}

func promotionMissing(k *statusKnowledge, blocked bool) string {
	if blocked || !k.hasAction(scaling.Failover) {
		return ""
	}
	return "the parameter groups of the readers: the operator promotes one that has that of the writer"
}

func loadMissing(k *statusKnowledge, blocked bool) string {
	if text := endpointsMissing(k, false); text != "" || !blocked {
		return text
	}
	return "the load: at one step fewer readers are in service than before"
}

func lagMissing(_ *statusKnowledge, blocked bool) string {
	if !blocked {
		return ""
	}
	return "the replica lag of the reader to promote"
}

func sourceMissing(k *statusKnowledge, blocked bool) string {
	if blocked && k.proposal.Pool != scaling.Writer {
		return "whether the source is Multi-AZ: otherwise new replicas wait for a disruption window"
	}
	return ""
}
