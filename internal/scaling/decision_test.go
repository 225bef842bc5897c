package scaling

import (
	"testing"
	"time"
)

// A hash identifies one change of one database that last changed at one time.
func TestChange_Hash(t *testing.T) {
	target := Target{Scope: Scope{Region: "eu-west-1"}, Kind: DBCluster, Identifier: "orders"}
	change := Change{Pool: Readers, Direction: Up, From: Shape{"db.r6g.large", 1}, To: Shape{"db.r6g.large", 2}, Demand: 1.6, UtilizationPercent: 80}
	hash := change.Hash(target, testTime)
	if len(hash) != 8 {
		t.Errorf("the hash is %q", hash)
	}
	sameChange := change
	sameChange.Demand, sameChange.UtilizationPercent = 1.7, 85
	if sameChange.Hash(target, testTime) != hash {
		t.Error("the hash depends on the load")
	}
	larger, other := change, target
	larger.To.Count = 3
	other.Identifier = "billing"
	for name, got := range map[string]string{
		"another shape": larger.Hash(target, testTime), "another database": change.Hash(other, testTime),
		"another time": change.Hash(target, testTime.Add(time.Second)),
	} {
		if got == hash {
			t.Errorf("%s has the same hash", name)
		}
	}
}
