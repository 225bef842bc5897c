package v1alpha1

// CPUThresholds are CPU utilizations in percent of the vCPUs of a pool.
//
// +kubebuilder:validation:XValidation:rule="self.scaleDownPercent < self.targetPercent",message="scaleDownPercent (default 50) must be less than targetPercent (default 65)"
// +kubebuilder:validation:XValidation:rule="self.targetPercent < self.scaleUpPercent",message="targetPercent (default 65) must be less than scaleUpPercent (default 75)"
// +kubebuilder:validation:MinProperties=1
type CPUThresholds struct {
	// targetPercent is the utilization that a new shape is sized for. Where that
	// would resize readers, added readers are accepted up to half way between
	// targetPercent and scaleUpPercent, unless readers.preference is Vertical. The
	// default is 65.
	// +optional
	// +kubebuilder:default=65
	// +kubebuilder:validation:Minimum=10
	// +kubebuilder:validation:Maximum=85
	TargetPercent int32 `json:"targetPercent,omitempty"`

	// scaleUpPercent is the utilization at or above which a pool scales up. The
	// default is 75.
	// +optional
	// +kubebuilder:default=75
	// +kubebuilder:validation:Minimum=15
	// +kubebuilder:validation:Maximum=90
	ScaleUpPercent int32 `json:"scaleUpPercent,omitempty"`

	// scaleDownPercent is the utilization below which a pool scales down. The
	// default is 50.
	// +optional
	// +kubebuilder:default=50
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=80
	ScaleDownPercent int32 `json:"scaleDownPercent,omitempty"`
}

// Behavior sets the windows and cooldowns of each direction.
//
// +kubebuilder:validation:MinProperties=1
type Behavior struct {
	// scaleUp sets the window and cooldown for scaling up. The default is a
	// window of 120 s and a cooldown of 300 s.
	// +optional
	// +kubebuilder:default={windowSeconds: 120, cooldownSeconds: 300}
	ScaleUp ScaleUpBehavior `json:"scaleUp,omitzero"`

	// scaleDown sets the windows and cooldown for scaling down. The default is a
	// window of 3600 s, a window of 86400 s for a change of class, and a cooldown
	// of 600 s.
	// +optional
	// +kubebuilder:default={windowSeconds: 3600, classWindowSeconds: 86400, overloadedMinuteVCPUHours: 16, cooldownSeconds: 600}
	ScaleDown ScaleDownBehavior `json:"scaleDown,omitzero"`
}

// ScaleUpBehavior sets the window and cooldown for scaling up.
//
// +kubebuilder:validation:MinProperties=1
type ScaleUpBehavior struct {
	// windowSeconds is the period over which the average utilization must reach
	// scaleUpPercent. The default is 120.
	// +optional
	// +kubebuilder:default=120
	// +kubebuilder:validation:Minimum=60
	// +kubebuilder:validation:Maximum=3600
	WindowSeconds int32 `json:"windowSeconds,omitempty"`

	// cooldownSeconds is the time to wait before scaling up, after the last
	// scale-up of the same pool or a failed operation ended. After a failure it is
	// at least 300. The default is 300; 0 means no cooldown.
	// +optional
	// +kubebuilder:default=300
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=86400
	CooldownSeconds *int32 `json:"cooldownSeconds,omitempty"`
}

// ScaleDownBehavior sets the windows and cooldown for scaling down.
//
// +kubebuilder:validation:MinProperties=1
type ScaleDownBehavior struct {
	// windowSeconds is the period during which utilization must have stayed below
	// scaleDownPercent, without a gap in the metrics. Readers that dbscaler added
	// are removed earlier, after 900 s or more, if that would have cost less over
	// the known past: see overloadedMinuteVCPUHours. The default is 3600.
	// +optional
	// +kubebuilder:default=3600
	// +kubebuilder:validation:Minimum=600
	// +kubebuilder:validation:Maximum=86400
	WindowSeconds int32 `json:"windowSeconds,omitempty"`

	// classWindowSeconds is the period whose load a smaller class must be able to
	// carry, with as many readers as the policy allows, before instances are
	// resized to it. A resize interrupts an instance, whereas a removed reader is
	// quickly created again. A value below windowSeconds, 0 included, means the
	// same as windowSeconds. The default is 86400.
	// +optional
	// +kubebuilder:default=86400
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=86400
	ClassWindowSeconds *int32 `json:"classWindowSeconds,omitempty"`

	// overloadedMinuteVCPUHours is the price of a minute in which instances are
	// overloaded, in hours of one vCPU. Instances are resized to a smaller class
	// only if that would have cost less over the known past, up to 15 days: with as
	// many readers as the policy allows, and with this price for each minute in
	// which those would have been overloaded. Readers are removed before
	// windowSeconds are over if the vCPUs that this would have saved over the known
	// past are worth more than the overload when their load returned. A higher
	// price keeps capacity for bursts. 0 ignores the past beyond
	// classWindowSeconds. The default is 16, about two US dollars for db.r6g on
	// demand.
	// +optional
	// +kubebuilder:default=16
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=10000
	OverloadedMinuteVCPUHours *int32 `json:"overloadedMinuteVCPUHours,omitempty"`

	// cooldownSeconds is the time to wait before scaling down, after any operation
	// on the database ended. After a failure it is at least 300. The default is
	// 600; 0 means no cooldown.
	// +optional
	// +kubebuilder:default=600
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=604800
	CooldownSeconds *int32 `json:"cooldownSeconds,omitempty"`
}

// Guardrails limit the operator regardless of the load.
//
// +kubebuilder:validation:MinProperties=1
type Guardrails struct {
	// maxOperationsPerDay is the maximum number of disruptive operations within 24
	// hours: those that interrupt instances. An operation that only adds or removes
	// readers may start while fewer than four times as many operations of any kind
	// were started. A third of each limit, rounded down, is reserved for scaling
	// up. Manual overrides and cleanups are exempt. The default is 6.
	// +optional
	// +kubebuilder:default=6
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=48
	MaxOperationsPerDay int32 `json:"maxOperationsPerDay,omitempty"`

	// surgeReaders is the maximum number of readers that an operation may add for
	// its own duration. With 1, the readers in service never have fewer vCPUs than
	// at the start of the operation, or than the desired shape has, whichever is
	// less. With 0, a reader is resized only while the others can carry the
	// load. The default is 1.
	// +optional
	// +kubebuilder:default=1
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=1
	SurgeReaders *int32 `json:"surgeReaders,omitempty"`

	// maxStepFactor limits one operation: the vCPUs of the readers, or of the
	// writer, are at most multiplied by it when scaling up, and at most divided by
	// it when scaling down. The default is 4.
	// +optional
	// +kubebuilder:default=4
	// +kubebuilder:validation:Minimum=2
	// +kubebuilder:validation:Maximum=32
	MaxStepFactor int32 `json:"maxStepFactor,omitempty"`

	// maxHourlyCostUSD is the maximum cost per hour of all instances of the
	// database after an operation, in US dollars, for example "6.00". Surge
	// readers are not counted. When a price is not known, the operator does not
	// scale up. Without this field there is no limit.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=16
	// +kubebuilder:validation:XValidation:rule="self.matches('^[0-9]{1,9}([.][0-9]{1,6})?$')",message="must be an amount in US dollars such as 6.00"
	MaxHourlyCostUSD string `json:"maxHourlyCostUSD,omitempty"`

	// trustParameterGroups says whether parameters that the operator cannot read
	// from the parameter groups of the database, or cannot evaluate, count as the
	// defaults of the engine. With Never, no class with less memory is chosen
	// while a parameter group is not known; with WhenUnreadable the defaults are
	// assumed. A parameter that is known not to fit a class is never trusted. The
	// default is Never.
	// +optional
	// +kubebuilder:default=Never
	TrustParameterGroups TrustParameterGroups `json:"trustParameterGroups,omitempty"`

	// licenseGrowth says whether the operator may add vCPUs to a database whose
	// licence you bring (its LicenseModel is bring-your-own-license, as with RDS
	// for Oracle), also for the duration of an operation. Larger instances and
	// further readers need more licences. It has no meaning for other databases.
	// The default is Forbid.
	// +optional
	// +kubebuilder:default=Forbid
	LicenseGrowth LicenseGrowth `json:"licenseGrowth,omitempty"`

	// emergencyDisruption says whether an emergency may interrupt the writer
	// outside spec.disruptionWindows. An emergency is when the writer has been
	// saturated for three minutes with a demand far above its vCPUs, or with a
	// demand that no metric shows. The default is Forbid.
	// +optional
	// +kubebuilder:default=Forbid
	EmergencyDisruption EmergencyDisruption `json:"emergencyDisruption,omitempty"`

	// ioLimits says whether a smaller class must also fit the I/O of the database.
	// With Check, a class is too small where the I/O of the last
	// spec.behavior.scaleDown.classWindowSeconds would use more than 70 % of what
	// its EBS bandwidth sustains, or, on Aurora, while less than 99 % of the reads
	// come from the buffer cache. While samples of the I/O are missing, or the
	// limits of the class are not known, no instance gets a smaller class. With
	// Ignore, only CPU, memory and connections count. The default is Check.
	// +optional
	// +kubebuilder:default=Check
	IOLimits IOLimits `json:"ioLimits,omitempty"`
}

// IOLimits says whether a smaller class must fit the I/O of the database.
//
// +kubebuilder:validation:Enum=Check;Ignore
type IOLimits string

// The values of IOLimits.
const (
	// IOLimitsCheck refuses classes that are too small for the I/O.
	IOLimitsCheck IOLimits = "Check"
	// IOLimitsIgnore does not look at the I/O.
	IOLimitsIgnore IOLimits = "Ignore"
)

// LicenseGrowth says whether the operator may add vCPUs to a database whose
// licence the customer brings.
//
// +kubebuilder:validation:Enum=Forbid;Allow
type LicenseGrowth string

// The values of LicenseGrowth.
const (
	// LicenseGrowthForbid adds no vCPUs to such a database.
	LicenseGrowthForbid LicenseGrowth = "Forbid"
	// LicenseGrowthAllow adds vCPUs: the customer holds enough licences.
	LicenseGrowthAllow LicenseGrowth = "Allow"
)

// EmergencyDisruption says whether an emergency may interrupt the writer
// outside the disruption windows.
//
// +kubebuilder:validation:Enum=Forbid;Allow
type EmergencyDisruption string

// The values of EmergencyDisruption.
const (
	// EmergencyDisruptionForbid respects the disruption windows.
	EmergencyDisruptionForbid EmergencyDisruption = "Forbid"
	// EmergencyDisruptionAllow ignores the disruption windows in an emergency.
	EmergencyDisruptionAllow EmergencyDisruption = "Allow"
)

// PredictionMode says whether a prediction is used.
//
// +kubebuilder:validation:Enum=Enabled;Disabled
type PredictionMode string

// The prediction modes.
const (
	// PredictionModeEnabled uses the prediction.
	PredictionModeEnabled PredictionMode = "Enabled"
	// PredictionModeDisabled ignores the prediction.
	PredictionModeDisabled PredictionMode = "Disabled"
)

// PredictiveScaling selects the predictions that may scale the database up
// before its utilization requires it.
//
// +kubebuilder:validation:MinProperties=1
type PredictiveScaling struct {
	// trend extrapolates the demand of the last half hour. The default is
	// Enabled.
	// +optional
	// +kubebuilder:default=Enabled
	Trend PredictionMode `json:"trend,omitempty"`

	// history uses the demand at the same time of earlier days and weeks. The
	// default is Enabled.
	// +optional
	// +kubebuilder:default=Enabled
	History PredictionMode `json:"history,omitempty"`
}

// AfterEngineUpgrade sets the watch period after an engine upgrade.
//
// +kubebuilder:validation:MinProperties=1
type AfterEngineUpgrade struct {
	// watchSeconds is the length of the watch period. The operator does not scale
	// down during it. 0 means no watch period. The default is 86400, a day.
	// +optional
	// +kubebuilder:default=86400
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=604800
	WatchSeconds *int32 `json:"watchSeconds,omitempty"`

	// scaleUpPercent replaces cpu.scaleUpPercent during the watch period where it
	// is lower, until the readers, or the writer, have scaled up once: then they
	// are sized for the new cost of the queries. The effective value is at least
	// cpu.targetPercent plus 1. The default is 60: with the default
	// cpu.targetPercent of 65, the effective value is 66.
	// +optional
	// +kubebuilder:default=60
	// +kubebuilder:validation:Minimum=15
	// +kubebuilder:validation:Maximum=90
	ScaleUpPercent int32 `json:"scaleUpPercent,omitempty"`
}

// PricedClass is a DB instance class as the RDS API writes it, db.serverless
// included.
//
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=48
// +kubebuilder:validation:XValidation:rule="self == 'db.serverless' || self.matches('^db\\\\.[a-z][a-z0-9]*\\\\.(micro|small|medium|large|xlarge|[1-9][0-9]{0,2}xlarge)(\\\\.tpc[0-9]+\\\\.mem[0-9]+x)?$')",message="must be an instance class such as db.r6g.xlarge"
type PricedClass string

// Price is the price of one instance of a class.
type Price struct {
	// instanceClass is the DB instance class. The price of db.serverless is that
	// of one Aurora capacity unit (ACU).
	// +required
	InstanceClass PricedClass `json:"instanceClass,omitempty"`

	// hourlyPriceUSD is the price per hour in US dollars, for example "0.52". It
	// includes the standby of a Multi-AZ instance.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=16
	// +kubebuilder:validation:XValidation:rule="self.matches('^[0-9]{1,9}([.][0-9]{1,6})?$')",message="must be an amount in US dollars such as 0.52"
	HourlyPriceUSD string `json:"hourlyPriceUSD,omitempty"`
}

// TrustParameterGroups says when parameters that are not known count as the
// defaults of the engine.
//
// +kubebuilder:validation:Enum=Never;WhenUnreadable
type TrustParameterGroups string

// The values of TrustParameterGroups.
const (
	// TrustParameterGroupsNever: no class with less memory is chosen while a
	// parameter group is not known.
	TrustParameterGroupsNever TrustParameterGroups = "Never"
	// TrustParameterGroupsWhenUnreadable: what is not known counts as the
	// default.
	TrustParameterGroupsWhenUnreadable TrustParameterGroups = "WhenUnreadable"
)
