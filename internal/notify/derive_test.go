package notify

import (
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
)

var now = time.Date(2026, 2, 5, 10, 0, 0, 0, time.UTC)

func shape(class string, count int32) v1alpha1.Shape {
	return v1alpha1.Shape{InstanceClass: class, Replicas: ptr.To(count)}
}

// story is a policy whose status changes step by step, as the reconciler writes it.
type story struct {
	t       *testing.T
	now     time.Time
	status  v1alpha1.DBScalingPolicyStatus
	pools   []Pool
	settled map[string]bool
	// reported are the ids of all notifications, in order.
	reported []string
}

func newStory(t *testing.T) *story {
	t.Helper()
	return &story{t: t, now: now, settled: map[string]bool{}, pools: []Pool{{Pool: v1alpha1.PoolReaders, Shape: shape("db.r6g.large", 2), UsedPercent: 50, Known: true}}}
}

// step changes the status after a time, and returns the notifications that are new.
func (s *story) step(wait time.Duration, change func(*v1alpha1.DBScalingPolicyStatus)) []v1alpha1.PendingNotification {
	s.t.Helper()
	s.now = s.now.Add(wait)
	after := s.status.DeepCopy()
	if change != nil {
		change(after)
	}
	derive := func() (*v1alpha1.NotificationStatus, int) {
		return Derive(Transition{
			Before: &s.status, After: after, Pools: s.pools, From: ptr.To(shape("db.r6g.large", 2)), Now: s.now,
			HourlyCost: func(_ v1alpha1.Pool, shape v1alpha1.Shape) string {
				return map[string]string{"db.r6g.large": "0.52", "db.r6g.xlarge": "1.04"}[shape.InstanceClass]
			},
			IsSettled: func(id string) bool { return s.settled[id] },
		})
	}
	next, _ := derive()
	after.Notifications = next
	if again, _ := derive(); pendingIDs(again) != pendingIDs(next) {
		s.t.Errorf("deriving the same transition twice gives %s, and at first %s", pendingIDs(again), pendingIDs(next))
	}
	var added []v1alpha1.PendingNotification
	if next != nil {
		for _, n := range next.Pending {
			if !slices.Contains(s.reported, n.ID) {
				s.reported = append(s.reported, n.ID)
				added = append(added, n)
			}
		}
	}
	s.status = *after
	return added
}

func pendingIDs(status *v1alpha1.NotificationStatus) string {
	if status == nil {
		return ""
	}
	var ids []string
	for _, n := range status.Pending {
		ids = append(ids, n.ID)
	}
	return strings.Join(ids, " ")
}

// expect reports an error unless exactly these notifications were added.
func (s *story) expect(added []v1alpha1.PendingNotification, ids ...string) {
	s.t.Helper()
	var got []string
	for _, n := range added {
		got = append(got, n.ID)
	}
	if !slices.Equal(got, ids) {
		s.t.Errorf("at %s the notifications %v are added, want %v", s.now.Format("15:04"), got, ids)
	}
}

func limitedBy(reason string, decision v1alpha1.DecisionStatus) func(*v1alpha1.DBScalingPolicyStatus) {
	return func(status *v1alpha1.DBScalingPolicyStatus) {
		status.Decision = &decision
		condition := metav1.Condition{Type: v1alpha1.ConditionScalingLimited, Status: metav1.ConditionTrue, Reason: reason, Message: "why " + reason}
		if reason == "" {
			condition.Status, condition.Reason = metav1.ConditionFalse, v1alpha1.ReasonNotLimited
		}
		status.Conditions = []metav1.Condition{condition}
	}
}

func scaleUp(hash, blocker string) v1alpha1.DecisionStatus {
	d := v1alpha1.DecisionStatus{
		Reason: "ScaleUp", Pool: v1alpha1.PoolReaders, Desired: ptr.To(shape("db.r6g.xlarge", 2)), Hash: hash, Message: "too small", Cause: "80 % CPU",
	}
	if blocker != "" {
		d.BlockedBy = []string{blocker}
	}
	return d
}

func TestDerive_Operation(t *testing.T) {
	s := newStory(t)
	op := v1alpha1.OperationStatus{
		ID: "11112222", Pool: v1alpha1.PoolReaders, Direction: v1alpha1.DirectionUp, From: shape("db.r6g.large", 2), To: shape("db.r6g.xlarge", 2),
		DecisionHash: "aaaabbbb", Cause: "80 % CPU", UtilizationPercent: ptr.To[int32](80), Steps: []v1alpha1.OperationStep{{Action: "ModifyInstanceClass", Instance: "a"}},
	}
	s.expect(s.step(0, func(status *v1alpha1.DBScalingPolicyStatus) { status.Operation = op.DeepCopy() })) // it waits for a slot
	added := s.step(time.Minute, func(status *v1alpha1.DBScalingPolicyStatus) { status.Operation.Steps[0].Attempts = 1 })
	s.expect(added, "aaaabbbb-11112222-started")
	if n := added[0]; n.Type != v1alpha1.NotificationOperationStarted || n.Operation != op.ID || n.Hash != op.DecisionHash || n.To.InstanceClass != "db.r6g.xlarge" ||
		n.FromHourlyCostUSD != "0.52" || n.ToHourlyCostUSD != "1.04" || !n.Time.Time.Equal(s.now) || n.Direction != v1alpha1.DirectionUp {
		t.Errorf("got %+v", n)
	}
	s.settled["aaaabbbb-11112222-started"] = true
	s.expect(s.step(time.Minute, func(status *v1alpha1.DBScalingPolicyStatus) { status.Operation.Steps[0].Attempts = 0 })) // another zone is tried
	s.expect(s.step(time.Minute, func(status *v1alpha1.DBScalingPolicyStatus) { status.Operation.Steps[0].Attempts = 1 }))
	if s.status.Notifications == nil || len(s.status.Notifications.Pending) > 0 {
		t.Errorf("status is %+v, want nothing pending", s.status.Notifications)
	}
	complete := func(outcome v1alpha1.Outcome) func(*v1alpha1.DBScalingPolicyStatus) {
		return func(status *v1alpha1.DBScalingPolicyStatus) {
			status.Operation = nil
			record := v1alpha1.OperationRecord{ID: op.ID, DecisionHash: op.DecisionHash, Outcome: outcome, Pool: op.Pool, From: op.From, To: op.To,
				StartTime: metav1.NewTime(s.now), Message: "why"}
			if outcome == v1alpha1.OutcomeFailed {
				record.ID, record.Reason = "33334444", "StepFailed"
			}
			status.History = append([]v1alpha1.OperationRecord{record}, status.History...)
		}
	}
	s.expect(s.step(time.Hour, complete(v1alpha1.OutcomeSucceeded)), "aaaabbbb-11112222-succeeded")
	added = s.step(time.Hour, complete(v1alpha1.OutcomeFailed)) // the same change failed: its hash is the same, and its id is not
	s.expect(added, "aaaabbbb-33334444-failed")
	if n := added[0]; n.Reason != "StepFailed" || n.Type != v1alpha1.NotificationOperationFailed {
		t.Errorf("got %+v", n)
	}
	s.expect(s.step(time.Minute, func(status *v1alpha1.DBScalingPolicyStatus) { status.History = status.History[:1] })) // old records are forgotten
}

func TestDerive_ApprovalOncePerHash(t *testing.T) {
	s := newStory(t)
	wanted := func(hash string) func(*v1alpha1.DBScalingPolicyStatus) {
		return limitedBy(approvalRequired, scaleUp(hash, approvalRequired))
	}
	added := s.step(0, wanted("aaaa0000"))
	s.expect(added, "aaaa0000-1770285600-approval-wanted")
	if n := added[0]; n.Type != v1alpha1.NotificationApprovalWanted || n.Hash != "aaaa0000" || n.From == nil || n.To == nil || n.Reason != "ScaleUp" {
		t.Errorf("got %+v", n)
	}
	s.settled[added[0].ID] = true
	s.expect(s.step(time.Hour, wanted("aaaa0000")))
	s.expect(s.step(time.Minute, limitedBy("", v1alpha1.DecisionStatus{Reason: "WithinThresholds"}))) // the load falls for a minute
	s.expect(s.step(time.Minute, wanted("aaaa0000")))
	s.expect(s.step(time.Minute, wanted("bbbb0000")), "bbbb0000-1770289380-approval-wanted")
	s.expect(s.step(time.Minute, wanted("aaaa0000"))) // it alternates between two shapes
	for n := range 20 {
		s.step(time.Minute, wanted("cccc000"+string(rune('a'+n))))
	}
	if n := len(s.status.Notifications.Approvals); n != 8 {
		t.Errorf("%d approvals are remembered, want 8", n)
	}
}

func TestDerive_BlockedAfterSomeTimeAndOnce(t *testing.T) {
	s := newStory(t)
	window := limitedBy("DisruptionWindow", scaleUp("aaaa0000", "DisruptionWindow"))
	since := s.now
	s.expect(s.step(0, window))
	s.expect(s.step(BlockedAfter-time.Minute, window))
	s.pools = nil // AWS cannot be read, so that no limit is known
	s.expect(s.step(0, limitedBy("", v1alpha1.DecisionStatus{Reason: "AWSUnavailable"})))
	s.pools = newStory(t).pools
	added := s.step(time.Minute, limitedBy("DisruptionWindow", scaleUp("bbbb0000", "DisruptionWindow"))) // another shape, the same guard
	s.expect(added, "bbbb0000-1770285600-change-blocked")
	if n := added[0]; n.Reason != "DisruptionWindow" || n.Message != "why DisruptionWindow" || n.UtilizationPercent == nil || *n.UtilizationPercent != 50 || !s.now.Equal(since.Add(BlockedAfter)) {
		t.Errorf("got %+v", n)
	}
	s.settled[added[0].ID] = true
	for range 100 {
		s.expect(s.step(time.Minute, window))
	}
	s.expect(s.step(time.Minute, limitedBy("", v1alpha1.DecisionStatus{Reason: "WithinThresholds"})))
	s.expect(s.step(time.Minute, window)) // a new episode
	s.expect(s.step(BlockedAfter, window), "aaaa0000-1770292620-change-blocked")
	s.expect(s.step(time.Minute, limitedBy("Budget", scaleUp("aaaa0000", "Budget")))) // another guard counts anew
	s.expect(s.step(BlockedAfter-time.Second, limitedBy("Budget", scaleUp("aaaa0000", "Budget"))))
	s.expect(s.step(time.Minute, limitedBy("AtMaximum", v1alpha1.DecisionStatus{Reason: "AtMaximum"})))
	s.expect(s.step(BlockedAfter, limitedBy("AtMaximum", v1alpha1.DecisionStatus{Reason: "AtMaximum"})), "AtMaximum-1770294539-change-blocked")
}

func TestDerive_OrdinaryWaitsAreNotReported(t *testing.T) {
	down := scaleUp("aaaa0000", "Cooldown")
	down.Reason = "ScaleDown"
	for name, change := range map[string]func(*v1alpha1.DBScalingPolicyStatus){
		"mode Recommend":           limitedBy("RecommendMode", scaleUp("aaaa0000", "RecommendMode")),
		"waits for an approval":    limitedBy(approvalRequired, scaleUp("", approvalRequired)),
		"scale-down":               limitedBy("Cooldown", down),
		"watch after an upgrade":   limitedBy("UpgradeWatch", v1alpha1.DecisionStatus{Reason: "UpgradeWatch"}),
		"nothing is to be changed": limitedBy("", v1alpha1.DecisionStatus{Reason: "WithinThresholds"}),
	} {
		s := newStory(t)
		s.step(0, change)
		if added := s.step(24*time.Hour, change); len(added) > 0 || s.status.Notifications != nil {
			t.Errorf("%s: %+v is reported, status is %+v", name, added, s.status.Notifications)
		}
	}
}

func TestDerive_OverloadOncePerEpisode(t *testing.T) {
	s := newStory(t)
	load := func(percent float64) func(*v1alpha1.DBScalingPolicyStatus) {
		return func(status *v1alpha1.DBScalingPolicyStatus) {
			s.pools[0].UsedPercent, s.pools[0].Known = percent, percent >= 0
			status.Decision = ptr.To(scaleUp("aaaa0000", "Cooldown"))
		}
	}
	s.expect(s.step(0, load(94)))
	added := s.step(time.Minute, load(130))
	s.expect(added, "aaaa0000-1770285660-overload-seen-Readers")
	if n := added[0]; *n.UtilizationPercent != 130 || n.From.InstanceClass != "db.r6g.large" || n.Pool != v1alpha1.PoolReaders {
		t.Errorf("got %+v", n)
	}
	for _, percent := range []float64{94, 96, 85, 99, 81, -1, 100} { // -1: samples are missing
		s.expect(s.step(time.Minute, load(percent)))
	}
	s.expect(s.step(time.Minute, load(79)))
	s.expect(s.step(time.Minute, load(95)), "aaaa0000-1770286200-overload-seen-Readers")
}

func TestDerive_OwnershipConflict(t *testing.T) {
	s := newStory(t)
	s.status.History = []v1alpha1.OperationRecord{{ID: "11112222", DecisionHash: "aaaa0000"}}
	conflict := func(at time.Time) func(*v1alpha1.DBScalingPolicyStatus) {
		return func(status *v1alpha1.DBScalingPolicyStatus) {
			status.Ownership = &v1alpha1.OwnershipStatus{
				Conflict: &v1alpha1.OwnershipConflict{Time: metav1.NewTime(at)}, Reverts: []v1alpha1.Revert{{Operation: "11112222", Pool: v1alpha1.PoolReaders}},
			}
			status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionOwnershipConflict, Status: metav1.ConditionTrue, Message: "Terraform reverts"}}
		}
	}
	added := s.step(0, conflict(now))
	s.expect(added, "aaaa0000-1770285600-ownership-conflict")
	if n := added[0]; n.Message != "Terraform reverts" || n.Pool != v1alpha1.PoolReaders {
		t.Errorf("got %+v", n)
	}
	s.expect(s.step(time.Hour, conflict(now)))
	s.expect(s.step(time.Hour, func(status *v1alpha1.DBScalingPolicyStatus) { status.Ownership = nil }))
	s.expect(s.step(time.Hour, conflict(s.now)), "aaaa0000-1770292800-ownership-conflict")
}

// TestDerive_BoundedStatus: while a receiver is unreachable, the newest notifications are kept, and the others are counted.
func TestDerive_BoundedStatus(t *testing.T) {
	after := &v1alpha1.DBScalingPolicyStatus{}
	for n := range MaxPending + 3 {
		id := string(rune('a' + n))
		after.History = append([]v1alpha1.OperationRecord{{ID: id, Outcome: v1alpha1.OutcomeFailed}}, after.History...)
	}
	next, dropped := Derive(Transition{
		Before: &v1alpha1.DBScalingPolicyStatus{}, After: after, Now: now, IsSettled: func(string) bool { return false },
		HourlyCost: func(v1alpha1.Pool, v1alpha1.Shape) string { return "" },
	})
	if len(next.Pending) != MaxPending || dropped != 3 || next.Pending[0].ID != "d-failed" {
		t.Errorf("%d are pending from %s on, and %d dropped, want %d from d-failed on, and 3", len(next.Pending), next.Pending[0].ID, dropped, MaxPending)
	}
}

// TestDerive_LongMessage: a message that the API refuses would keep the whole status from being written.
func TestDerive_LongMessage(t *testing.T) {
	s := newStory(t)
	long := scaleUp("aaaa0000", "Budget")
	change := func(status *v1alpha1.DBScalingPolicyStatus) {
		limitedBy("Budget", long)(status)
		status.Conditions[0].Message = strings.Repeat("→", 3000)
	}
	s.step(0, change)
	added := s.step(BlockedAfter, change)
	if len(added) != 1 || len(added[0].Message) > 2048 || len(added[0].Message) < 2040 || !utf8.ValidString(added[0].Message) {
		t.Errorf("got %+v", added)
	}
}

func TestWithdraw(t *testing.T) {
	status := &v1alpha1.NotificationStatus{
		Operation: "1", Approvals: []string{"a"}, OverloadedPools: []v1alpha1.Pool{"Readers"}, Blocked: &v1alpha1.BlockedChange{Reason: "Budget"},
		Pending: []v1alpha1.PendingNotification{{ID: "x", Operation: "1"}, {ID: "y"}},
	}
	got := Withdraw(status)
	if pendingIDs(got) != "x" || got.Approvals != nil || got.OverloadedPools != nil || got.Blocked != nil || got.Operation != "1" {
		t.Errorf("got %+v", got)
	}
	if Withdraw(nil) != nil {
		t.Error("nothing became something")
	}
}
