package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// Schedule sets the minimum size of the database while a time window is open.
// The database starts to scale up when the window opens: open the window earlier
// than the load by the duration of a resize.
//
// +kubebuilder:validation:XValidation:rule="has(self.schedule) != has(self.startTime)",message="exactly one of schedule (recurring window) and startTime (single window) is required"
// +kubebuilder:validation:XValidation:rule="has(self.readers) || has(self.writer)",message="at least one of readers and writer is required"
type Schedule struct {
	// name identifies the schedule within the policy and in messages.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')",message="must consist of lower-case letters, digits and hyphens, and start and end with a letter or digit"
	Name string `json:"name,omitempty"`

	// schedule is a cron expression of five fields (minute, hour, day of month,
	// month, day of week) that says when the window opens.
	// +optional
	// +kubebuilder:validation:MinLength=9
	// +kubebuilder:validation:MaxLength=128
	// +kubebuilder:validation:XValidation:rule="self.matches('^[^ ]+( [^ ]+){4}$')",message="schedule must have five fields separated by single spaces: minute, hour, day of month, month, day of week"
	Schedule string `json:"schedule,omitempty"`

	// startTime is when the window opens, for a single window.
	// +optional
	StartTime *metav1.Time `json:"startTime,omitempty"`

	// durationSeconds is how long the window stays open.
	// +required
	// +kubebuilder:validation:Minimum=60
	// +kubebuilder:validation:Maximum=604800
	DurationSeconds int32 `json:"durationSeconds,omitempty"`

	// timeZone is the IANA time zone of schedule, for example Europe/Amsterdam.
	// Absent means UTC.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	TimeZone string `json:"timeZone,omitempty"`

	// readers is the minimum size of the reader pool.
	// +optional
	Readers *ReadersMinimum `json:"readers,omitempty"`

	// writer is the minimum size of the writer.
	// +optional
	Writer *WriterMinimum `json:"writer,omitempty"`
}

// ReadersMinimum is the minimum size of the reader pool.
//
// +kubebuilder:validation:MinProperties=1
type ReadersMinimum struct {
	// minReplicas is the minimum number of readers.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=15
	MinReplicas int32 `json:"minReplicas,omitempty"`

	// minInstanceClass is the smallest allowed class of the readers.
	// +optional
	MinInstanceClass InstanceClass `json:"minInstanceClass,omitempty"`
}

// WriterMinimum is the minimum size of the writer.
type WriterMinimum struct {
	// minInstanceClass is the smallest allowed class of the writer.
	// +required
	MinInstanceClass InstanceClass `json:"minInstanceClass,omitempty"`
}

// DisruptionWindow is a recurring or a single time window.
//
// +kubebuilder:validation:XValidation:rule="has(self.schedule) != has(self.startTime)",message="exactly one of schedule (recurring window) and startTime (single window) is required"
type DisruptionWindow struct {
	// schedule is a cron expression of five fields (minute, hour, day of month,
	// month, day of week) that says when the window opens, for example "0 2 * *
	// *".
	// +optional
	// +kubebuilder:validation:MinLength=9
	// +kubebuilder:validation:MaxLength=128
	// +kubebuilder:validation:XValidation:rule="self.matches('^[^ ]+( [^ ]+){4}$')",message="schedule must have five fields separated by single spaces: minute, hour, day of month, month, day of week"
	Schedule string `json:"schedule,omitempty"`

	// startTime is when the window opens, for a single window.
	// +optional
	StartTime *metav1.Time `json:"startTime,omitempty"`

	// durationSeconds is how long the window stays open.
	// +required
	// +kubebuilder:validation:Minimum=60
	// +kubebuilder:validation:Maximum=604800
	DurationSeconds int32 `json:"durationSeconds,omitempty"`

	// timeZone is the IANA time zone of schedule, for example Europe/Amsterdam.
	// Absent means UTC.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	TimeZone string `json:"timeZone,omitempty"`
}
