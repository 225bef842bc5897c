package dashboard

import (
	"context"

	"k8s.io/apimachinery/pkg/types"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/view"
)

// Source reads what the dashboard shows, with the rights of the user. Its methods may be called at the same time.
type Source interface {
	// List reads the policies. The error says in a sentence what the user may not do, or what failed.
	List(ctx context.Context) (Listing, error)
	// Events reads the events about a policy, or says why they are not known.
	Events(ctx context.Context, policy *v1alpha1.DBScalingPolicy) ([]view.Event, string)
}

// Listing is the policies that the user may see.
type Listing struct {
	Policies []v1alpha1.DBScalingPolicy
	// Scope says which policies were asked for, such as "all namespaces".
	Scope string
	// Notices say what the user may not see, and why.
	Notices []string
}

// Measurement is a database as it was read from AWS, or why it was not.
type Measurement struct {
	Observation *scaling.Observation
	Error       string
}

// Measure reads the databases of policies from AWS. It is called by one goroutine at a time.
type Measure func(ctx context.Context, policies []v1alpha1.DBScalingPolicy) map[types.NamespacedName]Measurement
