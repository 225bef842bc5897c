package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// Schedule is the least that the database may be while a window is open. The
// database begins to grow when the window opens: let it open as long before
// the load as a resize takes.
//
// +kubebuilder:validation:XValidation:rule="has(self.schedule) != has(self.startTime)",message="name either schedule, for a recurring window, or startTime, for a single one"
// +kubebuilder:validation:XValidation:rule="has(self.readers) || has(self.writer)",message="say what the least is: readers, writer or both"
type Schedule struct {
	// name tells schedules apart, in messages as well.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')",message="a name is lower-case letters, digits and hyphens"
	Name string `json:"name,omitempty"`

	// schedule is a cron expression of five fields (minute, hour, day of month,
	// month, day of week) that says when the window opens.
	// +optional
	// +kubebuilder:validation:MinLength=9
	// +kubebuilder:validation:MaxLength=128
	// +kubebuilder:validation:XValidation:rule="self.matches('^[^ ]+( [^ ]+){4}$')",message="schedule must have five fields separated by single spaces: minute, hour, day of month, month, day of week"
	Schedule string `json:"schedule,omitempty"`

	// startTime is when a single window opens.
	// +optional
	StartTime *metav1.Time `json:"startTime,omitempty"`

	// durationSeconds is how long the window stays open.
	// +required
	// +kubebuilder:validation:Minimum=60
	// +kubebuilder:validation:Maximum=604800
	DurationSeconds int32 `json:"durationSeconds,omitempty"`

	// timeZone is the IANA time zone that schedule is read in, for example
	// Europe/Amsterdam. The default is UTC.
	// +optional
	// +kubebuilder:default=UTC
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	TimeZone string `json:"timeZone,omitempty"`

	// readers is the least that the readers may be.
	// +optional
	Readers *ReadersMinimum `json:"readers,omitempty"`

	// writer is the least that the writer may be.
	// +optional
	Writer *WriterMinimum `json:"writer,omitempty"`
}

// ReadersMinimum is the least that the readers may be.
//
// +kubebuilder:validation:MinProperties=1
type ReadersMinimum struct {
	// minReplicas is the least number of readers.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=15
	MinReplicas int32 `json:"minReplicas,omitempty"`

	// minInstanceClass is the smallest class that they may have.
	// +optional
	MinInstanceClass InstanceClass `json:"minInstanceClass,omitempty"`
}

// WriterMinimum is the least that the writer may be.
type WriterMinimum struct {
	// minInstanceClass is the smallest class that it may have.
	// +required
	MinInstanceClass InstanceClass `json:"minInstanceClass,omitempty"`
}

// DisruptionWindow is a stretch of time: a recurring one, or a single one.
//
// +kubebuilder:validation:XValidation:rule="has(self.schedule) != has(self.startTime)",message="name either schedule, for a recurring window, or startTime, for a single one"
type DisruptionWindow struct {
	// schedule is a cron expression of five fields (minute, hour, day of month,
	// month, day of week) that says when the window opens, for example "0 2 * *
	// *".
	// +optional
	// +kubebuilder:validation:MinLength=9
	// +kubebuilder:validation:MaxLength=128
	// +kubebuilder:validation:XValidation:rule="self.matches('^[^ ]+( [^ ]+){4}$')",message="schedule must have five fields separated by single spaces: minute, hour, day of month, month, day of week"
	Schedule string `json:"schedule,omitempty"`

	// startTime is when a single window opens.
	// +optional
	StartTime *metav1.Time `json:"startTime,omitempty"`

	// durationSeconds is how long the window stays open.
	// +required
	// +kubebuilder:validation:Minimum=60
	// +kubebuilder:validation:Maximum=604800
	DurationSeconds int32 `json:"durationSeconds,omitempty"`

	// timeZone is the IANA time zone that schedule is read in, for example
	// Europe/Amsterdam. The default is UTC.
	// +optional
	// +kubebuilder:default=UTC
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	TimeZone string `json:"timeZone,omitempty"`
}
