package app

import (
	"context"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/dashboard"
	"github.com/dbscaler/dbscaler/internal/view"
)

// dashboardSource reads policies for the dashboard, with the rights of the user.
type dashboardSource struct {
	*policyReader
	selected selection
}

var _ dashboard.Source = &dashboardSource{}

// List implements dashboard.Source. A user who may not list the policies of all namespaces sees those of the current one.
func (s *dashboardSource) List(ctx context.Context) (dashboard.Listing, error) {
	out, err := s.listSelected(ctx, s.selected)
	if err == nil || !s.selected.allNamespaces || !apierrors.IsForbidden(err) {
		return out, s.describe(ctx, err, s.selected)
	}
	own := s.selected
	own.allNamespaces = false
	denied := s.describe(ctx, err, s.selected)
	if out, err = s.listSelected(ctx, own); err != nil {
		return out, denied
	}
	out.Notices = append(out.Notices, "Only the policies of the namespace "+s.namespace+" are shown: "+denied.Error())
	return out, nil
}

func (s *dashboardSource) describe(ctx context.Context, err error, selected selection) error {
	if err == nil {
		return nil
	}
	return s.describeError(ctx, err, "list", selected)
}

// listSelected lists the policies of a selection, with the error of the API server.
func (s *dashboardSource) listSelected(ctx context.Context, selected selection) (dashboard.Listing, error) {
	options, err := s.listOptions(selected)
	if err != nil {
		return dashboard.Listing{}, err
	}
	out := dashboard.Listing{Scope: "namespace " + s.namespace}
	if selected.allNamespaces {
		out.Scope = "all namespaces"
	}
	if selected.labels != "" {
		out.Scope += ", labels " + selected.labels
	}
	out.Policies, _, err = s.listPages(ctx, options)
	return out, err
}

// Events implements dashboard.Source.
func (s *dashboardSource) Events(ctx context.Context, policy *v1alpha1.DBScalingPolicy) ([]view.Event, string) {
	return s.readEvents(ctx, policy)
}
