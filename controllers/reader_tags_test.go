package controllers

import (
	"strings"
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/rdssim/model"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

// TestReconcile_TagsNewReaders: a surge reader has the tags of the policy, those of the writer and those of dbscaler.
func TestReconcile_TagsNewReaders(t *testing.T) {
	h := newHarness(t, overloadedCluster())
	h.aws.WithWorld(func(w *model.World) {
		if err := w.AddTags("arn:aws:rds:eu-west-1:123456789012:db:orders-1", map[string]string{"CostCenter": "1", "team": "orders"}); err != nil {
			t.Fatal(err)
		}
	})
	h.applyPolicy(strings.Replace(verticalReadersPolicy, "readers: {", `readers: {tags: [{key: CostCenter, value: "4711"}, {key: owner, value: ""}], `, 1))
	h.runUntil("p", "adding a reader", time.Hour, func(*v1alpha1.DBScalingPolicy) bool { return len(h.awsChanges()) > 0 })
	h.aws.WithWorld(func(w *model.World) {
		for _, i := range w.Instances("eu-west-1") {
			owner, hasOwner := i.Tags["owner"]
			isNew := i.Tags[scaling.TagSurge] != ""
			if isNew && (i.Tags["CostCenter"] != "4711" || owner != "" || i.Tags["team"] != "orders" || i.Tags[scaling.TagCreatedBy] == "") || isNew != hasOwner {
				t.Errorf("%s has the tags %v", i.Identifier, i.Tags)
			}
		}
		if len(w.Instances("eu-west-1")) != 3 {
			t.Error("there is no surge reader")
		}
	})
}
