package rdssim

import (
	"net/http"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"

	"github.com/dbscaler/dbscaler/internal/rdssim/model"
)

func TestDescribeScalableTargets(t *testing.T) {
	c := newTestServer(t)
	client := applicationautoscaling.NewFromConfig(c.Config)
	list := func(edits ...func(*applicationautoscaling.DescribeScalableTargetsInput)) []types.ScalableTarget {
		t.Helper()
		in := &applicationautoscaling.DescribeScalableTargetsInput{
			ServiceNamespace: types.ServiceNamespaceRds, ScalableDimension: types.ScalableDimensionRDSClusterReadReplicaCount,
			MaxResults: aws.Int32(1),
		}
		for _, edit := range edits {
			edit(in)
		}
		var out []types.ScalableTarget
		for pages := applicationautoscaling.NewDescribeScalableTargetsPaginator(client, in); pages.HasMorePages(); {
			page, err := pages.NextPage(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if len(page.ScalableTargets) > 1 {
				t.Errorf("got %d targets in a page of 1", len(page.ScalableTargets))
			}
			out = append(out, page.ScalableTargets...)
		}
		return out
	}
	if got := list(); len(got) != 0 {
		t.Errorf("without registrations: got %+v", got)
	}
	c.callAdmin(t, http.MethodPost, "/_sim/scalable-targets",
		`{"region": "eu-west-1", "cluster": "orders", "minCapacity": 1, "maxCapacity": 5}`, http.StatusNoContent)
	c.WithWorld(func(w *model.World) {
		if err := w.RegisterScalableTarget("eu-west-1", "alone", model.AutoScaling{MaxCapacity: 2}); err != nil {
			t.Error(err)
		}
	})
	got := list()
	if len(got) != 2 || *got[0].ResourceId != "cluster:alone" || *got[1].ResourceId != "cluster:orders" ||
		*got[1].MinCapacity != 1 || *got[1].MaxCapacity != 5 || !got[1].CreationTime.Equal(c.clock.Now()) {
		t.Errorf("got targets %+v, want alone and orders", got)
	}
	filtered := list(func(in *applicationautoscaling.DescribeScalableTargetsInput) {
		in.ResourceIds = []string{"cluster:orders"}
	})
	if len(filtered) != 1 || *filtered[0].ResourceId != "cluster:orders" {
		t.Errorf("got targets %+v, want only orders", filtered)
	}
	c.callAdmin(t, http.MethodDelete, "/_sim/scalable-targets?region=eu-west-1&cluster=alone", "", http.StatusNoContent)
	if got := list(); len(got) != 1 {
		t.Errorf("after a deregistration: got %+v, want one target", got)
	}
	for _, invalid := range []string{
		`{"region": "eu-west-1", "cluster": "nobody", "maxCapacity": 5}`,
		`{"region": "eu-west-1", "cluster": "orders", "minCapacity": 6, "maxCapacity": 5}`,
		`{"region": "eu-west-1", "cluster": "orders", "maxCapacity": 16}`,
	} {
		c.callAdmin(t, http.MethodPost, "/_sim/scalable-targets", invalid, http.StatusBadRequest)
	}
}

func TestDescribeScalableTargets_RefusesInvalidRequest(t *testing.T) {
	c := newTestServer(t)
	client := applicationautoscaling.NewFromConfig(c.Config)
	for name, test := range map[string]struct {
		edit func(*applicationautoscaling.DescribeScalableTargetsInput)
		want string
	}{
		"unsupported service": {func(in *applicationautoscaling.DescribeScalableTargetsInput) {
			in.ServiceNamespace = types.ServiceNamespaceEcs
		}, "ValidationException"},
		"unsupported dimension": {func(in *applicationautoscaling.DescribeScalableTargetsInput) {
			in.ScalableDimension = types.ScalableDimensionECSServiceDesiredCount
		}, "ValidationException"},
		"page too large": {func(in *applicationautoscaling.DescribeScalableTargetsInput) {
			in.MaxResults = aws.Int32(51)
		}, "ValidationException"},
		"invalid token": {func(in *applicationautoscaling.DescribeScalableTargetsInput) {
			in.NextToken = aws.String("x")
		}, "InvalidNextTokenException"},
	} {
		in := &applicationautoscaling.DescribeScalableTargetsInput{ServiceNamespace: types.ServiceNamespaceRds}
		test.edit(in)
		if _, err := client.DescribeScalableTargets(t.Context(), in); errorCode(err) != test.want {
			t.Errorf("%s: got %v, want %s", name, err, test.want)
		}
	}
	_, err := client.DescribeScalingPolicies(t.Context(), &applicationautoscaling.DescribeScalingPoliciesInput{
		ServiceNamespace: types.ServiceNamespaceRds,
	})
	if errorCode(err) != "UnknownOperationException" {
		t.Errorf("unsupported operation: got %v", err)
	}
	c.setPolicy(t, readOnlyPolicy)
	_, err = client.DescribeScalableTargets(t.Context(), &applicationautoscaling.DescribeScalableTargetsInput{
		ServiceNamespace: types.ServiceNamespaceRds,
	})
	if errorCode(err) != "AccessDeniedException" {
		t.Errorf("without permission: got %v", err)
	}
}
