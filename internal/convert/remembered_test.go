package convert

import (
	"slices"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
)

func TestAppendHistory(t *testing.T) {
	record := func(id string, ago time.Duration) v1alpha1.OperationRecord {
		return v1alpha1.OperationRecord{
			ID: id, Pool: v1alpha1.PoolReaders, Direction: v1alpha1.DirectionUp, CompletionTime: metav1.NewTime(now.Add(-ago)),
			Instances: []v1alpha1.ChangedInstance{{Identifier: "orders-2"}},
		}
	}
	history := []v1alpha1.OperationRecord{record("b", time.Hour), record("c", 25*time.Hour), record("d", 26*time.Hour)}
	got := AppendHistory(history, record("a", 0), now)
	if len(got) != 3 || got[0].ID != "a" || got[1].ID != "b" || got[2].ID != "c" {
		t.Fatalf("history is %+v, want a, b and c", got)
	}
	if len(got[1].Instances) != 1 || got[2].Instances != nil {
		t.Errorf("instances of b are %v and of c %v; want those of c dropped after a day", got[1].Instances, got[2].Instances)
	}
	if history[0].ID != "b" || len(history[1].Instances) != 1 {
		t.Error("the caller's history was changed")
	}
}

func TestAccessDenial(t *testing.T) {
	record := func(reason string, ago time.Duration) v1alpha1.OperationRecord {
		return v1alpha1.OperationRecord{Reason: reason, Message: "denied", CompletionTime: metav1.NewTime(now.Add(-ago))}
	}
	denied := record(v1alpha1.ReasonAccessDenied, time.Minute)
	for _, test := range []struct {
		name    string
		history []v1alpha1.OperationRecord
		want    string
	}{
		{"no operation", nil, ""},
		{"newest operation denied", []v1alpha1.OperationRecord{denied}, "denied"},
		{"denied too long ago", []v1alpha1.OperationRecord{record(v1alpha1.ReasonAccessDenied, 2*time.Hour)}, ""},
		{"denied before a newer operation", []v1alpha1.OperationRecord{record("", 0), denied}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := AccessDenial(test.history, now); got != test.want {
				t.Errorf("access denial is %q, want %q", got, test.want)
			}
		})
	}
}

func TestCapacityShortagesStatus(t *testing.T) {
	in := []v1alpha1.CapacityShortage{
		{InstanceClass: "db.r6g.large", AvailabilityZone: "eu-west-1a", ExpiryTime: metav1.NewTime(now)},
		{InstanceClass: "db.r6g.large", ExpiryTime: metav1.NewTime(now)},
	}
	if got := CapacityShortagesStatus(CapacityShortages(in)); !slices.Equal(got, in) {
		t.Errorf("shortages are %v after a round trip, want %v", got, in)
	}
}
