package scaling

import (
	"maps"
	"testing"
)

// The tags of dbscaler, on which its consent and its deletions depend, take precedence; the policy is not changed.
func TestPolicy_TagsOfReader(t *testing.T) {
	p := Policy{ReaderTags: map[string]string{"CostCenter": "4711", TagPolicy: "other"}}
	got := p.TagsOfReader(map[string]string{TagCreatedBy: TagCreatedByValue, TagPolicy: "shop/orders"})
	want := map[string]string{"CostCenter": "4711", TagCreatedBy: TagCreatedByValue, TagPolicy: "shop/orders"}
	if !maps.Equal(got, want) || len(p.ReaderTags) != 2 || p.ReaderTags[TagPolicy] != "other" {
		t.Errorf("got %v, want %v; the policy has %v", got, want, p.ReaderTags)
	}
	got = Policy{}.TagsOfReader(nil)
	got[TagOperatedBy] = "prod" // it must be writable
}
