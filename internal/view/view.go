// Package view is what a person is shown about a policy: its pools and instances, the decision and what blocks it, the operation and its
// steps, foreseen demand, cost and recent events. [NewPolicy] builds it from the object of a policy, [NewExplanation] and
// [ExplainLedger] say why a decision was made, and [NewFleet] ranks policies by risk. The results are plain structs whose JSON names are
// stable. The package reads no clock, network or environment: time and everything observed are arguments. WriteTree and the other Write
// functions render the structs as text.
package view

import (
	"time"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

// Input is everything that the view of a policy is made of.
type Input struct {
	// Object is the policy as the API server has it.
	Object *v1alpha1.DBScalingPolicy
	// Events are the Kubernetes events about it, in any order. EventsUnknown says why they could not be read, or is empty.
	Events        []Event
	EventsUnknown string
	// Observation is the database as the user has read it from AWS, or nil. Status has no figure that changes each minute, so that the load
	// is known only with it.
	Observation *scaling.Observation
	// MeasurementError says why the database could not be read from AWS, or is empty.
	MeasurementError string
	Now              time.Time
}

// State says in one word how a policy is.
type State string

// The states, the one that needs a person most first.
const (
	// StateStalled: the policy makes no progress until a person acts.
	StateStalled State = "Stalled"
	// StateNotReady: the policy is not in force, for example because AWS cannot be read.
	StateNotReady State = "NotReady"
	// StateLimited: the load requires a larger shape, and the policy or AWS allows none.
	StateLimited State = "Limited"
	// StateBlocked: a guard blocks a change.
	StateBlocked State = "Blocked"
	// StatePaused: an annotation pauses the policy.
	StatePaused State = "Paused"
	// StateChanging: an operation is in progress.
	StateChanging State = "Changing"
	// StatePending: a change is decided and about to start.
	StatePending State = "Pending"
	// StateNew: the operator has not reconciled the policy yet.
	StateNew State = "New"
	// StateSteady: nothing has to change.
	StateSteady State = "Steady"
)

// Policy is the view of one policy. Times are in UTC, utilizations in percent of vCPUs, demands and capacities in vCPUs, and costs in US
// dollars per hour. What is not known is absent, never zero.
type Policy struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	// Time is when the view was made.
	Time   time.Time `json:"time"`
	Target Target    `json:"target"`
	// Mode is spec.mode: Enforce, Recommend or Approve.
	Mode string `json:"mode"`
	// State and Summary say how the policy is, in one word and in a sentence.
	State   State  `json:"state"`
	Summary string `json:"summary"`
	// Deleting says that the policy was deleted and waits for the operator.
	Deleting bool `json:"deleting,omitempty"`
	// StatusOutdated says that the status describes an older version of the spec.
	StatusOutdated bool `json:"statusOutdated,omitempty"`
	// Pools are the writer and the readers, whether the policy scales them or not.
	Pools []Pool `json:"pools,omitempty"`
	// Decision is the latest decision; absent before the first one.
	Decision *Decision `json:"decision,omitempty"`
	// Operation is the operation in progress.
	Operation *Operation `json:"operation,omitempty"`
	// Problems are the conditions that are not as they should be, and what is present only while it matters.
	Problems []Condition `json:"problems,omitempty"`
	// Conditions are all conditions.
	Conditions []Condition `json:"conditions,omitempty"`
	// ManualControls are the annotations of a person that are in force, or invalid.
	ManualControls []ManualControl `json:"manualControls,omitempty"`
	// Foreseen is the demand that is expected and the minimums that schedules will set within a day.
	Foreseen []Foreseen `json:"foreseen,omitempty"`
	// Cost is the price of the instances per hour.
	Cost Cost `json:"cost"`
	// Shortages and Refusals are what AWS lacked or refused a short time ago.
	Shortages []Shortage `json:"shortages,omitempty"`
	Refusals  []Refusal  `json:"refusals,omitempty"`
	// History is the ended operations, newest first.
	History []Record `json:"history,omitempty"`
	// Events are the Kubernetes events about the policy, newest first.
	Events        []Event `json:"events,omitempty"`
	EventsUnknown string  `json:"eventsUnknown,omitempty"`
	// Measured says that utilizations, demands and lags were read from AWS; MeasurementError says why they were not.
	Measured         bool   `json:"measured"`
	MeasurementError string `json:"measurementError,omitempty"`
}

// Target is the database.
type Target struct {
	// Kind is DBCluster or DBInstance.
	Kind          string `json:"kind"`
	Identifier    string `json:"identifier"`
	Region        string `json:"region"`
	Account       string `json:"account,omitempty"`
	ARN           string `json:"arn,omitempty"`
	Engine        string `json:"engine,omitempty"`
	EngineVersion string `json:"engineVersion,omitempty"`
	// CapacityRange is that of an Aurora Serverless v2 cluster, such as "0.5 ACU to 16 ACU".
	CapacityRange string `json:"capacityRange,omitempty"`
}

// Pool is the instances of one role.
type Pool struct {
	// Name is Writer or Readers.
	Name string `json:"name"`
	// Scaled says whether the policy scales the pool.
	Scaled bool `json:"scaled"`
	// Shape is the number of instances and their class, such as "2 × db.r6g.large".
	Shape    string `json:"shape,omitempty"`
	Endpoint string `json:"endpoint,omitempty"`
	// CapacityVCPUs is that of all instances, MaximumVCPUs that of the largest shape that the policy allows.
	CapacityVCPUs *float64 `json:"capacityVCPUs,omitempty"`
	MaximumVCPUs  *float64 `json:"maximumVCPUs,omitempty"`
	// InstanceClasses, MinReplicas and MaxReplicas are the limits of the policy.
	InstanceClasses []string `json:"instanceClasses,omitempty"`
	MinReplicas     *int     `json:"minReplicas,omitempty"`
	MaxReplicas     *int     `json:"maxReplicas,omitempty"`
	// Thresholds are those of the policy.
	Thresholds *Thresholds `json:"thresholds,omitempty"`
	// Load is the measured load; absent unless it was read from AWS.
	Load *Load `json:"load,omitempty"`
	// LastChange is when the pool was first observed as it is; absent while it changes.
	LastChange time.Time  `json:"lastChange,omitzero"`
	Instances  []Instance `json:"instances,omitempty"`
}

// Thresholds are utilizations in percent, and the windows over which they apply.
type Thresholds struct {
	TargetPercent    int `json:"targetPercent"`
	ScaleUpPercent   int `json:"scaleUpPercent"`
	ScaleDownPercent int `json:"scaleDownPercent"`
	// ScaleUpWindowSeconds is the window whose mean is compared, ScaleDownWindowSeconds the one whose every minute is.
	ScaleUpWindowSeconds   int64 `json:"scaleUpWindowSeconds"`
	ScaleDownWindowSeconds int64 `json:"scaleDownWindowSeconds"`
}

// Load is the measured and predicted load of a pool.
type Load struct {
	// UtilizationPercent is the mean over the scale-up window, and DemandVCPUs the peak. Both are absent while samples are missing.
	UtilizationPercent *float64 `json:"utilizationPercent,omitempty"`
	DemandVCPUs        *float64 `json:"demandVCPUs,omitempty"`
	// DemandIsLowerBound says that an instance was saturated and nothing showed its demand above its vCPUs.
	DemandIsLowerBound bool `json:"demandIsLowerBound,omitempty"`
	Saturated          bool `json:"saturated,omitempty"`
	// TrendVCPUs and SeasonalVCPUs are the demand predicted for the time at which a new size could be in service, by the last half hour and
	// by earlier days; absent where nothing is predicted.
	TrendVCPUs    *float64 `json:"trendVCPUs,omitempty"`
	SeasonalVCPUs *float64 `json:"seasonalVCPUs,omitempty"`
	// HeadroomMinutes is the time until the instances are saturated, by the line through the last half hour; absent when the demand does
	// not rise or is not known.
	HeadroomMinutes *float64 `json:"headroomMinutes,omitempty"`
	// NewestSample is the start of the newest minute that every instance has published.
	NewestSample time.Time `json:"newestSample,omitzero"`
}

// Instance is one DB instance.
type Instance struct {
	Identifier string `json:"identifier"`
	Class      string `json:"class,omitempty"`
	// PendingClass is the class that it is changing to.
	PendingClass string   `json:"pendingClass,omitempty"`
	VCPUs        *float64 `json:"vcpus,omitempty"`
	// Status is the one that the RDS API reports, such as available.
	Status string `json:"status,omitempty"`
	Zone   string `json:"zone,omitempty"`
	// PromotionTier is the failover priority of a member of an Aurora cluster, 0 (first) to 15.
	PromotionTier *int   `json:"promotionTier,omitempty"`
	Endpoint      string `json:"endpoint,omitempty"`
	// CreatedByOperator says that dbscaler created it, and Surge that it exists only for the operation in progress.
	CreatedByOperator bool `json:"createdByOperator,omitempty"`
	Surge             bool `json:"surge,omitempty"`
	// CPUPercent is the newest sample, and LagSeconds the newest replica lag; absent unless they were read from AWS.
	CPUPercent *float64 `json:"cpuPercent,omitempty"`
	LagSeconds *float64 `json:"lagSeconds,omitempty"`
	// WaitsFor says what the instance or the operation waits for; empty when it is in service and no step concerns it.
	WaitsFor string `json:"waitsFor,omitempty"`
}

// Decision is the latest decision of the operator.
type Decision struct {
	Reason  string `json:"reason"`
	Message string `json:"message,omitempty"`
	// Cause has the figures at the time of the decision.
	Cause string    `json:"cause,omitempty"`
	Time  time.Time `json:"time"`
	// Pool, From and Desired are the change, if there is one.
	Pool    string `json:"pool,omitempty"`
	From    string `json:"from,omitempty"`
	Desired string `json:"desired,omitempty"`
	// BlockedBy are the guards that block the change, the most important first.
	BlockedBy []Block `json:"blockedBy,omitempty"`
	// Emergency says that a blocked change is urgent.
	Emergency bool `json:"emergency,omitempty"`
	// Hash is what an approval names.
	Hash string `json:"hash,omitempty"`
	// Candidates are the shapes that were considered: the chosen one first.
	Candidates []Candidate `json:"candidates,omitempty"`
}

// Block is a guard that blocks a change.
type Block struct {
	Guard string `json:"guard"`
	// Message is the state and its cause; absent where status has it for the first guard only.
	Message string `json:"message,omitempty"`
	// Remedy says what to do.
	Remedy string `json:"remedy,omitempty"`
}

// Candidate is a shape that was considered.
type Candidate struct {
	Shape string `json:"shape"`
	// Verdict is Chosen, or why the shape lost, in one word, and Text in a sentence.
	Verdict string `json:"verdict"`
	Text    string `json:"text,omitempty"`
	// PredictedPercent is the utilization that it would have.
	PredictedPercent *float64 `json:"predictedPercent,omitempty"`
	HourlyUSD        *float64 `json:"hourlyUSD,omitempty"`
	// IO is what was compared with the I/O limits of the shape.
	IO string `json:"io,omitempty"`
}

// StepState says how far a step is.
type StepState string

// The states of a step.
const (
	StepDone       StepState = "Done"
	StepInProgress StepState = "InProgress"
	StepWaiting    StepState = "Waiting"
)

// Operation is the operation in progress.
type Operation struct {
	ID        string `json:"id"`
	Pool      string `json:"pool"`
	Direction string `json:"direction"`
	From      string `json:"from"`
	To        string `json:"to"`
	// Path says in a few words which steps lead there.
	Path      string `json:"path"`
	Cause     string `json:"cause,omitempty"`
	Emergency bool   `json:"emergency,omitempty"`
	// WaitsFor is what the operator does now, or waits for.
	WaitsFor  string    `json:"waitsFor,omitempty"`
	StartTime time.Time `json:"startTime"`
	// ElapsedSeconds is the time since the start, ExpectedSeconds how long the steps usually take together, and Overdue says that the
	// operation takes longer.
	ElapsedSeconds  int64 `json:"elapsedSeconds"`
	ExpectedSeconds int64 `json:"expectedSeconds"`
	Overdue         bool  `json:"overdue,omitempty"`
	// DoneSteps is the number of steps that are done.
	DoneSteps int    `json:"doneSteps"`
	Steps     []Step `json:"steps"`
}

// Step is one call to AWS and its progress.
type Step struct {
	// Action is the call, such as CreateReader, and Text says it in words.
	Action        string    `json:"action"`
	Text          string    `json:"text"`
	Instance      string    `json:"instance"`
	InstanceClass string    `json:"instanceClass,omitempty"`
	Surge         bool      `json:"surge,omitempty"`
	State         StepState `json:"state"`
	// ElapsedSeconds is the time since its start, or how long it took; absent before its start.
	ElapsedSeconds *int64 `json:"elapsedSeconds,omitempty"`
	// ExpectedSeconds is how long such a step usually takes at most.
	ExpectedSeconds int64 `json:"expectedSeconds"`
	// Attempts is the number of requests, and Answer what AWS answered to the last one if it did not accept it.
	Attempts int    `json:"attempts,omitempty"`
	Answer   string `json:"answer,omitempty"`
}

// Condition is a condition of the policy.
type Condition struct {
	Type    string    `json:"type"`
	Status  string    `json:"status"`
	Reason  string    `json:"reason"`
	Message string    `json:"message,omitempty"`
	Since   time.Time `json:"since,omitzero"`
}

// The kinds of manual control.
const (
	ControlPause    = "Pause"
	ControlOverride = "Override"
	ControlApproval = "Approval"
	ControlInvalid  = "Invalid"
)

// ManualControl is an annotation of a person that is in force, or invalid.
type ManualControl struct {
	// Kind is Pause, Override, Approval or Invalid.
	Kind string `json:"kind"`
	// Text says what it does.
	Text string `json:"text"`
	// Until is when it ends; absent for an approval, and for a pause without an end.
	Until time.Time `json:"until,omitzero"`
	// RequestedBy is the user who requested it, and Reason why, as the plugin records them in annotations; absent when they are not recorded
	// for the present values.
	RequestedBy string `json:"requestedBy,omitempty"`
	Reason      string `json:"reason,omitempty"`
	// SetBy is the client that set the annotation, as the API server records it, and SetTime when.
	SetBy   string    `json:"setBy,omitempty"`
	SetTime time.Time `json:"setTime,omitzero"`
}

// The sources of foreseen demand.
const (
	ForeseenTrend    = "Trend"
	ForeseenSeasonal = "EarlierDays"
	ForeseenSchedule = "Schedule"
)

// Foreseen is a demand or a minimum that is expected.
type Foreseen struct {
	// Source is Trend, EarlierDays or Schedule.
	Source string `json:"source"`
	Pool   string `json:"pool"`
	// VCPUs is a predicted demand; absent for a schedule.
	VCPUs *float64 `json:"vcpus,omitempty"`
	// Schedule is the name of a schedule, Minimum what it requires, and Start when it opens: in the past when it is open.
	Schedule string    `json:"schedule,omitempty"`
	Minimum  string    `json:"minimum,omitempty"`
	Open     bool      `json:"open,omitempty"`
	Start    time.Time `json:"start,omitzero"`
}

// Cost is the price of the instances in US dollars per hour: absent while a price is not known.
type Cost struct {
	HourlyUSD *float64 `json:"hourlyUSD,omitempty"`
	// BeforeUSD is that before the operation in progress, without its surge reader; absent without an operation.
	BeforeUSD *float64 `json:"beforeUSD,omitempty"`
	// AfterUSD is that after the change that is in progress or decided.
	AfterUSD *float64 `json:"afterUSD,omitempty"`
	// BudgetUSD is guardrails.maxHourlyCostUSD.
	BudgetUSD *float64 `json:"budgetUSD,omitempty"`
	// UnpricedClasses are the classes whose prices are not known.
	UnpricedClasses []string `json:"unpricedClasses,omitempty"`
}

// Shortage is a class that AWS had no instances of.
type Shortage struct {
	Class string `json:"class"`
	// Zone is empty for all zones.
	Zone  string    `json:"zone,omitempty"`
	Until time.Time `json:"until"`
}

// Refusal is a change that AWS refused.
type Refusal struct {
	Action   string    `json:"action"`
	Class    string    `json:"class,omitempty"`
	Instance string    `json:"instance,omitempty"`
	Message  string    `json:"message"`
	Until    time.Time `json:"until"`
}

// Record is an operation that has ended.
type Record struct {
	ID        string `json:"id"`
	Pool      string `json:"pool"`
	Direction string `json:"direction"`
	From      string `json:"from"`
	To        string `json:"to"`
	// Outcome is Succeeded or Failed, and Reason and Message say why it failed.
	Outcome string `json:"outcome"`
	Reason  string `json:"reason,omitempty"`
	Message string `json:"message,omitempty"`
	// BeforePercent and AfterPercent are the utilizations of the pool.
	BeforePercent   *int      `json:"beforePercent,omitempty"`
	AfterPercent    *int      `json:"afterPercent,omitempty"`
	StartTime       time.Time `json:"startTime"`
	CompletionTime  time.Time `json:"completionTime"`
	DurationSeconds int64     `json:"durationSeconds"`
}

// Event is a Kubernetes event about the policy.
type Event struct {
	Time    time.Time `json:"time"`
	Warning bool      `json:"warning,omitempty"`
	Reason  string    `json:"reason"`
	Note    string    `json:"note"`
}
