package convert

import (
	"reflect"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/guard"
)

func TestFleet(t *testing.T) {
	policy := func(name string, status v1alpha1.DBScalingPolicyStatus) v1alpha1.DBScalingPolicy {
		return v1alpha1.DBScalingPolicy{
			ObjectMeta: metav1.ObjectMeta{Namespace: "platform", Name: name, UID: types.UID(name)}, Status: status,
		}
	}
	operating := func(action scaling.Action) v1alpha1.DBScalingPolicyStatus {
		return v1alpha1.DBScalingPolicyStatus{
			Operation: OperationStatus(scaling.Operation{Steps: []scaling.Step{{Action: action}}}),
		}
	}
	blockedBy := func(guardName string, emergency bool) v1alpha1.DBScalingPolicyStatus {
		d := Decision{BlockedBy: []string{guardName}, Emergency: emergency}
		return v1alpha1.DBScalingPolicyStatus{Decision: DecisionStatus(d, nil, now)}
	}
	resizing := operating(scaling.ModifyInstanceClass)
	resizing.Decision = blockedBy(guard.FleetSlot, false).Decision // of the time before it had a slot
	got := Fleet(2, "own", []v1alpha1.DBScalingPolicy{
		policy("own", blockedBy(guard.FleetSlot, false)), policy("resizing", resizing), policy("failing-over", operating(scaling.Failover)),
		policy("adding-reader", operating(scaling.CreateReader)), policy("waiting", blockedBy(guard.FleetSlot, true)),
		policy("paused", blockedBy("Paused", true)), policy("new", v1alpha1.DBScalingPolicyStatus{}),
	})
	want := scaling.Fleet{
		Slots: 2, Holders: []string{"platform/failing-over", "platform/resizing"}, WaitingSince: now,
		Waiting: []scaling.WaitingPolicy{{Policy: "platform/waiting", Emergency: true, WaitingSince: now}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("fleet is %+v, want %+v", got, want)
	}
	if got := Fleet(2, "own", []v1alpha1.DBScalingPolicy{policy("own", resizing)}); !reflect.DeepEqual(got, scaling.Fleet{Slots: 2}) {
		t.Errorf("fleet is %+v, want the policy's own operation left out", got)
	}
}

func TestPolicyIdentity(t *testing.T) {
	p := v1alpha1.DBScalingPolicy{
		ObjectMeta: metav1.ObjectMeta{Namespace: "platform", Name: "orders", UID: "1", CreationTimestamp: metav1.NewTime(now)},
		Spec: v1alpha1.DBScalingPolicySpec{
			TargetRef: v1alpha1.TargetRef{Kind: "DBCluster", Identifier: "orders", Region: "eu-west-1"},
		},
	}
	want := scaling.PolicyIdentity{
		UID: "1", Name: "platform/orders", CreatedAt: now,
		Target: scaling.Target{Kind: scaling.DBCluster, Identifier: "orders", Scope: scaling.Scope{Region: "eu-west-1"}},
	}
	if got := PolicyIdentity(&p); got != want {
		t.Errorf("identity is %+v, want %+v", got, want)
	}
	p.Status.Target, p.DeletionTimestamp = &v1alpha1.TargetStatus{ARN: "arn:orders"}, &metav1.Time{Time: now.Add(time.Hour)}
	want.TargetARN, want.Deleting = "arn:orders", true
	if got := PolicyIdentities([]v1alpha1.DBScalingPolicy{p}); len(got) != 1 || got[0] != want {
		t.Errorf("identities are %+v, want %+v", got, want)
	}
}
