package v1alpha1

// CPUThresholds holds the thresholds, in percent.
//
// +kubebuilder:validation:XValidation:rule="self.scaleDownPercent < self.targetPercent",message="scaleDownPercent (50 unless set) must be below targetPercent (65 unless set)"
// +kubebuilder:validation:XValidation:rule="self.targetPercent < self.scaleUpPercent",message="targetPercent (65 unless set) must be below scaleUpPercent (75 unless set)"
// +kubebuilder:validation:MinProperties=1
type CPUThresholds struct {
	// targetPercent is the utilization that a new shape is sized for. The
	// default is 65.
	// +optional
	// +kubebuilder:default=65
	// +kubebuilder:validation:Minimum=10
	// +kubebuilder:validation:Maximum=85
	TargetPercent int32 `json:"targetPercent,omitempty"`

	// scaleUpPercent is the utilization at which the database is too small. The
	// default is 75.
	// +optional
	// +kubebuilder:default=75
	// +kubebuilder:validation:Minimum=15
	// +kubebuilder:validation:Maximum=90
	ScaleUpPercent int32 `json:"scaleUpPercent,omitempty"`

	// scaleDownPercent is the utilization below which the database is too large.
	// The default is 50.
	// +optional
	// +kubebuilder:default=50
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=80
	ScaleDownPercent int32 `json:"scaleDownPercent,omitempty"`
}

// Behavior is how quickly each direction is taken.
//
// +kubebuilder:validation:MinProperties=1
type Behavior struct {
	// scaleUp is how quickly the database grows. The default is a window of 120
	// s and a cooldown of 300 s.
	// +optional
	// +kubebuilder:default={windowSeconds: 120, cooldownSeconds: 300}
	ScaleUp ScaleUpBehavior `json:"scaleUp,omitzero"`

	// scaleDown is how quickly the database shrinks. The default is a window of
	// 3600 s, one of 86400 s for a change of class, and a cooldown of 3600 s.
	// +optional
	// +kubebuilder:default={windowSeconds: 3600, classWindowSeconds: 86400, cooldownSeconds: 3600}
	ScaleDown ScaleDownBehavior `json:"scaleDown,omitzero"`
}

// ScaleUpBehavior is how quickly the database grows.
//
// +kubebuilder:validation:MinProperties=1
type ScaleUpBehavior struct {
	// windowSeconds is how long utilization must average scaleUpPercent or more.
	// The default is 120.
	// +optional
	// +kubebuilder:default=120
	// +kubebuilder:validation:Minimum=60
	// +kubebuilder:validation:Maximum=3600
	WindowSeconds int32 `json:"windowSeconds,omitempty"`

	// cooldownSeconds is how long to wait after an operation completed before
	// the database grows again. The default is 300.
	// +optional
	// +kubebuilder:default=300
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=86400
	CooldownSeconds *int32 `json:"cooldownSeconds,omitempty"`
}

// ScaleDownBehavior is how quickly the database shrinks.
//
// +kubebuilder:validation:MinProperties=1
type ScaleDownBehavior struct {
	// windowSeconds is how long utilization must have stayed below
	// scaleDownPercent, without a gap in the metrics. The default is 3600.
	// +optional
	// +kubebuilder:default=3600
	// +kubebuilder:validation:Minimum=600
	// +kubebuilder:validation:Maximum=86400
	WindowSeconds int32 `json:"windowSeconds,omitempty"`

	// classWindowSeconds is how far back a smaller class must have carried the
	// load, with as many readers as the policy allows, before instances are
	// resized to it: to resize one interrupts it, while a reader that is removed
	// is soon back. It counts where it is longer than windowSeconds. The default
	// is 86400.
	// +optional
	// +kubebuilder:default=86400
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=86400
	ClassWindowSeconds *int32 `json:"classWindowSeconds,omitempty"`

	// cooldownSeconds is how long to wait after an operation completed before
	// the database shrinks. The default is 3600.
	// +optional
	// +kubebuilder:default=3600
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=604800
	CooldownSeconds *int32 `json:"cooldownSeconds,omitempty"`
}

// Guardrails bound what the operator may do whatever the load.
//
// +kubebuilder:validation:MinProperties=1
type Guardrails struct {
	// maxOperationsPerDay is how many operations that interrupt instances may
	// start within 24 hours. Of those that only add or remove readers, which
	// interrupts nothing, there may be four times as many. A third of them is
	// kept for growing. The default is 6.
	// +optional
	// +kubebuilder:default=6
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=48
	MaxOperationsPerDay int32 `json:"maxOperationsPerDay,omitempty"`

	// surgeReaders is how many readers an operation may add for its own length,
	// so that readers in service never lose capacity while another is resized.
	// With 0, a reader is resized only while the others can carry the load. The
	// default is 1.
	// +optional
	// +kubebuilder:default=1
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=1
	SurgeReaders *int32 `json:"surgeReaders,omitempty"`

	// maxStepFactor bounds one operation: the readers, or the writer, grow to at
	// most this many times their vCPUs and shrink to no less than their vCPUs
	// divided by it. The default is 4.
	// +optional
	// +kubebuilder:default=4
	// +kubebuilder:validation:Minimum=2
	// +kubebuilder:validation:Maximum=32
	MaxStepFactor int32 `json:"maxStepFactor,omitempty"`

	// maxHourlyCostUSD is what an hour of all instances of the database may cost
	// once an operation is done, in US dollars, for example "6.00". Surge readers
	// are not counted. Where a price is not known, nothing grows. Without it
	// there is no bound.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=16
	// +kubebuilder:validation:XValidation:rule="self.matches('^[0-9]{1,9}([.][0-9]{1,6})?$')",message="an amount in US dollars looks like 6.00"
	MaxHourlyCostUSD string `json:"maxHourlyCostUSD,omitempty"`

	// emergencyDisruption says whether the writer may be interrupted outside
	// spec.disruptionWindows in an emergency, which is when it has been saturated
	// for three minutes with a demand far above its vCPUs. The default is Forbid.
	// +optional
	// +kubebuilder:default=Forbid
	EmergencyDisruption EmergencyDisruption `json:"emergencyDisruption,omitempty"`
}

// EmergencyDisruption says whether an emergency may interrupt the writer at
// any time.
//
// +kubebuilder:validation:Enum=Forbid;Allow
type EmergencyDisruption string

// The answers.
const (
	// EmergencyDisruptionForbid keeps to the disruption windows.
	EmergencyDisruptionForbid EmergencyDisruption = "Forbid"
	// EmergencyDisruptionAllow overrides them in an emergency.
	EmergencyDisruptionAllow EmergencyDisruption = "Allow"
)

// PredictionMode is on or off.
//
// +kubebuilder:validation:Enum=Enabled;Disabled
type PredictionMode string

// The positions of a switch.
const (
	// PredictionModeEnabled is on.
	PredictionModeEnabled PredictionMode = "Enabled"
	// PredictionModeDisabled is off.
	PredictionModeDisabled PredictionMode = "Disabled"
)

// PredictiveScaling says which predictions may make the database grow before it has
// to.
//
// +kubebuilder:validation:MinProperties=1
type PredictiveScaling struct {
	// trend looks at where the last half hour leads. The default is Enabled.
	// +optional
	// +kubebuilder:default=Enabled
	Trend PredictionMode `json:"trend,omitempty"`

	// history looks at the same time of earlier days and weeks. The default is
	// Enabled.
	// +optional
	// +kubebuilder:default=Enabled
	History PredictionMode `json:"history,omitempty"`
}

// AfterEngineUpgrade is how a database is watched whose engine was upgraded.
//
// +kubebuilder:validation:MinProperties=1
type AfterEngineUpgrade struct {
	// watchSeconds is how long the watch lasts. Nothing shrinks during it. 0
	// means no watch. The default is 86400, a day.
	// +optional
	// +kubebuilder:default=86400
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=604800
	WatchSeconds *int32 `json:"watchSeconds,omitempty"`

	// scaleUpPercent takes the place of cpu.scaleUpPercent during the watch where
	// it is lower, until the readers, or the writer, have grown once: then they
	// are sized for what queries cost now. It is never less than one above
	// cpu.targetPercent. The default is 60.
	// +optional
	// +kubebuilder:default=60
	// +kubebuilder:validation:Minimum=15
	// +kubebuilder:validation:Maximum=90
	ScaleUpPercent int32 `json:"scaleUpPercent,omitempty"`
}

// Price is what an hour of one instance of a class costs.
type Price struct {
	// instanceClass is the class.
	// +required
	InstanceClass InstanceClass `json:"instanceClass,omitempty"`

	// usdPerHour is the price in US dollars, for example "0.52", with the standby
	// of a Multi-AZ instance counted in.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=16
	// +kubebuilder:validation:XValidation:rule="self.matches('^[0-9]{1,9}([.][0-9]{1,6})?$')",message="an amount in US dollars looks like 0.52"
	HourlyPriceUSD string `json:"usdPerHour,omitempty"`
}
